#!/bin/sh
# Runs once, chrooted into the guest's root, while the image is built. $1: the ssh public key.
set -eu
echo lab > /etc/hostname
printf '127.0.0.1 localhost lab\n' > /etc/hosts
passwd -d root > /dev/null
mkdir -p -m 700 /root/.ssh
printf '%s\n' "$1" > /root/.ssh/authorized_keys
ls /etc/ssh/ssh_host_ed25519_key > /dev/null || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
# No PAM: a session for each connection, and programs that make a greeting, would be half a second each.
printf 'UseDNS no\nUsePAM no\nAcceptEnv *\n' > /etc/ssh/sshd_config.d/lab.conf
mkdir -p /etc/systemd/system/ssh.service.d
printf '[Service]\nExecStartPre=\n' > /etc/systemd/system/ssh.service.d/lab.conf

cat > /etc/network/interfaces << 'END'
auto lo
iface lo inet loopback
auto mgmt0
iface mgmt0 inet static
  address 10.0.2.15/24
source-directory /etc/network/interfaces.d
END
mkdir -p /etc/systemd/network
cat > /etc/systemd/network/10-mgmt.link << 'END'
[Match]
MACAddress=52:54:00:00:00:01
[Link]
Name=mgmt0
END
# The far ends of an igb guest's cables.
for port in 0 1 2 3; do
  cat > "/etc/systemd/network/10-peer$port.link" << END
[Match]
MACAddress=02:00:00:00:2$port:00
[Link]
Name=peer$port
END
done

mkdir -p /vflag /opt/vflag /mnt/share
ln -sf /opt/vflag/vflag /usr/local/bin/vflag
cat > /etc/fstab << 'END'
/dev/vda / ext4 defaults,noatime 0 0
repository /vflag 9p trans=virtio,version=9p2000.L,msize=524288,ro,nofail 0 0
/dev/vdb /vflag/node_modules ext4 ro,nofail 0 0
/dev/vdc /opt/vflag ext4 ro 0 0
share /mnt/share 9p trans=virtio,version=9p2000.L,msize=524288,nofail 0 0
END

# ifupdown makes the networks; a test that wants another manager enables it.
systemctl --quiet disable NetworkManager.service NetworkManager-wait-online.service NetworkManager-dispatcher.service

# Nothing here needs them, and each costs up to a second of emulated time at boot.
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer \
  e2scrub_reap.service systemd-random-seed.service getty@tty1.service serial-getty@ttyS0.service \
  systemd-update-utmp.service systemd-binfmt.service user@.service systemd-pstore.service uuidd.socket \
  modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service \
  modprobe@loop.service dev-mqueue.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount sys-kernel-config.mount \
  podman.socket podman.service podman-auto-update.timer podman-auto-update.service podman-restart.service; do
  ln -sf /dev/null "/etc/systemd/system/$unit"
done
# They find nothing to do, at each boot and each time systemd is told to read its units anew.
mkdir -p /etc/systemd/system-generators
for what in cryptsetup debug getty gpt-auto hibernate-resume integritysetup rc-local run system-update veritysetup; do
  ln -sf /dev/null "/etc/systemd/system-generators/systemd-$what-generator"
done
# udev has it loaded for each processor, and it fails each time, which takes 3 s.
echo 'blacklist kvm_amd' > /etc/modprobe.d/no-kvm.conf

# Modules, drivers and buses are two thirds of what udev is asked for at boot, and it does nothing for them here; three in five
# devices of this machine are of no use here either. udev takes 20 ms for each of all these: they are not asked for. Else this is the
# distribution's own line.
mkdir -p /etc/systemd/system/systemd-udev-trigger.service.d
cat > /etc/systemd/system/systemd-udev-trigger.service.d/lab.conf << 'END'
[Service]
ExecStart=
ExecStart=-udevadm trigger --type=devices --action=add --prioritized-subsystem=block,tpmrm,net,input --subsystem-nomatch=tty --subsystem-nomatch=vc --subsystem-nomatch=vtconsole --subsystem-nomatch=acpi --subsystem-nomatch=memory --subsystem-nomatch=mem --subsystem-nomatch=bdi --subsystem-nomatch=workqueue --subsystem-nomatch=wakeup
END
