# VXLAN and Geneve in hardware, with large sends inside of tunnels, and a VXLAN port that is not the usual one.
# cables
#
# SPDX-License-Identifier: GPL-2.0-or-later
load vxlan geneve cls_flower act_tunnel_key
switchdev 1; bind 0000:01:00.2
R=$(representor 0 0) U=$(pf 0); offload "$R"
for i in $U $(pf 1); do ethtool -K "$i" hw-tc-offload on; done
ip link set "$U" up; ip address add 192.168.0.1/24 dev "$U"
V=$(vf 0000:01:00.2); space a "$V" 10.1.0.1/24; ip -n a link set "$V" mtu 1400
P=$(peer 52:54:00:aa:00:00); space w "$P" 192.168.0.2/24; sleep 2
check "uplink to peer" ping -c 3 -i 0.3 -W 3 192.168.0.2
prio=0
tunnel() {
    say "$1, port $3"
    ip link add tun0 type "$1" dstport "$3" external; ip link set tun0 up; tc qdisc add dev tun0 ingress
    ip -n w link add tun1 type "$1" id "$2" remote 192.168.0.1 dstport "$3" $4; ip -n w address add 10.1.0.2/24 dev tun1
    ip -n w link set tun1 mtu 1400 up; ip -n a neigh flush all
    for t in ip arp; do
        prio=$((prio + 1))
        check "encapsulate $t" flower "$R" $t prio $prio flower skip_sw action tunnel_key set src_ip 192.168.0.1 dst_ip 192.168.0.2 id "$2" dst_port "$3" action mirred egress redirect dev tun0
        # Not skip_sw: the other port's driver is asked too, and cannot.
        check "decapsulate $t" flower tun0 $t prio $prio flower enc_dst_ip 192.168.0.1 enc_src_ip 192.168.0.2 enc_key_id "$2" enc_dst_port "$3" action tunnel_key unset action mirred egress redirect dev "$R"
    done
    check "VF to peer" reaches a 10.1.0.2
    tcp a w 10.1.0.2; tcp w a 10.1.0.1
    sleep 2
    [ "$(hardware "$R")" -gt 100 ] && [ "$(hardware tun0)" -gt 100 ] && echo "ok counted" || echo "FAIL counters: $(hardware "$R") $(hardware tun0)"
    same "nothing in software" 0 "$(software tun0)"
    tc filter del dev "$R" ingress; ip link del tun0; ip -n w link del tun1
}
tunnel vxlan 42 4789 "dev $P local 192.168.0.2"
tunnel geneve 43 6081
tunnel vxlan 44 4444 "dev $P local 192.168.0.2"
tc qdisc del dev "$R" ingress; ip netns del a; sleep 1; legacy
check "the kernel is content" content
