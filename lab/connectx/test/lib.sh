# Before every scenario, in the guest.
pci=/sys/bus/pci/devices/0000:01:00
driver=/sys/bus/pci/drivers/mlx5_core

# check NAME COMMAND...: says whether a command succeeded
check() {
  name=$1
  shift
  if "$@" > /tmp/out 2>&1; then echo "ok $name"; else echo "FAIL $name: $*: $(head -c 300 /tmp/out | tr '\n' ' ')"; fi
}
# refused NAME COMMAND...: says whether it failed
refused() {
  name=$1
  shift
  if "$@" > /tmp/out 2>&1; then echo "FAIL $name: $*: was not refused"; else echo "ok $name"; fi
}
# same NAME EXPECTED FOUND
same() { if [ "$2" = "$3" ]; then echo "ok $1"; else echo "FAIL $1: $2 expected, $3 found"; fi; }
has() { grep -qE -- "$1"; }
said() { dmesg | grep -qE -- "$1"; }
# tells whoever runs the guest, and gives him the time
tell() { echo "@$*"; sleep 2; }
quiet() { dmesg -n 1; }
no_oops() { ! dmesg | grep -E 'WARNING:|BUG:|Oops|general protection|Call Trace'; }
finish() {
  check "no oops" no_oops
  echo "@finished"
}
quiet
