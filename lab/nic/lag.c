// SPDX-License-Identifier: GPL-2.0
/*
 * The NIC's own LAG under a bond: when it is active, and as what.
 * Follows lag/lag.c (mlx5_do_bond, mlx5_lag_check_prereq, mlx5_lag_is_roce_lag, mlx5_activate_lag,
 * mlx5_disable_lag, mlx5_lag_{disable,enable}_change). What the firmware would
 * refuse is invented after the driver's own messages: a LAG is neither created nor destroyed while a
 * VF is bound.
 */
#include <linux/module.h>
#include "lag.h"

static bool lag_strict = true;
module_param(lag_strict, bool, 0644);
MODULE_PARM_DESC(lag_strict, "The firmware refuses CREATE_LAG and DESTROY_LAG while a VF is bound");
static bool lag_hash;
module_param(lag_hash, bool, 0644);
MODULE_PARM_DESC(lag_hash, "The firmware has port selection by hash (port_sel_mode hash)");
static bool lag_shared_fdb = true;
module_param(lag_shared_fdb, bool, 0644);
MODULE_PARM_DESC(lag_shared_fdb, "The firmware can share one FDB between the ports");

/* mlx5_infer_tx_affinity_mapping, for two ports. */
static void infer_mapping(const struct nic_lag_tracker *tracker, u8 *mapping)
{
	bool first = nic_lag_tx_ok(tracker, 0), second = nic_lag_tx_ok(tracker, 1);

	mapping[0] = first || first == second ? 1 : 2;
	mapping[1] = second || first == second ? 2 : 1;
}

static void log_mapping(struct nic_lag *lag, bool hash)
{
	struct device *dev = &lag->pf[0]->pdev->dev;
	bool first = nic_lag_tx_ok(&lag->tracker, 0), second = nic_lag_tx_ok(&lag->tracker, 1);

	if (!hash)
		dev_info(dev, "lag map: port 1:%d port 2:%d\n", lag->mapping[0], lag->mapping[1]);
	else
		dev_info(dev, "lag map active ports: %s\n", first == second ? "1, 2" : first ? "1" : "2");
}

static bool any_vf_bound(struct nic_lag *lag)
{
	int i, vf;

	for (i = 0; i < NIC_PORTS; i++)
		for (vf = 0; lag->pf[i] && vf < lag->pf[i]->total_vfs; vf++)
			if (READ_ONCE(lag->pf[i]->esw.vports[vf].bound))
				return true;
	return false;
}

static int firmware_command(struct nic_lag *lag, const char *command, int opcode)
{
	if (!(lag_strict && any_vf_bound(lag)) && !(lag->in_firmware && opcode == 0x840))
		return 0;
	nic_err(lag->pf[0], "mlx5_cmd_out_err",
		"%s(0x%x) op_mod(0x0) failed, status bad parameter(0x3), syndrome (0x0), err(-22)\n",
		command, opcode);
	return -EINVAL;
}

/* mlx5_lag_check_prereq */
static bool check_prereq(struct nic_lag *lag)
{
	int i;

	for (i = 0; i < NIC_PORTS; i++) {
		if (!lag->pf[i])
			return false;
		if (lag->pf[i]->esw.num_vfs && !nic_switchdev(lag->pf[i]))
			return false;
	}
	return lag->pf[0]->esw.mode == lag->pf[1]->esw.mode;
}

static bool is_roce_lag(struct nic_lag *lag)
{
	int i;

	for (i = 0; i < NIC_PORTS; i++)
		if (pci_num_vf(lag->pf[i]->pdev) || nic_switchdev(lag->pf[i]))
			return false;
	return true;
}

static void activate(struct nic_lag *lag)
{
	bool roce = is_roce_lag(lag);
	bool shared_fdb = !roce && lag_shared_fdb;
	bool hash = lag_hash && (roce || lag->tracker.tx_type == NETDEV_LAG_TX_TYPE_HASH);
	struct nic_func *first = lag->pf[0];
	int err;

	infer_mapping(&lag->tracker, lag->mapping);
	log_mapping(lag, hash);
	dev_info(&first->pdev->dev, "shared_fdb:%d mode:%s\n", shared_fdb, hash ? "hash" : "queue_affinity");
	err = firmware_command(lag, "CREATE_LAG", 0x840);
	if (err) {
		nic_err(first, "mlx5_create_lag", "Failed to create LAG (%d)\n", err);
		if (roce)
			nic_err(first, "mlx5_activate_lag", "Failed to activate RoCE LAG\n");
		else
			nic_err(first, "mlx5_activate_lag",
				"Failed to activate VF LAG\n"
				"Make sure all VFs are unbound prior to VF LAG activation or deactivation\n");
		return;
	}
	if (shared_fdb)
		dev_info(&first->pdev->dev, "Operation mode is single FDB\n");
	lag->mode = roce ? NIC_LAG_ROCE : NIC_LAG_SRIOV;
	lag->hash = hash;
	lag->shared_fdb = shared_fdb;
}

/* mlx5_deactivate_lag: for the driver it is over, whatever the firmware says. */
static void deactivate(struct nic_lag *lag)
{
	bool roce = lag->mode == NIC_LAG_ROCE;
	struct nic_func *first = lag->pf[0] ?: lag->pf[1];

	lag->mode = NIC_LAG_NONE;
	if (!first || !lag->pf[0] || !firmware_command(lag, "DESTROY_LAG", 0x843))
		return;
	lag->in_firmware = true;
	if (roce)
		nic_err(first, "mlx5_deactivate_lag",
			"Failed to deactivate RoCE LAG; driver restart required\n");
	else
		nic_err(first, "mlx5_deactivate_lag",
			"Failed to deactivate VF LAG; driver restart required\n"
			"Make sure all VFs are unbound prior to VF LAG activation or deactivation\n");
}

static void modify(struct nic_lag *lag)
{
	u8 mapping[NIC_PORTS];

	infer_mapping(&lag->tracker, mapping);
	if (!memcmp(mapping, lag->mapping, sizeof(mapping)))
		return;
	memcpy(lag->mapping, mapping, sizeof(mapping));
	log_mapping(lag, lag->hash);
}

/* mlx5_do_bond_work and mlx5_do_bond */
static void do_bond(struct work_struct *work)
{
	struct nic_lag *lag = container_of(to_delayed_work(work), struct nic_lag, work);
	bool wanted;

	mutex_lock(&lag->lock);
	if (lag->changes_in_progress) {
		mutex_unlock(&lag->lock);
		queue_delayed_work(lag->queue, &lag->work, HZ);
		return;
	}
	wanted = lag->ready && lag->tracker.is_bonded && check_prereq(lag);
	if (wanted && lag->mode == NIC_LAG_NONE)
		activate(lag);
	else if (wanted)
		modify(lag);
	else if (lag->mode != NIC_LAG_NONE)
		deactivate(lag);
	mutex_unlock(&lag->lock);
}

void nic_lag_disable_change(struct nic_func *pf)
{
	struct nic_lag *lag = pf->card->lag;

	mutex_lock(&lag->lock);
	lag->changes_in_progress++;
	if (lag->mode != NIC_LAG_NONE)
		deactivate(lag);
	mutex_unlock(&lag->lock);
}

void nic_lag_enable_change(struct nic_func *pf)
{
	struct nic_lag *lag = pf->card->lag;

	mutex_lock(&lag->lock);
	lag->changes_in_progress--;
	mutex_unlock(&lag->lock);
	queue_delayed_work(lag->queue, &lag->work, 0);
}

void nic_lag_add_netdev(struct nic_func *pf)
{
	struct nic_lag *lag = pf->card->lag;

	mutex_lock(&lag->lock);
	lag->netdev[pf->index] = pf->port->netdev;
	lag->tracker.state[pf->index].link_up = 0;
	lag->tracker.state[pf->index].tx_enabled = 0;
	lag->ready = lag->netdev[0] && lag->netdev[1];
	mutex_unlock(&lag->lock);
	queue_delayed_work(lag->queue, &lag->work, 0);
}

void nic_lag_remove_netdev(struct nic_func *pf)
{
	struct nic_lag *lag = pf->card->lag;
	bool active;

	mutex_lock(&lag->lock);
	lag->netdev[pf->index] = NULL;
	lag->ready = false;
	active = lag->mode != NIC_LAG_NONE;
	mutex_unlock(&lag->lock);
	if (active)
		queue_delayed_work(lag->queue, &lag->work, 0);
}

bool nic_lag_is_sriov(struct nic_card *card)
{
	return READ_ONCE(card->lag->mode) == NIC_LAG_SRIOV;
}

void nic_lag_add_func(struct nic_func *pf)
{
	struct nic_lag *lag = pf->card->lag;

	mutex_lock(&lag->lock);
	lag->pf[pf->index] = pf;
	mutex_unlock(&lag->lock);
	nic_lag_add_debugfs(lag, pf->debugfs);
}

void nic_lag_remove_func(struct nic_func *pf)
{
	struct nic_lag *lag = pf->card->lag;

	mutex_lock(&lag->lock);
	if (lag->mode != NIC_LAG_NONE)
		deactivate(lag);
	lag->pf[pf->index] = NULL;
	mutex_unlock(&lag->lock);
}

int nic_lag_create(struct nic_card *card)
{
	struct nic_lag *lag = kzalloc(sizeof(*lag), GFP_KERNEL);
	int err;

	if (!lag)
		return -ENOMEM;
	mutex_init(&lag->lock);
	INIT_DELAYED_WORK(&lag->work, do_bond);
	lag->queue = create_singlethread_workqueue("mlx5_lag");
	if (!lag->queue) {
		kfree(lag);
		return -ENOMEM;
	}
	lag->notifier.notifier_call = nic_lag_netdev_event;
	err = register_netdevice_notifier(&lag->notifier);
	if (err) {
		destroy_workqueue(lag->queue);
		kfree(lag);
		return err;
	}
	card->lag = lag;
	return 0;
}

void nic_lag_destroy(struct nic_card *card)
{
	struct nic_lag *lag = card->lag;

	unregister_netdevice_notifier(&lag->notifier);
	cancel_delayed_work_sync(&lag->work);
	destroy_workqueue(lag->queue);
	kfree(lag);
}
