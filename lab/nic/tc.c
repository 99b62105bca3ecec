// SPDX-License-Identifier: GPL-2.0
/*
 * tc flower "offload": rules are remembered, not carried out (the kernel's software path carries them
 * out). Matches are all accepted; of actions, forwarding is checked as en/tc/act/mirred.c does.
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
	err = check_actions(port, offload);
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
		return 0;
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
