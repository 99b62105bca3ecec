# A bond of both ports: a VF's flows over both cables by hash, one port's failure, and no LAG while VFs are driven.
# cables
#
# SPDX-License-Identifier: GPL-2.0-or-later
load cls_flower
ip link del bond0 2>/dev/null
switchdev 1
U0=$(pf 0) U1=$(pf 1)
ip link add bond0 type bond mode 802.3ad miimon 100 xmit_hash_policy layer3+4
for i in $U0 $U1; do ip link set "$i" down; ip link set "$i" master bond0; done; ip link set bond0 up
P0=$(peer 52:54:00:aa:00:00) P1=$(peer 52:54:00:aa:00:01)
ip netns add w; for i in $P0 $P1; do ip link set "$i" netns w; done
ip -n w link add bond1 type bond mode 802.3ad miimon 100; for i in $P0 $P1; do ip -n w link set "$i" master bond1; done
ip -n w link set bond1 up; ip -n w address add 10.0.0.9/24 dev bond1; sleep 6
L=/sys/kernel/debug/mlx5/0000:01:00.0/lag
same "LAG" active "$(cat $L/state 2>/dev/null)"
cat $L/type $L/flags $L/mapping 2>/dev/null
grep -E "Number of ports|Partner Mac" /proc/net/bonding/bond0
bind 0000:01:00.2; R=$(representor 0 0); V=$(vf 0000:01:00.2); offload "$R"; for i in $U0 $U1; do ethtool -K "$i" hw-tc-offload on; done
for i in $U0 $U1; do tc qdisc add dev "$i" ingress_block 22 ingress; done
space a "$V" 10.0.0.1/24; sleep 2
check "out by the bond" flower "$R" all prio 1 flower skip_sw action mirred egress redirect dev bond0
check "in by both ports" tc filter add block 22 protocol all prio 1 flower skip_sw action mirred egress redirect dev "$R"
check "VF to peer" reaches a 10.0.0.9
sent() { ip netns exec w cat "/sys/class/net/$1/statistics/rx_packets"; }
b0=$(sent "$P0") b1=$(sent "$P1")
for p in $(seq 5301 5316); do ip netns exec w iperf3 -s -1 -D -p $p; done; sleep 2
for p in $(seq 5301 5316); do ip netns exec a timeout 20 iperf3 -c 10.0.0.9 -p $p -n 200K > /dev/null 2>&1; done
cat $L/mapping; n0=$(($(sent "$P0") - b0)) n1=$(($(sent "$P1") - b1)); echo "cables: $n0 and $n1 packets"
if [ "$(cat $L/port_sel_mode 2>/dev/null)" = hash ]; then
    [ $n0 -gt 100 ] && [ $n1 -gt 100 ] && echo "ok over both cables" || echo "FAIL over one cable"
fi

say one cable down
ip -n w link set "$P0" down; ip link set "$U0" down; sleep 4; cat $L/mapping
check "VF to peer over the other" reaches a 10.0.0.9
ip link set "$U0" up; ip -n w link set "$P0" up; sleep 6; cat $L/mapping
check "VF to peer again" reaches a 10.0.0.9
tc qdisc del dev "$R" ingress; for i in $U0 $U1; do tc qdisc del dev "$i" ingress_block 22 ingress; done

say no LAG is ended or begun while a VF is driven
ip link set "$U1" nomaster; sleep 2; dmesg | grep -iE "unbound prior|Failed to (de)?activate|Failed to destroy" | tail -2
ip netns del a; sleep 1
echo 0000:01:00.2 > /sys/bus/pci/drivers/mlx5_core/unbind; ip link del bond0; sleep 2
legacy
