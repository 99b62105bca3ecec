# Nothing is left on the card by a driver that undid what it did.
modprobe mlx5_core
ip link set eth0 up
for round in 1 2; do
  echo 2 > $pci.0/sriov_numvfs
  echo 2 > $pci.1/sriov_numvfs
  sleep 1
  for v in $driver/0000:01:*; do case $v in *00.0 | *00.1) ;; *) echo "${v##*/}" > $driver/unbind ;; esac; done
  for p in 0 1; do check "switchdev $p" devlink dev eswitch set pci/0000:01:00.$p mode switchdev; done
  echo 0000:01:00.2 > $driver/bind
  sleep 1
  echo 0000:01:00.2 > $driver/unbind
  for p in 0 1; do check "legacy $p" devlink dev eswitch set pci/0000:01:00.$p mode legacy; done
  echo 0 > $pci.0/sriov_numvfs
  echo 0 > $pci.1/sriov_numvfs
done
rmmod mlx5_core
tell empty
modprobe mlx5_core
for p in 0 1; do echo 0000:01:00.$p > $driver/unbind; done
tell empty
