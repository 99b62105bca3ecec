# TCP between two VFs of one port, in legacy mode; and a VF's slow path to its representor in switchdev mode (any kernel).
#
# SPDX-License-Identifier: GPL-2.0-or-later
load
echo 2 > $SYS/0000:01:00.0/sriov_numvfs; sleep 2
U=$(pf 0); ip link set "$U" up
V0=$(vf 0000:01:00.2) V1=$(vf 0000:01:00.3); space a "$V0" 10.0.0.1/24; space b "$V1" 10.0.0.2/24; sleep 3
check "VF to VF" reaches a 10.0.0.2
say packets of 1500 bytes; tcp a b 10.0.0.2 5
say packets of 9000 bytes
for i in a b; do for n in $V0 $V1; do ip -n $i link set "$n" mtu 9000 2>/dev/null; done; done; sleep 1
tcp a b 10.0.0.2 5
for i in a b; do ip netns del $i; done; sleep 1; echo 0 > $SYS/0000:01:00.0/sriov_numvfs
say slow path
switchdev 1; bind 0000:01:00.2
R=$(representor 0 0); ip link set "$R" up; ip link set "$U" up; ip address add 10.0.0.100/24 dev "$R"
V0=$(vf 0000:01:00.2); space a "$V0" 10.0.0.1/24; sleep 2
check "VF to representor" reaches a 10.0.0.100
ip link set "$R" down; sleep 1
if pings a 10.0.0.100 > /tmp/out; then echo "FAIL a VF whose representor is down is not cut off"; else echo "ok a VF whose representor is down is cut off"; fi
ip netns del a; sleep 1; legacy
check "the kernel is content" content
