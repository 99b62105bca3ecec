# The tools' view of firmware: Debian's mstconfig.
modprobe mlx5_core
# query DEVICE OPTION PARAMETER: its values in a row
query() {
  mstconfig -d "$1" $2 query "$3" 2> /dev/null | awk -v p="$3" '{ sub(/^\*/, "") } $1 == p { $1 = ""; sub(/^ /, ""); print }'
}
check "query ends with 0" mstconfig -d 01:00.0 query
same "default, current and next NUM_OF_VFS" "8 8 8" "$(query 01:00.0 -e NUM_OF_VFS)"
check "set" mstconfig -y -d 01:00.0 set SRIOV_EN=1 NUM_OF_VFS=16
same "only the next value is new, and both functions show it" "8 8 16" "$(query 01:00.1 -e NUM_OF_VFS)"
same "no VFs more before power-off" 8 "$(cat $pci.0/sriov_totalvfs)"
refused "more VFs than the card has" mstconfig -y -d 01:00.0 set NUM_OF_VFS=128
refused "a parameter that it does not know" mstconfig -y -d 01:00.0 set NO_SUCH=1
check "an expansion ROM's record" mstconfig -y -d 01:00.0 set BOOT_PKEY=5
same "read again" 5 "$(query 01:00.0 '' BOOT_PKEY)"
check "reset" mstconfig -y -d 01:00.0 reset
same "the factory's value again" 8 "$(query 01:00.0 '' NUM_OF_VFS)"
check "set for the next start" mstconfig -y -d 01:00.0 set NUM_OF_VFS=5
if mstconfig -d 01:00.0 query LINK_TYPE_P2 > /dev/null 2>&1; then
  check "port 2 as InfiniBand" mstconfig -y -d 01:00.0 set LINK_TYPE_P2=IB
fi
