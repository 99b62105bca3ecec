#!/bin/bash
# The late stage as vf-lag guides do it by hand: every port is in a bond, then the VFs get their driver, one after the other.
# Usage: late.sh PORT...
say() {
  logger -t vf-lag-late "$*"
}

for port in "$@"; do
  [[ -d /sys/class/net/$port ]] || { say "$port is missing"; exit 1; }
  flags=$(ip link show dev "$port" | grep -o '<.*>')
  grep -q '\<SLAVE\>' <<< "$flags" || { say "$port is in no bond"; exit 1; }
  cd "/sys/class/net/$port/device" || exit 1
  for vf in $(readlink virtfn*); do
    say "bind $(basename "$vf")"
    basename "$vf" > /sys/bus/pci/drivers/mlx5_core/bind
  done
done
