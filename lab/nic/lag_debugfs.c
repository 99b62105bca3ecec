// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/debug/mlx5/<address>/lag/, as in lag/debugfs.c of the real driver. */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include "lag.h"

/* All files but state and members are EINVAL while the LAG is not active. */
#define LAG_FILE(name, needs_active, print) \
static int name##_show(struct seq_file *file, void *unused) \
{ \
	struct nic_lag *lag = file->private; \
	int err = 0; \
\
	mutex_lock(&lag->lock); \
	if ((needs_active) && lag->mode == NIC_LAG_NONE) \
		err = -EINVAL; \
	else \
		print(file, lag); \
	mutex_unlock(&lag->lock); \
	return err; \
} \
DEFINE_SHOW_ATTRIBUTE(name)

static void print_state(struct seq_file *file, struct nic_lag *lag)
{
	seq_puts(file, lag->mode == NIC_LAG_NONE ? "disabled\n" : "active\n");
}

static void print_type(struct seq_file *file, struct nic_lag *lag)
{
	seq_puts(file, lag->mode == NIC_LAG_ROCE ? "roce\n" : "switchdev\n");
}

static void print_port_sel_mode(struct seq_file *file, struct nic_lag *lag)
{
	seq_puts(file, lag->hash ? "hash\n" : "queue_affinity\n");
}

static void print_flags(struct seq_file *file, struct nic_lag *lag)
{
	seq_printf(file, "shared_fdb:%s\n", lag->shared_fdb ? "on" : "off");
	seq_printf(file, "fdb_selection_mode:%s\n", lag->shared_fdb ? "native" : "affinity");
}

static void print_mapping(struct seq_file *file, struct nic_lag *lag)
{
	bool none = !nic_lag_tx_ok(&lag->tracker, 0) && !nic_lag_tx_ok(&lag->tracker, 1);
	int i;

	for (i = 0; i < NIC_PORTS; i++)
		if (!lag->hash)
			seq_printf(file, "%d:%d\n", i + 1, lag->mapping[i]);
		else if (none || nic_lag_tx_ok(&lag->tracker, i))
			seq_printf(file, "%d\n", i + 1);
}

static void print_members(struct seq_file *file, struct nic_lag *lag)
{
	int i;

	for (i = 0; i < NIC_PORTS; i++)
		if (lag->pf[i])
			seq_printf(file, "%s\n", pci_name(lag->pf[i]->pdev));
}

LAG_FILE(state, false, print_state);
LAG_FILE(type, true, print_type);
LAG_FILE(port_sel_mode, true, print_port_sel_mode);
LAG_FILE(flags, true, print_flags);
LAG_FILE(mapping, true, print_mapping);
LAG_FILE(members, false, print_members);

void nic_lag_add_debugfs(struct nic_lag *lag, struct dentry *parent)
{
	struct dentry *dir = debugfs_create_dir("lag", parent);

	debugfs_create_file("type", 0444, dir, lag, &type_fops);
	debugfs_create_file("port_sel_mode", 0444, dir, lag, &port_sel_mode_fops);
	debugfs_create_file("state", 0444, dir, lag, &state_fops);
	debugfs_create_file("flags", 0444, dir, lag, &flags_fops);
	debugfs_create_file("mapping", 0444, dir, lag, &mapping_fops);
	debugfs_create_file("members", 0444, dir, lag, &members_fops);
}
