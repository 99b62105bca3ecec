// SPDX-License-Identifier: GPL-2.0
/*
 * The Ethernet half of a function. Since Linux 6.5 its port sits on a devlink instance of its own,
 * "auxiliary/mlx5_core.eth.N" (en_main.c: _mlx5e_probe, en/devlink.c).
 */
#include <linux/delay.h>
#include <linux/idr.h>
#include <linux/wait.h>
#include "nic.h"

static DEFINE_IDA(eth_ids);
static atomic_t eth_count = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(eth_gone);

static void eth_release(struct device *dev)
{
	struct nic_eth *eth = container_of(dev, struct nic_eth, adev.dev);

	ida_free(&eth_ids, eth->id);
	kfree(eth);
	if (atomic_dec_and_test(&eth_count))
		wake_up(&eth_gone);
}

#ifdef NIC_OLD_DEVLINK
static int port_register(struct nic_func *func, struct nic_eth *eth, unsigned int index)
{
	return devl_port_register(priv_to_devlink(func), &eth->devlink_port, index);
}

static void port_unregister(struct nic_eth *eth)
{
	devl_port_unregister(&eth->devlink_port);
}
#else
static const struct devlink_ops eth_devlink_ops = {};

static int port_register(struct nic_func *func, struct nic_eth *eth, unsigned int index)
{
	int err = -ENOMEM;

	eth->devlink = devlink_alloc(&eth_devlink_ops, sizeof(void *), &eth->adev.dev);
	if (!eth->devlink)
		return err;
	err = devl_nested_devlink_set(priv_to_devlink(func), eth->devlink);
	if (err)
		goto free;
	devlink_register(eth->devlink);
	err = devlink_port_register(eth->devlink, &eth->devlink_port, index);
	if (!err)
		return 0;
	devlink_unregister(eth->devlink);
free:
	devlink_free(eth->devlink);
	return err;
}

static void port_unregister(struct nic_eth *eth)
{
	devlink_port_unregister(&eth->devlink_port);
	devlink_unregister(eth->devlink);
	devlink_free(eth->devlink);
}
#endif

int nic_eth_create(struct nic_func *func)
{
	struct devlink_port_attrs attrs = {};
	struct nic_eth *eth = kzalloc(sizeof(*eth), GFP_KERNEL);
	u16 vport = func->is_vf ? 0 : NIC_UPLINK_VPORT;
	int err;

	if (!eth)
		return -ENOMEM;
	eth->id = ida_alloc(&eth_ids, GFP_KERNEL);
	eth->adev.name = "eth";
	eth->adev.id = eth->id;
	eth->adev.dev.parent = &func->pdev->dev;
	eth->adev.dev.release = eth_release;
	err = auxiliary_device_init(&eth->adev);
	if (err) {
		ida_free(&eth_ids, eth->id);
		kfree(eth);
		return err;
	}
	atomic_inc(&eth_count);
	err = auxiliary_device_add(&eth->adev);
	if (err)
		goto uninit;
	attrs.flavour = func->is_vf ? DEVLINK_PORT_FLAVOUR_VIRTUAL : DEVLINK_PORT_FLAVOUR_PHYSICAL;
	if (!func->is_vf) {
		attrs.phys.port_number = func->index;
		attrs.switch_id.id_len = sizeof(func->card->switch_id);
		memcpy(attrs.switch_id.id, func->card->switch_id, attrs.switch_id.id_len);
	}
	devlink_port_attrs_set(&eth->devlink_port, &attrs);
	err = port_register(func, eth, nic_port_index(func, vport));
	if (err)
		goto delete;
	func->eth = eth;
	return 0;

delete:
	auxiliary_device_delete(&eth->adev);
uninit:
	auxiliary_device_uninit(&eth->adev);
	return err;
}

void nic_eth_destroy(struct nic_func *func)
{
	struct nic_eth *eth = func->eth;

	port_unregister(eth);
	func->eth = NULL;
	auxiliary_device_delete(&eth->adev);
	auxiliary_device_uninit(&eth->adev);
}

/* devlink lets go of its device some time later; eth_release must still be there, and return. */
void nic_eth_wait_gone(void)
{
	wait_event(eth_gone, !atomic_read(&eth_count));
	msleep(20);
	ida_destroy(&eth_ids);
}
