# What the driver shows of device and port.
modprobe mlx5_core
modprobe sch_ingress
devlink dev info pci/0000:01:00.0 > /tmp/info
check "firmware's running version" has 'fw.version [0-9]+\.35\.1012' < /tmp/info
check "firmware's serial of board" has 'fw.psid EMU' < /tmp/info
ip link set eth0 up
sleep 1
ethtool eth0 > /tmp/port
check "speed" has 'Speed: 100000Mb/s' < /tmp/port
check "modes" has '25000baseCR/Full' < /tmp/port
check "cable" has 'Port: Direct Attach Copper' < /tmp/port
check "a slower speed" ethtool -s eth0 speed 25000 duplex full autoneg off
sleep 1
check "it is spoken" sh -c 'ethtool eth0 | grep -q "Speed: 25000Mb/s"'
check "all speeds again" ethtool -s eth0 autoneg on
ethtool -m eth0 > /tmp/module
check "module" has 'QSFP28' < /tmp/module
check "its checksummed name" has 'CONNECTX-DAC-1M' < /tmp/module
check "counters of the port" sh -c 'ethtool -S eth0 | grep -q rx_packets_phy'
check "a large MTU" ip link set eth0 mtu 9000
refused "one too large" ip link set eth0 mtu 20000
refused "flashing, which is not offered" devlink dev flash pci/0000:01:00.0 file none.bin
refused "activation without a reboot" devlink dev reload pci/0000:01:00.0 action fw_activate
check "a reload" devlink dev reload pci/0000:01:00.0
check "firmware is well" sh -c "devlink health show pci/0000:01:00.0 reporter fw | grep -q 'state healthy'"
check "no command failed for a register" sh -c "! dmesg | grep -E 'ACCESS_REG.*failed' | grep -vE 'MFRL|0x9028'"
