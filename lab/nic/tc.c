// SPDX-License-Identifier: GPL-2.0
/*
 * tc flower "offload": rules are remembered, not carried out (the kernel's software path carries them
 * out). What is refused is what en_tc.c and en/tc/act/ refuse, as far as it can be told from the rule
 * alone: unknown keys and actions, and where a packet may go.
 */
#include <linux/netdevice.h>
#include <net/bonding.h>
#include "nic.h"

struct nic_flow {
	struct list_head list;
	unsigned long cookie;
};

static LIST_HEAD(block_list);

static struct nic_flow *flow_find(struct nic_port *port, unsigned long cookie)
{
	struct nic_flow *flow;

	list_for_each_entry(flow, &port->flows, list)
		if (flow->cookie == cookie)
			return flow;
	return NULL;
}

static void flow_drop(struct nic_port *port, struct nic_flow *flow)
{
	list_del(&flow->list);
	kfree(flow);
	port->flow_count--;
	atomic_dec(&port->func->esw.flows);
}

void nic_flows_flush(struct nic_port *port)
{
	struct nic_flow *flow, *next;

	list_for_each_entry_safe(flow, next, &port->flows, list)
		flow_drop(port, flow);
}

/* get_fdb_out_dev: forwarding to the bond over our uplink is forwarding to the uplink. */
static bool is_own_bond(struct nic_port *port, struct net_device *out)
{
	bool own;

	rcu_read_lock();
	own = netif_is_lag_master(out) &&
	      netdev_master_upper_dev_get_rcu(port->func->port->netdev) == out;
	rcu_read_unlock();
	return own;
}

static bool can_forward(struct nic_port *port, struct net_device *out)
{
	struct nic_port *to;

	if (is_own_bond(port, out) || netif_is_ovs_master(out))
		return true;
	if (!nic_is_port(out))
		return false;
	to = netdev_priv(out);
	if (to->func == port->func)
		return true;
	if (to->func->card != port->func->card || !nic_switchdev(to->func))
		return false;
	/* The other port's VFs are in reach (merged eSwitch), its uplink only in a LAG. */
	return to->kind == NIC_PORT_REP || nic_lag_is_sriov(port->func->card);
}

/* __parse_cls_flower; the values and masks of the known keys are all accepted. */
#define KEY(name) BIT_ULL(FLOW_DISSECTOR_KEY_##name)
#define KNOWN_KEYS \
	(KEY(META) | KEY(CONTROL) | KEY(BASIC) | KEY(ETH_ADDRS) | KEY(VLAN) | KEY(CVLAN) | \
	 KEY(IPV4_ADDRS) | KEY(IPV6_ADDRS) | KEY(PORTS) | KEY(ENC_KEYID) | KEY(ENC_IPV4_ADDRS) | \
	 KEY(ENC_IPV6_ADDRS) | KEY(ENC_PORTS) | KEY(ENC_CONTROL) | KEY(TCP) | KEY(IP) | KEY(CT) | \
	 KEY(ENC_IP) | KEY(ENC_OPTS) | KEY(ICMP) | KEY(MPLS))

static int check_matches(struct flow_cls_offload *offload)
{
	if (!(offload->rule->match.dissector->used_keys & ~KNOWN_KEYS))
		return 0;
	NL_SET_ERR_MSG_MOD(offload->common.extack, "Unsupported key");
	return -EOPNOTSUPP;
}

/* tc_acts_fdb (en/tc/act/act.c) */
static bool action_known(enum flow_action_id id)
{
	switch (id) {
	case FLOW_ACTION_ACCEPT:
	case FLOW_ACTION_DROP:
	case FLOW_ACTION_TRAP:
	case FLOW_ACTION_GOTO:
	case FLOW_ACTION_REDIRECT:
	case FLOW_ACTION_MIRRED:
	case FLOW_ACTION_REDIRECT_INGRESS:
	case FLOW_ACTION_VLAN_PUSH:
	case FLOW_ACTION_VLAN_POP:
	case FLOW_ACTION_VLAN_MANGLE:
	case FLOW_ACTION_TUNNEL_ENCAP:
	case FLOW_ACTION_TUNNEL_DECAP:
	case FLOW_ACTION_MANGLE:
	case FLOW_ACTION_ADD:
	case FLOW_ACTION_CSUM:
	case FLOW_ACTION_PTYPE:
	case FLOW_ACTION_SAMPLE:
	case FLOW_ACTION_POLICE:
	case FLOW_ACTION_CT:
	case FLOW_ACTION_MPLS_PUSH:
	case FLOW_ACTION_MPLS_POP:
	case FLOW_ACTION_VLAN_PUSH_ETH:
	case FLOW_ACTION_VLAN_POP_ETH:
		return true;
	default:
		return false;
	}
}

#define refuse(extack, why) ({ NL_SET_ERR_MSG_MOD(extack, why); -EOPNOTSUPP; })

/* flow_action_supported, parse_tc_actions, csum_offload_supported, verify_attr_actions */
static int check_kinds(struct flow_cls_offload *offload)
{
	struct netlink_ext_ack *extack = offload->common.extack;
	bool forward = false, drop = false, rewrite = false;
	const struct flow_action_entry *action;
	int i;

	if (!flow_action_hw_stats_check(&offload->rule->action, extack, FLOW_ACTION_HW_STATS_DELAYED_BIT))
		return refuse(extack, "Flow action HW stats type is not supported");
	flow_action_for_each(i, action, &offload->rule->action) {
		if (!action_known(action->id))
			return refuse(extack, "Not implemented offload action");
		if (action->id == FLOW_ACTION_DROP)
			drop = true;
		else if (action->id == FLOW_ACTION_ACCEPT || action->id == FLOW_ACTION_TRAP ||
			 action->id == FLOW_ACTION_GOTO || action->id == FLOW_ACTION_REDIRECT ||
			 action->id == FLOW_ACTION_MIRRED || action->id == FLOW_ACTION_REDIRECT_INGRESS)
			forward = true;
		else if (action->id == FLOW_ACTION_MANGLE || action->id == FLOW_ACTION_ADD)
			rewrite = true;
		else if (action->id == FLOW_ACTION_CSUM && !rewrite)
			return refuse(extack, "TC csum action is only offloaded with pedit");
		else if (action->id == FLOW_ACTION_PTYPE && action->ptype != PACKET_HOST)
			return refuse(extack, "skbedit ptype is only supported with type host");
	}
	if (!forward && !drop)
		return refuse(extack, "Rule must have at least one forward/drop action");
	if (forward && drop)
		return refuse(extack, "Rule cannot support forward+drop action");
	return 0;
}

static int check_actions(struct nic_port *port, struct flow_cls_offload *offload)
{
	const struct flow_action_entry *action;
	bool encap = false;
	int i;

	flow_action_for_each(i, action, &offload->rule->action) {
		if (action->id == FLOW_ACTION_TUNNEL_ENCAP)
			encap = true;
		if (action->id != FLOW_ACTION_REDIRECT && action->id != FLOW_ACTION_MIRRED)
			continue;
		if (!encap && (!action->dev || !can_forward(port, action->dev))) {
			NL_SET_ERR_MSG_MOD(offload->common.extack,
					   "devices are not on same switch HW, can't offload forwarding");
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

static int flow_replace(struct nic_port *port, struct flow_cls_offload *offload)
{
	struct nic_flow *flow;
	int err;

	if (flow_find(port, offload->cookie)) {
		NL_SET_ERR_MSG_MOD(offload->common.extack, "flow cookie already exists, ignoring");
		return -EEXIST;
	}
	err = check_matches(offload) ?: check_kinds(offload) ?: check_actions(port, offload);
	if (err)
		return err;
	flow = kzalloc(sizeof(*flow), GFP_KERNEL);
	if (!flow)
		return -ENOMEM;
	flow->cookie = offload->cookie;
	list_add(&flow->list, &port->flows);
	port->flow_count++;
	atomic_inc(&port->func->esw.flows);
	return 0;
}

static int flower(struct nic_port *port, struct flow_cls_offload *offload)
{
	struct nic_flow *flow;

	switch (offload->command) {
	case FLOW_CLS_REPLACE:
		return flow_replace(port, offload);
	case FLOW_CLS_DESTROY:
		flow = flow_find(port, offload->cookie);
		if (!flow)
			return -EINVAL;
		flow_drop(port, flow);
		return 0;
	case FLOW_CLS_STATS:
		flow_stats_update(&offload->stats, 0, 0, 0, 0, FLOW_ACTION_HW_STATS_DELAYED);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* mlx5e_tc_configure_matchall, scan_tc_matchall_fdb_actions: one police action, to limit a VF's rate. */
static int matchall(struct tc_cls_matchall_offload *offload)
{
	struct netlink_ext_ack *extack = offload->common.extack;
	const struct flow_action_entry *action;

	if (offload->command != TC_CLSMATCHALL_REPLACE)
		return 0;
	if (offload->common.prio != 1) {
		NL_SET_ERR_MSG_MOD(extack, "only priority 1 is supported");
		return -EINVAL;
	}
	if (!flow_offload_has_one_action(&offload->rule->action))
		return refuse(extack, "matchall policing support only a single action");
	action = &offload->rule->action.entries[0];
	if (action->id != FLOW_ACTION_POLICE)
		return refuse(extack, "mlx5 supports only police action for matchall");
	if (action->police.notexceed.act_id != FLOW_ACTION_CONTINUE)
		return refuse(extack, "Offload not supported when conform action is not continue");
	if (action->police.exceed.act_id != FLOW_ACTION_DROP)
		return refuse(extack, "Offload not supported when exceed action is not drop");
	return 0;
}

/* In legacy mode the real PF offloads a few rules to the NIC's receive side; this one none. */
static int block_callback(enum tc_setup_type type, void *data, void *priv)
{
	struct nic_port *port = priv;

	if (!tc_can_offload(port->netdev) || !nic_switchdev(port->func) || nic_tc_reject)
		return -EOPNOTSUPP;
	switch (type) {
	case TC_SETUP_CLSFLOWER:
		return flower(port, data);
	case TC_SETUP_CLSMATCHALL:
		return matchall(data);
	default:
		return -EOPNOTSUPP;
	}
}

int nic_setup_tc(struct net_device *netdev, enum tc_setup_type type, void *data)
{
	struct nic_port *port = netdev_priv(netdev);

	if (type != TC_SETUP_BLOCK)
		return -EOPNOTSUPP;
	return flow_block_cb_setup_simple(data, &block_list, block_callback, port, port, true);
}

/* set_feature_hw_tc, mlx5e_handle_feature; the uplink's rules are all those of its eSwitch. */
int nic_set_features(struct net_device *netdev, netdev_features_t features)
{
	struct nic_port *port = netdev_priv(netdev);
	netdev_features_t tc = NETIF_F_HW_TC;

	if (!(netdev->features & tc) || (features & tc) || !atomic_read(&port->func->esw.flows))
		return 0;
	netdev_err(netdev, "Active offloaded tc filters, can't turn hw_tc_offload off\n");
	netdev_err(netdev, "Disable feature %pNF failed, err %d\n", &tc, -EINVAL);
	return -EINVAL;
}
