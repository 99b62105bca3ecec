// SPDX-License-Identifier: GPL-2.0
/*
 * How a bond's events become the tracker's state (lag/lag.c: mlx5_lag_netdev_event and its handlers).
 * Each event that changes something queues the work; nothing else does, apart from lag.c's own
 * callers. In particular, unbinding a VF queues nothing.
 */
#include <net/bonding.h>
#include "lag.h"

static int port_of(struct nic_lag *lag, const struct net_device *netdev)
{
	int i;

	for (i = 0; i < NIC_PORTS; i++)
		if (lag->netdev[i] == netdev)
			return i;
	return -ENOENT;
}

static bool on_change_upper(struct nic_lag *lag, struct nic_lag_tracker *tracker,
			    struct netdev_notifier_changeupper_info *info)
{
	struct netdev_lag_upper_info *upper_info = info->linking ? info->upper_info : NULL;
	struct net_device *upper = info->upper_dev, *netdev;
	bool in_lag, supported, bonded, changed, has_inactive = false;
	int slaves = 0, ours = 0;

	if (!netif_is_lag_master(upper))
		return false;
	rcu_read_lock();
	for_each_netdev_in_bond_rcu(upper, netdev) {
		slaves++;
		if (port_of(lag, netdev) < 0)
			continue;
		ours++;
		if (netif_is_bond_master(upper)) {
			struct slave *slave = bond_slave_get_rcu(netdev);

			has_inactive |= slave && bond_is_slave_inactive(slave);
		}
	}
	rcu_read_unlock();
	if (!ours)
		return false;
	if (upper_info)
		tracker->tx_type = upper_info->tx_type;
	tracker->has_inactive = has_inactive;

	/* Both ports in one bond, and nothing else in it. */
	in_lag = slaves == NIC_PORTS && ours == NIC_PORTS;
	supported = tracker->tx_type == NETDEV_LAG_TX_TYPE_ACTIVEBACKUP ||
		    tracker->tx_type == NETDEV_LAG_TX_TYPE_HASH;
	bonded = in_lag && supported;
	changed = tracker->is_bonded != bonded;
	tracker->is_bonded = bonded;
	if (in_lag && !lag->ready)
		NL_SET_ERR_MSG_MOD(info->info.extack,
				   "Can't activate LAG offload, PF is configured with more than 64 VFs");
	else if (in_lag && !supported)
		NL_SET_ERR_MSG_MOD(info->info.extack, "Can't activate LAG offload, TX type isn't supported");
	return changed;
}

static bool on_change_lower_state(struct nic_lag *lag, struct nic_lag_tracker *tracker,
				  struct net_device *netdev,
				  struct netdev_notifier_changelowerstate_info *info)
{
	int port = port_of(lag, netdev);

	if (!netif_is_lag_port(netdev) || port < 0 || !info->lower_state_info)
		return false;
	tracker->state[port] = *(struct netdev_lag_lower_state_info *)info->lower_state_info;
	return true;
}

static bool on_change_info_data(struct nic_lag *lag, struct nic_lag_tracker *tracker,
				struct net_device *bond)
{
	struct net_device *netdev;
	bool has_inactive = false, changed;

	if (!netif_is_bond_master(bond))
		return false;
	rcu_read_lock();
	for_each_netdev_in_bond_rcu(bond, netdev) {
		struct slave *slave;

		if (port_of(lag, netdev) < 0)
			continue;
		slave = bond_slave_get_rcu(netdev);
		has_inactive |= slave && bond_is_slave_inactive(slave);
	}
	rcu_read_unlock();
	changed = tracker->has_inactive != has_inactive;
	tracker->has_inactive = has_inactive;
	return changed;
}

int nic_lag_netdev_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct nic_lag *lag = container_of(nb, struct nic_lag, notifier);
	struct net_device *netdev = netdev_notifier_info_to_dev(data);
	struct nic_lag_tracker tracker = lag->tracker;
	bool changed = false;

	switch (event) {
	case NETDEV_CHANGEUPPER:
		changed = on_change_upper(lag, &tracker, data);
		break;
	case NETDEV_CHANGELOWERSTATE:
		changed = on_change_lower_state(lag, &tracker, netdev, data);
		break;
	case NETDEV_CHANGEINFODATA:
		changed = on_change_info_data(lag, &tracker, netdev);
		break;
	default:
		return NOTIFY_DONE;
	}
	lag->tracker = tracker;
	if (changed)
		queue_delayed_work(lag->queue, &lag->work, 0);
	return NOTIFY_DONE;
}
