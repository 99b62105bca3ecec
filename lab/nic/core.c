// SPDX-License-Identifier: GPL-2.0
/* The PCI driver: which functions are ours, SR-IOV, and the module's parameters. nic.h has the picture. */
#include <linux/debugfs.h>
#include <linux/module.h>
#include "nic.h"

#define IGB_PF 0x10c9
#define IGB_VF 0x10ca
#define NVME 0x0010
#define CX6DX_PF 0x101d
#define MLX_VF 0x101e

int nic_vf_probe_ms;
module_param_named(vf_probe_ms, nic_vf_probe_ms, int, 0644);
MODULE_PARM_DESC(vf_probe_ms, "How long binding a VF takes (a ConnectX-5: 450)");
int nic_esw_ms;
module_param_named(esw_ms, nic_esw_ms, int, 0644);
MODULE_PARM_DESC(esw_ms, "How long an eSwitch mode change takes (a ConnectX-5: 1300)");
int nic_esw_vf_ms;
module_param_named(esw_vf_ms, nic_esw_vf_ms, int, 0644);
MODULE_PARM_DESC(esw_vf_ms, "How much longer each VF makes an eSwitch mode change");
int nic_speed = 25000;
module_param_named(speed, nic_speed, int, 0644);
MODULE_PARM_DESC(speed, "Link speed in Mb/s");
int nic_max_ch = 4;
module_param_named(max_ch, nic_max_ch, int, 0444);
MODULE_PARM_DESC(max_ch, "Maximum combined channels of PFs; VFs have one for each processor, up to this");
int nic_rep_max_ch = 4;
module_param_named(rep_max_ch, nic_rep_max_ch, int, 0644);
MODULE_PARM_DESC(rep_max_ch, "Maximum combined channels of representors");
bool nic_tc_reject;
module_param_named(tc_reject, nic_tc_reject, bool, 0644);
MODULE_PARM_DESC(tc_reject, "Refuse every tc rule");
bool nic_qos;
module_param_named(qos, nic_qos, bool, 0644);
MODULE_PARM_DESC(qos, "The device has the QoS capabilities: hw-tc-offload is on in legacy mode too");
int nic_total_vfs;
module_param_named(total_vfs, nic_total_vfs, int, 0444);
MODULE_PARM_DESC(total_vfs, "NUM_OF_VFS of the firmware; 0: as many as the PCI function has");

struct dentry *nic_debugfs_root;

static void show_as_mellanox(struct pci_dev *pdev)
{
	pdev->vendor = PCI_VENDOR_ID_MELLANOX;
	pdev->device = pdev->is_virtfn ? MLX_VF : CX6DX_PF;
	pdev->subsystem_vendor = PCI_VENDOR_ID_MELLANOX;
	pdev->subsystem_device = 0x0083;
	pdev->class = PCI_CLASS_NETWORK_ETHERNET << 8;
	pdev->revision = 0;
}

static struct pci_driver nic_driver;

static int nic_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct devlink *devlink;
	struct nic_func *func;
	int err;

	if (pdev->is_virtfn && pci_physfn(pdev)->dev.driver != &nic_driver.driver)
		return -ENODEV;
	show_as_mellanox(pdev);
	devlink = devlink_alloc(&nic_devlink_ops, sizeof(*func), &pdev->dev);
	if (!devlink)
		return -ENOMEM;
	func = devlink_priv(devlink);
	func->pdev = pdev;
	func->is_vf = pdev->is_virtfn;
	err = pci_enable_device(pdev);
	if (err)
		goto free;
	pci_set_drvdata(pdev, func);
	devl_lock(devlink);
	devl_register(devlink);
	err = func->is_vf ? nic_vf_probe(func) : nic_pf_probe(func);
	if (err)
		devl_unregister(devlink);
	devl_unlock(devlink);
	if (err)
		goto disable;
	nic_devlink_register_last(devlink);
	if (!func->is_vf)
		kobject_uevent(&pdev->dev.kobj, KOBJ_CHANGE);
	return 0;

disable:
	pci_disable_device(pdev);
free:
	devlink_free(devlink);
	return err;
}

static void nic_remove(struct pci_dev *pdev)
{
	struct nic_func *func = pci_get_drvdata(pdev);
	struct devlink *devlink = priv_to_devlink(func);

	nic_devlink_unregister_first(devlink);
	if (!func->is_vf && pci_num_vf(pdev)) {
		pci_disable_sriov(pdev);
		devl_lock(devlink);
		nic_esw_disable_sriov(func);
		devl_unlock(devlink);
	}
	devl_lock(devlink);
	if (func->is_vf)
		nic_vf_remove(func);
	else
		nic_pf_remove(func);
	devl_unregister(devlink);
	devl_unlock(devlink);
	pci_disable_device(pdev);
	devlink_free(devlink);
}

/* mlx5_core_sriov_configure: the eSwitch first, then PCI; the other way round to destroy. */
static int nic_sriov_configure(struct pci_dev *pdev, int num_vfs)
{
	struct nic_func *pf = pci_get_drvdata(pdev);
	struct devlink *devlink = priv_to_devlink(pf);
	int err = 0;

	if (!num_vfs) {
		pci_disable_sriov(pdev);
		devl_lock(devlink);
		nic_esw_disable_sriov(pf);
		devl_unlock(devlink);
		pf->num_vfs = 0;
		return 0;
	}
	devl_lock(devlink);
	err = nic_esw_enable_sriov(pf, num_vfs);
	devl_unlock(devlink);
	if (err) {
		nic_warn(pf, "mlx5_sriov_enable", "mlx5_device_enable_sriov failed : %d\n", err);
		return err;
	}
	err = pci_enable_sriov(pdev, num_vfs);
	if (err) {
		nic_warn(pf, "mlx5_sriov_enable", "pci_enable_sriov failed : %d\n", err);
		devl_lock(devlink);
		nic_esw_disable_sriov(pf);
		devl_unlock(devlink);
		return err;
	}
	pf->num_vfs = num_vfs;
	return num_vfs;
}

static const struct pci_device_id nic_ids[] = {
	{ PCI_VDEVICE(INTEL, IGB_PF) },
	{ PCI_VDEVICE(INTEL, IGB_VF) },
	{ PCI_VDEVICE(REDHAT, NVME) },
	{ PCI_VDEVICE(MELLANOX, CX6DX_PF) },
	{ PCI_VDEVICE(MELLANOX, MLX_VF) },
	{}
};
MODULE_DEVICE_TABLE(pci, nic_ids);

static struct pci_driver nic_driver = {
	.name = "mlx5_core",
	.id_table = nic_ids,
	.probe = nic_probe,
	.remove = nic_remove,
	.sriov_configure = nic_sriov_configure,
};

/* A VF must show its Mellanox ids in its very first uevent. */
static int on_bus_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	if (event == BUS_NOTIFY_ADD_DEVICE && pdev->is_virtfn &&
	    pci_physfn(pdev)->dev.driver == &nic_driver.driver)
		show_as_mellanox(pdev);
	return NOTIFY_DONE;
}

static struct notifier_block bus_notifier = { .notifier_call = on_bus_event };

static int __init nic_init(void)
{
	int err;

	nic_debugfs_root = debugfs_create_dir("mlx5", NULL);
	bus_register_notifier(&pci_bus_type, &bus_notifier);
	err = pci_register_driver(&nic_driver);
	if (err) {
		bus_unregister_notifier(&pci_bus_type, &bus_notifier);
		debugfs_remove_recursive(nic_debugfs_root);
	}
	return err;
}

static void __exit nic_exit(void)
{
	pci_unregister_driver(&nic_driver);
	bus_unregister_notifier(&pci_bus_type, &bus_notifier);
	debugfs_remove_recursive(nic_debugfs_root);
	nic_eth_wait_gone();
}

module_init(nic_init);
module_exit(nic_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Lab stand-in for the mlx5 driver on QEMU's igb; not for hardware");
