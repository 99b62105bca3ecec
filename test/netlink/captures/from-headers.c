/*
 * Writes from-headers.json: answers as the kernel would give them, for devices that a test machine does not have.
 * The numbers come from the kernel's own headers, not from our tables, so a wrong number in a table fails a test.
 *
 *     gcc -o /tmp/from-headers from-headers.c && /tmp/from-headers > from-headers.json
 *
 * Each value is the payload after struct ifinfomsg or struct genlmsghdr (which are written too), in hexadecimal.
 * The order of attributes follows rtnl_fill_ifinfo, bond_fill_info and net/devlink/.
 */
#include <linux/devlink.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/if_bonding.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static unsigned char out[65536];
static int length, first = 1;

static void raw(const void *data, int size)
{
	memcpy(out + length, data, size);
	length += size;
	while (length & 3) out[length++] = 0;
}
static void put(int type, const void *data, int size)
{
	struct nlattr header = { .nla_len = sizeof(header) + size, .nla_type = type };
	raw(&header, sizeof(header));
	raw(data, size);
}
static void put8(int type, uint8_t value) { put(type, &value, 1); }
static void put16(int type, uint16_t value) { put(type, &value, 2); }
static void put32(int type, uint32_t value) { put(type, &value, 4); }
static void text(int type, const char *value) { put(type, value, strlen(value) + 1); }
static int nest(int type)
{
	int start = length;
	put(type, "", 0);
	return start;
}
static void end(int start) { ((struct nlattr *)(out + start))->nla_len = length - start; }

static void finish(const char *name)
{
	printf("%s\n  \"%s\": \"", first ? "{" : ",", name);
	for (int i = 0; i < length; i++) printf("%02x", out[i]);
	printf("\"");
	first = length = 0;
}

static const unsigned char pf_mac[6] = { 0x24, 0x8a, 0x07, 0xad, 0x77, 0xca };
static const unsigned char partner[6] = { 0x00, 0x1c, 0x73, 0x01, 0x02, 0x03 };

static void link_header(int index, unsigned flags)
{
	struct ifinfomsg header = { .ifi_family = 0, .ifi_type = 1, .ifi_index = index, .ifi_flags = flags };
	raw(&header, sizeof(header));
}

static void vf(int index, int spoofchk, int trust, int state, int vlan)
{
	int start = nest(IFLA_VF_INFO);
	struct ifla_vf_mac mac = { .vf = index, .mac = { 0x02, 0, 0, 0, 0, index } };
	struct ifla_vf_broadcast broadcast = { .broadcast = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct ifla_vf_vlan tag = { .vf = index, .vlan = vlan, .qos = vlan ? 5 : 0 };
	struct ifla_vf_rate rate = { .vf = index, .min_tx_rate = 100, .max_tx_rate = 1000 };
	struct ifla_vf_tx_rate old_rate = { .vf = index, .rate = 1000 };
	struct ifla_vf_spoofchk spoof = { .vf = index, .setting = spoofchk };
	struct ifla_vf_link_state link = { .vf = index, .link_state = state };
	struct ifla_vf_rss_query_en rss = { .vf = index, .setting = -1 };
	struct ifla_vf_trust trusted = { .vf = index, .setting = trust };
	put(IFLA_VF_MAC, &mac, sizeof(mac));
	put(IFLA_VF_BROADCAST, &broadcast, sizeof(broadcast));
	put(IFLA_VF_VLAN, &tag, sizeof(tag));
	put(IFLA_VF_RATE, &rate, sizeof(rate));
	put(IFLA_VF_TX_RATE, &old_rate, sizeof(old_rate));
	put(IFLA_VF_SPOOFCHK, &spoof, sizeof(spoof));
	put(IFLA_VF_LINK_STATE, &link, sizeof(link));
	put(IFLA_VF_RSS_QUERY_EN, &rss, sizeof(rss));
	put(IFLA_VF_TRUST, &trusted, sizeof(trusted));
	int vlans = nest(IFLA_VF_VLAN_LIST);
	struct ifla_vf_vlan_info info = { .vf = index, .vlan = vlan, .vlan_proto = 0x0081 };
	put(IFLA_VF_VLAN_INFO, &info, sizeof(info));
	end(vlans);
	end(start);
}

static void links(void)
{
	link_header(5, IFF_UP | IFF_SLAVE | 0x10000);
	text(IFLA_IFNAME, "ens3f0np0");
	put32(IFLA_TXQLEN, 1000);
	put8(IFLA_OPERSTATE, 6);
	put32(IFLA_MTU, 9000);
	put32(IFLA_MASTER, 7);
	put32(IFLA_NUM_VF, 2);
	put(IFLA_ADDRESS, "\x02\xbb\xbb\xbb\xbb\xbb", 6);
	int list = nest(IFLA_VFINFO_LIST);
	vf(0, 1, 0, IFLA_VF_LINK_STATE_AUTO, 0);
	vf(1, -1, -1, IFLA_VF_LINK_STATE_DISABLE, 100);
	end(list);
	text(IFLA_PHYS_PORT_NAME, "p0");
	put(IFLA_PHYS_SWITCH_ID, "\xca\x77\xad\x00\x03\x07\x8a\x24", 8);
	int info = nest(IFLA_LINKINFO);
	text(IFLA_INFO_SLAVE_KIND, "bond");
	int data = nest(IFLA_INFO_SLAVE_DATA);
	put8(IFLA_BOND_SLAVE_STATE, BOND_STATE_BACKUP);
	put8(IFLA_BOND_SLAVE_MII_STATUS, BOND_LINK_UP);
	put32(IFLA_BOND_SLAVE_LINK_FAILURE_COUNT, 3);
	put(IFLA_BOND_SLAVE_PERM_HWADDR, pf_mac, 6);
	put16(IFLA_BOND_SLAVE_QUEUE_ID, 0);
	put16(IFLA_BOND_SLAVE_AD_AGGREGATOR_ID, 2);
	end(data);
	end(info);
	put(IFLA_PERM_ADDRESS, pf_mac, 6);
	int names = nest(IFLA_PROP_LIST | NLA_F_NESTED);
	text(IFLA_ALT_IFNAME, "enp55s0f0np0");
	text(IFLA_ALT_IFNAME, "data0");
	end(names);
	text(IFLA_PARENT_DEV_NAME, "0000:37:00.0");
	text(IFLA_PARENT_DEV_BUS_NAME, "pci");
	finish("link: bonded PF with two VFs");

	link_header(7, IFF_UP | IFF_MASTER | 0x10000);
	text(IFLA_IFNAME, "bond0");
	put8(IFLA_OPERSTATE, 6);
	put32(IFLA_MTU, 9000);
	put(IFLA_ADDRESS, "\x02\xbb\xbb\xbb\xbb\xbb", 6);
	info = nest(IFLA_LINKINFO);
	text(IFLA_INFO_KIND, "bond");
	data = nest(IFLA_INFO_DATA);
	put8(IFLA_BOND_MODE, BOND_MODE_8023AD);
	put32(IFLA_BOND_MIIMON, 100);
	put32(IFLA_BOND_UPDELAY, 0);
	put8(IFLA_BOND_XMIT_HASH_POLICY, BOND_XMIT_POLICY_LAYER34);
	int ad = nest(IFLA_BOND_AD_INFO);
	put16(IFLA_BOND_AD_INFO_AGGREGATOR, 2);
	put16(IFLA_BOND_AD_INFO_NUM_PORTS, 2);
	put16(IFLA_BOND_AD_INFO_ACTOR_KEY, 21);
	put16(IFLA_BOND_AD_INFO_PARTNER_KEY, 10);
	put(IFLA_BOND_AD_INFO_PARTNER_MAC, partner, 6);
	end(ad);
	end(data);
	end(info);
	finish("link: LACP bond");

	link_header(8, IFF_MASTER);
	text(IFLA_IFNAME, "bond1");
	info = nest(IFLA_LINKINFO);
	text(IFLA_INFO_KIND, "bond");
	data = nest(IFLA_INFO_DATA);
	put8(IFLA_BOND_MODE, BOND_MODE_ACTIVEBACKUP);
	put32(IFLA_BOND_ACTIVE_SLAVE, 5);
	put32(IFLA_BOND_MIIMON, 100);
	put8(IFLA_BOND_XMIT_HASH_POLICY, BOND_XMIT_POLICY_LAYER2);
	end(data);
	end(info);
	finish("link: active-backup bond");
}

/* Types of parameters are the kernel's NLA_* of include/net/netlink.h, which is not among the uapi headers. */
enum { U8 = 1, U16, U32, U64, STRING, FLAG };

static void devlink(int command)
{
	struct genlmsghdr header = { .cmd = command, .version = DEVLINK_GENL_VERSION };
	raw(&header, sizeof(header));
	text(DEVLINK_ATTR_BUS_NAME, "pci");
	text(DEVLINK_ATTR_DEV_NAME, "0000:37:00.0");
}

static void value(int mode, int type, const void *data, int size)
{
	int start = nest(DEVLINK_ATTR_PARAM_VALUE);
	put8(DEVLINK_ATTR_PARAM_VALUE_CMODE, mode);
	if (type != FLAG || size) put(DEVLINK_ATTR_PARAM_VALUE_DATA, data, type == FLAG ? 0 : size);
	end(start);
}

static int param(const char *name, int type)
{
	devlink(DEVLINK_CMD_PARAM_GET);
	int start = nest(DEVLINK_ATTR_PARAM);
	text(DEVLINK_ATTR_PARAM_NAME, name);
	put8(DEVLINK_ATTR_PARAM_TYPE, type);
	return start;
}

static void version(int type, const char *name, const char *value)
{
	int start = nest(type);
	text(DEVLINK_ATTR_INFO_VERSION_NAME, name);
	text(DEVLINK_ATTR_INFO_VERSION_VALUE, value);
	end(start);
}

static void devlinks(void)
{
	devlink(DEVLINK_CMD_NEW);
	put8(DEVLINK_ATTR_RELOAD_FAILED, 0);
	finish("devlink device");

	devlink(DEVLINK_CMD_ESWITCH_GET);
	put16(DEVLINK_ATTR_ESWITCH_MODE, DEVLINK_ESWITCH_MODE_SWITCHDEV);
	put8(DEVLINK_ATTR_ESWITCH_INLINE_MODE, DEVLINK_ESWITCH_INLINE_MODE_TRANSPORT);
	put8(DEVLINK_ATTR_ESWITCH_ENCAP_MODE, DEVLINK_ESWITCH_ENCAP_MODE_BASIC);
	finish("devlink eswitch");
	devlink(DEVLINK_CMD_ESWITCH_GET);
	put16(DEVLINK_ATTR_ESWITCH_MODE, 2);
	finish("devlink eswitch in a newer mode");
	devlink(DEVLINK_CMD_ESWITCH_GET);
	finish("devlink eswitch without a mode");

	devlink(DEVLINK_CMD_PORT_NEW);
	put32(DEVLINK_ATTR_PORT_INDEX, 65535);
	put16(DEVLINK_ATTR_PORT_TYPE, DEVLINK_PORT_TYPE_ETH);
	put32(DEVLINK_ATTR_PORT_NETDEV_IFINDEX, 5);
	text(DEVLINK_ATTR_PORT_NETDEV_NAME, "ens3f0np0");
	put8(DEVLINK_ATTR_PORT_SPLITTABLE, 0);
	put16(DEVLINK_ATTR_PORT_FLAVOUR, DEVLINK_PORT_FLAVOUR_PHYSICAL);
	put32(DEVLINK_ATTR_PORT_NUMBER, 0);
	finish("devlink port: uplink");
	devlink(DEVLINK_CMD_PORT_NEW);
	put32(DEVLINK_ATTR_PORT_INDEX, 4);
	put16(DEVLINK_ATTR_PORT_TYPE, DEVLINK_PORT_TYPE_ETH);
	put32(DEVLINK_ATTR_PORT_NETDEV_IFINDEX, 12);
	text(DEVLINK_ATTR_PORT_NETDEV_NAME, "ens3f0npf0vf3");
	put16(DEVLINK_ATTR_PORT_FLAVOUR, DEVLINK_PORT_FLAVOUR_PCI_VF);
	put32(DEVLINK_ATTR_PORT_CONTROLLER_NUMBER, 1);
	put16(DEVLINK_ATTR_PORT_PCI_PF_NUMBER, 0);
	put16(DEVLINK_ATTR_PORT_PCI_VF_NUMBER, 3);
	put8(DEVLINK_ATTR_PORT_EXTERNAL, 1);
	int function = nest(DEVLINK_ATTR_PORT_FUNCTION);
	put(DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR, pf_mac, 6);
	end(function);
	finish("devlink port: VF representor");
	devlink(DEVLINK_CMD_PORT_NEW);
	put32(DEVLINK_ATTR_PORT_INDEX, 32768);
	put16(DEVLINK_ATTR_PORT_TYPE, DEVLINK_PORT_TYPE_NOTSET);
	put16(DEVLINK_ATTR_PORT_FLAVOUR, DEVLINK_PORT_FLAVOUR_PCI_SF);
	put32(DEVLINK_ATTR_PORT_CONTROLLER_NUMBER, 0);
	put16(DEVLINK_ATTR_PORT_PCI_PF_NUMBER, 0);
	put32(DEVLINK_ATTR_PORT_PCI_SF_NUMBER, 88);
	finish("devlink port: SF");

	int start = param("flow_steering_mode", STRING), values = nest(DEVLINK_ATTR_PARAM_VALUES_LIST);
	value(DEVLINK_PARAM_CMODE_RUNTIME, STRING, "smfs", 5);
	end(values), end(start), finish("devlink param: string");
	start = param("flow_steering_mode", STRING), values = nest(DEVLINK_ATTR_PARAM_VALUES_LIST);
	end(values), end(start), finish("devlink param: no values");
	start = param("enable_roce", FLAG);
	put(DEVLINK_ATTR_PARAM_GENERIC, "", 0);
	values = nest(DEVLINK_ATTR_PARAM_VALUES_LIST);
	value(DEVLINK_PARAM_CMODE_RUNTIME, FLAG, "", 0);
	value(DEVLINK_PARAM_CMODE_DRIVERINIT, FLAG, "x", 1);
	end(values), end(start), finish("devlink param: flag");
	uint8_t small = 200;
	uint16_t medium = 60000;
	uint32_t large = 4000000000u;
	uint64_t huge = 18000000000000000000ull;
	start = param("small", U8), values = nest(DEVLINK_ATTR_PARAM_VALUES_LIST);
	value(DEVLINK_PARAM_CMODE_PERMANENT, U8, &small, 1);
	end(values), end(start), finish("devlink param: u8");
	start = param("medium", U16), values = nest(DEVLINK_ATTR_PARAM_VALUES_LIST);
	value(DEVLINK_PARAM_CMODE_PERMANENT, U16, &medium, 2);
	end(values), end(start), finish("devlink param: u16");
	start = param("large", U32), values = nest(DEVLINK_ATTR_PARAM_VALUES_LIST);
	value(DEVLINK_PARAM_CMODE_PERMANENT, U32, &large, 4);
	end(values), end(start), finish("devlink param: u32");
	start = param("huge", U64), values = nest(DEVLINK_ATTR_PARAM_VALUES_LIST);
	value(DEVLINK_PARAM_CMODE_PERMANENT, U64, &huge, 8);
	end(values), end(start), finish("devlink param: u64");

	devlink(DEVLINK_CMD_INFO_GET);
	text(DEVLINK_ATTR_INFO_DRIVER_NAME, "mlx5_core");
	text(DEVLINK_ATTR_INFO_SERIAL_NUMBER, "MT2011X01234");
	text(DEVLINK_ATTR_INFO_BOARD_SERIAL_NUMBER, "MT2011X01234MLNXS0D0F0");
	version(DEVLINK_ATTR_INFO_VERSION_FIXED, "fw.psid", "MT_0000000080");
	version(DEVLINK_ATTR_INFO_VERSION_RUNNING, "fw.version", "16.35.2000");
	version(DEVLINK_ATTR_INFO_VERSION_RUNNING, "fw", "16.35.2000");
	version(DEVLINK_ATTR_INFO_VERSION_STORED, "fw.version", "16.35.4030");
	finish("devlink info");

	devlink(DEVLINK_CMD_ESWITCH_SET);
	put16(DEVLINK_ATTR_ESWITCH_MODE, DEVLINK_ESWITCH_MODE_SWITCHDEV);
	put8(DEVLINK_ATTR_ESWITCH_INLINE_MODE, DEVLINK_ESWITCH_INLINE_MODE_LINK);
	put8(DEVLINK_ATTR_ESWITCH_ENCAP_MODE, DEVLINK_ESWITCH_ENCAP_MODE_NONE);
	finish("request: devlink eswitch set");
	devlink(DEVLINK_CMD_PARAM_SET);
	text(DEVLINK_ATTR_PARAM_NAME, "flow_steering_mode");
	put8(DEVLINK_ATTR_PARAM_TYPE, STRING);
	text(DEVLINK_ATTR_PARAM_VALUE_DATA, "dmfs");
	put8(DEVLINK_ATTR_PARAM_VALUE_CMODE, DEVLINK_PARAM_CMODE_RUNTIME);
	finish("request: devlink param set string");
	devlink(DEVLINK_CMD_PARAM_SET);
	text(DEVLINK_ATTR_PARAM_NAME, "enable_roce");
	put8(DEVLINK_ATTR_PARAM_TYPE, FLAG);
	put8(DEVLINK_ATTR_PARAM_VALUE_CMODE, DEVLINK_PARAM_CMODE_DRIVERINIT);
	finish("request: devlink param set flag off");
}

int main(void)
{
	links();
	devlinks();
	printf("\n}\n");
	return 0;
}
