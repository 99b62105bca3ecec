#!/bin/sh
# Runs once, chrooted into the guest's root, while the image is built. $1: the ssh public key.
set -eu
echo lab > /etc/hostname
printf '127.0.0.1 localhost lab\n' > /etc/hosts
passwd -d root > /dev/null
mkdir -p -m 700 /root/.ssh
printf '%s\n' "$1" > /root/.ssh/authorized_keys
ls /etc/ssh/ssh_host_ed25519_key > /dev/null || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
printf 'UseDNS no\nAcceptEnv *\n' > /etc/ssh/sshd_config.d/lab.conf

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

# Nothing here needs them, and each costs a second of emulated time at boot.
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer \
  e2scrub_reap.service systemd-random-seed.service getty@tty1.service serial-getty@ttyS0.service \
  systemd-update-utmp.service; do
  ln -sf /dev/null "/etc/systemd/system/$unit"
done
