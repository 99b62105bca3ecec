# What firmware.sh set holds after the next start of QEMU with the same settings.
modprobe mlx5_core
sleep 1
same "NUM_OF_VFS of the run before" 5 "$(cat $pci.0/sriov_totalvfs)"
same "of both ports" 5 "$(cat $pci.1/sriov_totalvfs)"
check "port 1 has an Ethernet device" test -d $pci.0/net
if mstconfig -d 01:00.0 query LINK_TYPE_P2 2>/dev/null | has 'IB\(1\)'; then
  check "port 2, which is InfiniBand, has none" test ! -d $pci.1/net
  check "and its driver is bound" test -d $driver/0000:01:00.1
fi
check "all VFs" sh -c "echo 5 > $pci.0/sriov_numvfs"
same "there are as many" 5 "$(ls -d $pci.0/virtfn* | wc -l)"
