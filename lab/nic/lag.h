/* SPDX-License-Identifier: GPL-2.0 */
/* What lag.c (the state) and lag_events.c (what the bond does) share. */
#ifndef LAB_NIC_LAG_H
#define LAB_NIC_LAG_H

#include <linux/mutex.h>
#include <linux/workqueue.h>
#include "nic.h"

enum nic_lag_mode { NIC_LAG_NONE, NIC_LAG_ROCE, NIC_LAG_SRIOV };

/* What the bond's events told; written under rtnl. */
struct nic_lag_tracker {
	enum netdev_lag_tx_type tx_type;
	struct netdev_lag_lower_state_info state[NIC_PORTS];
	bool is_bonded;
	bool has_inactive;
};

struct nic_lag {
	struct mutex lock;
	enum nic_lag_mode mode;
	bool hash, shared_fdb;		/* of the active LAG */
	bool in_firmware;		/* a LAG that DESTROY_LAG could not remove */
	bool ready;			/* both netdevs are there */
	int changes_in_progress;
	u8 mapping[NIC_PORTS];
	struct nic_func *pf[NIC_PORTS];
	struct net_device *netdev[NIC_PORTS];
	struct nic_lag_tracker tracker;
	struct workqueue_struct *queue;
	struct delayed_work work;
	struct notifier_block notifier;
};

static inline bool nic_lag_tx_ok(const struct nic_lag_tracker *tracker, int port)
{
	return tracker->state[port].tx_enabled && tracker->state[port].link_up;
}

void nic_lag_add_debugfs(struct nic_lag *lag, struct dentry *parent);
int nic_lag_netdev_event(struct notifier_block *nb, unsigned long event, void *data);

#endif
