# The card is pulled out of its slot while the driver runs, and put in again.
modprobe mlx5_core
modprobe pciehp 2>/dev/null
ip link set eth0 up
echo 1 > $pci.0/sriov_numvfs
sleep 1
tell fault remove
sleep 20
gone() { ! test -e $pci.0 || said 'Card not present|PCI slot unavailable|device.s health compromised'; }
check "the kernel sees it go" gone
tell fault clear
sleep 20
echo 1 > /sys/bus/pci/rescan
sleep 10
check "it is there again" test -e $pci.0
check "and driven" test -e $driver/0000:01:00.0
