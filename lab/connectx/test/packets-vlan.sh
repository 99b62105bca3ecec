# VLAN tags pushed and taken off by rules, one and two; and by a VF's setting in legacy mode.
# cables
#
# SPDX-License-Identifier: GPL-2.0-or-later
load cls_flower act_vlan
P=$(peer 52:54:00:aa:00:00)
space w "$P"
ip -n w link add link "$P" name v100 type vlan id 100; ip -n w link set v100 up; ip -n w address add 10.0.0.9/24 dev v100

say legacy mode
echo 1 > $SYS/0000:01:00.0/sriov_numvfs; sleep 2; U=$(pf 0); ip link set "$U" up
check "VF's VLAN" ip link set "$U" vf 0 vlan 100 qos 3
V=$(vf 0000:01:00.2); space a "$V" 10.0.0.1/24; sleep 2
check "VF to peer, tagged by its vport" reaches a 10.0.0.9
ip netns del a; sleep 1; echo 0 > $SYS/0000:01:00.0/sriov_numvfs

say one tag
switchdev 2; bind 0000:01:00.2
U=$(pf 0) R=$(representor 0 0); offload "$U" "$R"
V=$(vf 0000:01:00.2); space a "$V" 10.0.0.1/24; sleep 1
check "push" flower "$R" all prio 1 flower skip_sw action vlan push id 100 action mirred egress redirect dev "$U"
check "pop" flower "$U" 802.1q prio 1 flower skip_sw vlan_id 100 action vlan pop action mirred egress redirect dev "$R"
check "VF to peer" reaches a 10.0.0.9
tcp a w 10.0.0.9
sleep 2; [ "$(hardware "$R")" -gt 100 ] && echo "ok counted" || echo "FAIL counters: $(hardware "$R")"
same "nothing in software" 0 "$(software "$R")"

say two tags
tc filter del dev "$R" ingress; tc filter del dev "$U" ingress
ip -n w link add link "$P" name s200 type vlan id 200 proto 802.1ad; ip -n w link set s200 up
ip -n w link add link s200 name c300 type vlan id 300; ip -n w link set c300 up; ip -n w address add 10.0.1.9/24 dev c300
ip -n a address add 10.0.1.1/24 dev "$V"
check "push two" flower "$R" all prio 1 flower skip_sw action vlan push id 300 action vlan push id 200 protocol 802.1ad action mirred egress redirect dev "$U"
check "pop two" flower "$U" 802.1ad prio 1 flower skip_sw vlan_id 200 vlan_ethtype 802.1q cvlan_id 300 action vlan pop action vlan pop action mirred egress redirect dev "$R"
check "VF to peer" reaches a 10.0.1.9
for i in $R $U; do tc qdisc del dev "$i" ingress; done
ip netns del a; sleep 1; legacy
check "the kernel is content" content
