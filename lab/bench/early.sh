#!/bin/bash
# The early stage as vf-lag guides do it by hand, step for step: VFs, unbind them, switchdev mode, offload, channels.
# Usage: early.sh VFS PF_CHANNELS REPRESENTOR_CHANNELS PORT...
# One repair: representors are looked for in /sys/class/net. Since Linux 5.8 they have a PCI parent, and the folder of
# virtual devices, where the guide's script looks, holds none of them: it would leave every representor untuned.
vfs=$1 pf_channels=$2 rep_channels=$3
shift 3

say() {
  logger -t vf-lag-early "$*"
}

offload_on() {
  state=$(ethtool -k "$1" | awk '{print $2}')
  if [[ $state != on ]]; then
    say "hw-tc-offload of $1"
    ethtool -K "$1" hw-tc-offload on
  fi
}

create_vfs() {
  cd "/sys/class/net/$1/device" || exit 1
  address=$(basename "$(realpath "$PWD")")
  say "$vfs VFs of $1 ($address)"
  echo "$vfs" > sriov_numvfs
  for vf in $(readlink virtfn*); do
    say "unbind $(basename "$vf")"
    basename "$vf" > /sys/bus/pci/drivers/mlx5_core/unbind
  done
  devlink dev eswitch set "pci/$address" mode switchdev
  say "now $(devlink dev eswitch show "pci/$address")"
}

tune_representors() {
  representors=$(cd /sys/class/net && for i in *; do
    ethtool -i "$i" 2> /dev/null | awk -v netdev="$i" '$1 == "driver:" && $2 == "mlx5e_rep" {print netdev}'
  done)
  for i in $representors; do
    say "channels of representor $i"
    ethtool -L "$i" combined "$rep_channels"
    offload_on "$i"
  done
}

for port in "$@"; do
  [[ -d /sys/class/net/$port ]] || { say "$port is missing"; exit 1; }
  flags=$(ip link show dev "$port" | grep -o '<.*>')
  if grep -q '\<SLAVE\>' <<< "$flags"; then
    say "$port is in a bond"
    exit 1
  fi
  create_vfs "$port"
  offload_on "$port"
  say "channels of $port"
  ethtool -L "$port" combined "$pf_channels"
done
tune_representors
