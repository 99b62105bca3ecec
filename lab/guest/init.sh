#!/bin/busybox sh
# The guest's initial RAM disk: load what the root disk needs, mount it, hand over to systemd.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "$module"; done < /modules
tries=0
until [ -b /dev/vda ] || [ "$tries" -gt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
mount -t ext4 -o rw /dev/vda /mnt || exec sh
umount /sys /proc
mount --move /dev /mnt/dev
exec switch_root /mnt /sbin/init
