# Headers rewritten (addresses, ports, TTL), mirrors, chains, drops, counters.
# cables
#
# SPDX-License-Identifier: GPL-2.0-or-later
load cls_flower act_pedit act_csum
switchdev 3; bind 0000:01:00.2 0000:01:00.3 0000:01:00.4
R0=$(representor 0 0) R1=$(representor 0 1) R2=$(representor 0 2) U=$(pf 0); offload "$U" "$R0" "$R1" "$R2"
V0=$(vf 0000:01:00.2) V1=$(vf 0000:01:00.3) V2=$(vf 0000:01:00.4)
space a "$V0" 10.0.0.1/24; space b "$V1" 10.0.0.2/24; space c "$V2"; sleep 2
MB=$(ip netns exec b cat "/sys/class/net/$V1/address") MA=$(ip netns exec a cat "/sys/class/net/$V0/address")

say rewritten addresses: 10.0.0.77 is 10.0.0.2, and port 7777 is 5201
ip -n a neigh add 10.0.0.77 lladdr 02:11:22:33:44:55 dev "$V0"
check "there" flower "$R0" ip prio 1 flower skip_sw ip_proto tcp dst_ip 10.0.0.77 action pedit ex munge eth dst set "$MB" munge ip dst set 10.0.0.2 munge ip ttl set 33 pipe action csum ip and tcp pipe action mirred egress redirect dev "$R1"
check "back" flower "$R1" ip prio 1 flower skip_sw ip_proto tcp src_ip 10.0.0.2 action pedit ex munge ip src set 10.0.0.77 pipe action csum ip and tcp pipe action mirred egress redirect dev "$R0"
check "back, ARP" flower "$R1" arp prio 2 flower skip_sw action mirred egress redirect dev "$R0"
check "there, ARP" flower "$R0" arp prio 2 flower skip_sw action mirred egress redirect dev "$R1"
tcp a b 10.0.0.77
tc filter del dev "$R0" ingress; tc filter del dev "$R1" ingress
check "port there" flower "$R0" ip prio 1 flower skip_sw ip_proto tcp dst_port 7777 action pedit ex munge tcp dport set 5201 pipe action csum tcp pipe action mirred egress redirect dev "$R1"
check "port back" flower "$R1" ip prio 1 flower skip_sw ip_proto tcp src_port 5201 action pedit ex munge tcp sport set 7777 pipe action csum tcp pipe action mirred egress redirect dev "$R0"
check "ARP" flower "$R0" arp prio 2 flower skip_sw action mirred egress redirect dev "$R1"
check "ARP back" flower "$R1" arp prio 2 flower skip_sw action mirred egress redirect dev "$R0"
ip netns exec b iperf3 -s -1 -D; sleep 1
check "TCP to port 7777" ip netns exec a timeout 30 iperf3 -c 10.0.0.2 -p 7777 -t 1

say mirror
tc filter del dev "$R0" ingress; tc filter del dev "$R1" ingress
received() { ip netns exec c cat "/sys/class/net/$V2/statistics/rx_packets"; }
ip -n c link set "$V2" promisc on; before=$(received)
check "mirrored to the third" flower "$R0" all prio 1 flower skip_sw action mirred egress mirror dev "$R2" action mirred egress redirect dev "$R1"
check "back" flower "$R1" all prio 1 flower skip_sw action mirred egress redirect dev "$R0"
check "ping" reaches a 10.0.0.2
sleep 1; [ $(($(received) - before)) -ge 4 ] && echo "ok the third saw them" || echo "FAIL the third saw $(($(received) - before))"

say chains
tc filter del dev "$R0" ingress
check "to chain 3" flower "$R0" all prio 1 chain 0 flower skip_sw action goto chain 3
check "chain 3" flower "$R0" all prio 1 chain 3 flower skip_sw action mirred egress redirect dev "$R1"
check "ping" reaches a 10.0.0.2
tc filter del dev "$R0" ingress chain 3; tc filter del dev "$R0" ingress

say drop
check "drop" flower "$R0" ip prio 1 flower skip_sw ip_proto icmp action drop
check "the rest" flower "$R0" all prio 2 flower skip_sw action mirred egress redirect dev "$R1"
if pings a 10.0.0.2 > /tmp/out; then echo "FAIL not dropped"; else echo "ok dropped"; fi
sleep 2; check "counted" [ "$(tc -s filter show dev "$R0" ingress prio 1 | awk '/Sent hardware/ { print $5 }')" -ge 4 ]
for i in $R0 $R1 $R2 $U; do tc qdisc del dev "$i" ingress; done
for i in a b c; do ip netns del $i; done; sleep 1; legacy
check "the kernel is content" content
