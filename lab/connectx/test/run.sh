#!/usr/bin/env bash
# Boots a small guest with the card, carries a scenario out in it, and ends with 0 where every check of it held.
#   run.sh KERNEL INITRD SCENARIO.sh
# INITRD: an initial RAM disk whose init runs /run.sh and then powers off; with Debian's own mlx5_core, iproute2, ethtool and
#   mstconfig.
# From the environment:
#   QEMU          the program; QEMU_ARGS: more arguments for it (-L ...), QEMU_LIBRARIES: LD_LIBRARY_PATH for it
#   CONNECTX      connectx.so
#   PORT0, PORT1  properties of the card's ports, as model=cx5,settings=FILE,
#   NET           arguments for the ports' cables
#   SECONDS_MOST  how long it may take (240)
#   CARD_LOG      file for what the card logs
# What a scenario prints as "@fault TEXT" becomes the card's property `fault`; "@link PORT on|off" is QEMU's set_link; "@empty"
# checks that nothing of a driver is left on the card, and "@resources" shows what is there.
#
# SPDX-License-Identifier: GPL-2.0-or-later
set -euo pipefail
kernel=$1 initrd=$2 scenario=$3 here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkfifo "$work/monitor.in" "$work/monitor.out" "$work/console"
cat "$here/lib.sh" "$here/packets.inc" "$scenario" > "$work/run.sh"
if grep -q '^# cables' "$scenario"; then
  for p in 0 1; do
    NET="${NET:-} -netdev hubport,id=port$p,hubid=$p -netdev hubport,id=peer$p,hubid=$p
      -device virtio-net-pci,netdev=peer$p,mac=52:54:00:aa:00:0$p,speed=100000,duplex=full,romfile="
  done
  PORT0="${PORT0:-}netdev=port0,mac=02:00:00:00:00:01," PORT1="${PORT1:-}netdev=port1,mac=02:00:00:00:00:02,"
fi
echo 'finish' >> "$work/run.sh"
(cd "$work" && echo run.sh | cpio -o --quiet -H newc) > "$work/extra.cpio"
cat "$initrd" "$work/extra.cpio" > "$work/initrd"

# LD_PRELOAD must reach QEMU alone.
timeout --foreground "${SECONDS_MOST:-240}" \
  env ${QEMU_LIBRARIES:+LD_LIBRARY_PATH="$QEMU_LIBRARIES"} ${CARD_LOG:+CONNECTX_LOG=1} LD_PRELOAD="${CONNECTX:?}" \
  "${QEMU:-qemu-system-x86_64}" ${QEMU_ARGS:-} \
  -M q35 -accel tcg,thread=multi -cpu qemu64 -smp 2 -m 1500 -display none -no-reboot -nodefaults \
  -global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off \
  -chardev pipe,id=monitor,path="$work/monitor" -mon chardev=monitor,mode=readline -serial stdio \
  -kernel "$kernel" -initrd "$work/initrd" -append "console=ttyS0 quiet panic=-1 no_timer_check ${APPEND:-}" \
  -device pcie-root-port,id=slot1,bus=pcie.0,slot=1,pref64-reserve=512M ${NET:-} \
  -device "connectx,id=nic0p0,bus=slot1,addr=0.0,multifunction=on,${PORT0:-}x-pcie-ari-nextfn-1=on" \
  -device "connectx,id=nic0p1,bus=slot1,addr=0.1${PORT1:+,${PORT1%,}}" \
  < /dev/null > "$work/console" 2> "$work/errors" &
qemu=$!
exec 3<> "$work/monitor.in" 4<> "$work/monitor.out"

# The monitor's answer to one command: the lines until its next prompt come within a moment.
ask() {
  local line
  while read -r -t 0.05 -u 4 line; do :; done
  echo "$1" >&3
  while read -r -t 0.5 -u 4 line; do
    line=${line%$'\r'}
    case $line in \"pf* | Error*) echo "$line" ;; esac
  done
}

failed=0 finished=0
while IFS= read -r line; do
  line=${line%$'\r'}
  echo "$line"
  case $line in
    "@fault "*) ask "qom-set /machine/peripheral/nic0p0 fault ${line#@fault }" ;;
    "@link "*) set -- ${line#@link } && ask "set_link nic0p$1 $2" ;;
    "@resources") ask "qom-get /machine/peripheral/nic0p0 resources" | sed 's/\\n/\n/g' ;;
    "@empty")
      left=$(ask "qom-get /machine/peripheral/nic0p0 resources")
      case ${left//\\n/ } in
        '"pf0: pages 0, left behind 0 pf1: pages 0, left behind 0 "') echo "ok nothing is left on the card" ;;
        *) echo "FAIL left on the card: ${left//\\n/; }" && failed=1 ;;
      esac ;;
    "FAIL "*) failed=1 ;;
    "@finished") finished=1 ;;
  esac
done < "$work/console"
wait "$qemu" || true
if [ -n "${CARD_LOG:-}" ]; then cp "$work/errors" "$CARD_LOG"; else cat "$work/errors"; fi
if [ "$finished" = 0 ]; then
  echo "FAIL the guest did not come to the scenario's end"
  exit 1
fi
exit "$failed"
