#!/bin/busybox sh
# The small guest's init: what the kernel shows, the commands by their own names, then the scenario that was appended as /run.sh.
/bin/busybox --install -s /bin 2>/dev/null
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t debugfs debug /sys/kernel/debug
mount -t tmpfs run /run
exec </dev/console >/dev/console 2>&1
ip link set lo up
# busybox's shell would take its own programs of these names.
for name in ip tc ping bridge; do eval "$name() { /bin/$name \"\$@\"; }"; done
[ -f /run.sh ] && . /run.sh
poweroff -f
