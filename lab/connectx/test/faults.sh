# Faults, set while the driver runs.
modprobe mlx5_core
modprobe bonding max_bonds=0
lag() { cat /sys/kernel/debug/mlx5/0000:01:00.0/lag/state 2>/dev/null; }
ip link set eth0 up
sleep 1

tell fault "fail INIT_HCA@pf0 NO_RES 0x123456"
refused "a reload that firmware refuses" devlink dev reload pci/0000:01:00.0
check "the driver shows status and syndrome" said 'INIT_HCA.*status no resources\(0xf\), syndrome \(0x123456\)'
tell fault clear
check "without the fault" devlink dev reload pci/0000:01:00.0
sleep 1

tell fault "delay ENABLE_HCA@vf 700"
t=$(cut -d. -f1 /proc/uptime)
before=$(cut -d' ' -f1 /proc/uptime)
check "a VF" sh -c "echo 1 > $pci.0/sriov_numvfs"
check "that took its time" sh -c "awk -v b=$before '{ exit !(\$1 - b >= 0.7) }' /proc/uptime"
check "none again" sh -c "echo 0 > $pci.0/sriov_numvfs"
tell fault clear

for p in 0 1; do devlink dev eswitch set pci/0000:01:00.$p mode switchdev; done
tell fault "fail CREATE_LAG BAD_PARAM 0x7d49cb x1"
ip link add bond0 type bond mode active-backup miimon 100
for n in eth0 eth1; do ip link set $n down; ip link set $n master bond0; done
ip link set bond0 up
sleep 4
check "a LAG that firmware refuses" said 'CREATE_LAG.*status bad parameter\(0x3\), syndrome \(0x7d49cb\)'
ip link set eth1 nomaster
ip link set eth1 down
ip link set eth1 master bond0
sleep 4
same "refused once only" active "$(lag)"

tell fault "unplug 0"
check "a cable pulled" sh -c '! ip link show eth0 | grep -q LOWER_UP'
check "the reason" sh -c 'ethtool eth0 | grep -q "Link detected: no"'
tell fault "plug 0"
check "and put in" sh -c 'ip link show eth0 | grep -q LOWER_UP'
ip link del bond0
for p in 0 1; do devlink dev eswitch set pci/0000:01:00.$p mode legacy; done

tell fault "health 0x10"
sleep 5
check "firmware's health" sh -c "devlink health show pci/0000:01:00.0 reporter fw | grep -q 'state error'"
tell fault "health 0"
tell fault "health 0x1 fatal"
for _ in 1 2 3 4 5 6 7 8 9 10; do said 'Fatal error' && break; sleep 0.3; done
check "a fatal error is seen" said 'Fatal error'
# The driver waits five seconds for firmware's counter before it gives up.
tell fault clear
sleep 20
for p in 0 1; do
  check "port $p recovered" sh -c "devlink health show pci/0000:01:00.$p reporter fw_fatal | grep -q 'state healthy'"
done
check "and its device is there again" ip link show eth0
