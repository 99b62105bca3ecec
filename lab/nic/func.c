// SPDX-License-Identifier: GPL-2.0
/* What a PF and a VF consist of, put together when the driver binds and taken apart when it leaves. */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include "nic.h"

#define IGB_RECEIVE_ADDRESS 0x5400

/* igb keeps its own address in the first receive address register. */
static void read_mac(struct pci_dev *pdev, u8 *mac)
{
	void __iomem *bar = pci_iomap(pdev, 0, 0);
	u32 low = 0, high = 0;

	if (bar && pci_resource_len(pdev, 0) > IGB_RECEIVE_ADDRESS + 8) {
		low = readl(bar + IGB_RECEIVE_ADDRESS);
		high = readl(bar + IGB_RECEIVE_ADDRESS + 4);
	}
	if (bar)
		pci_iounmap(pdev, bar);
	put_unaligned_le32(low, mac);
	put_unaligned_le16(high & 0xffff, mac + 4);
	if (!is_valid_ether_addr(mac))
		eth_random_addr(mac);
}

int nic_pf_probe(struct nic_func *pf)
{
	struct pci_dev *pdev = pf->pdev;
	u8 mac[ETH_ALEN];
	int err = -ENOMEM;

	pf->pf = pf;
	pf->index = nic_port_number(pdev);
	if (pf->index >= NIC_PORTS)
		return -ENODEV;
	pf->vhca_id = pf->index;
	pf->smfs = true;
	if (nic_total_vfs > 0)
		pci_sriov_set_totalvfs(pdev, nic_total_vfs);
	pf->total_vfs = pci_sriov_get_totalvfs(pdev);
	read_mac(pdev, mac);
	dev_info(&pdev->dev, "firmware version: %s\n", NIC_FIRMWARE);
	pf->card = nic_card_get(pf);
	if (!pf->card)
		return -ENOMEM;
	err = nic_esw_init(pf);
	if (err)
		goto put_card;
	err = nic_params_register(pf);
	if (err)
		goto cleanup_esw;
	err = nic_eth_create(pf);
	if (err)
		goto unregister_params;
	pf->debugfs = debugfs_create_dir(pci_name(pdev), nic_debugfs_root);
	nic_lag_add_func(pf);
	pf->port = nic_port_create(pf, NIC_PORT_PF, -1, &pf->eth->devlink_port, mac);
	if (IS_ERR(pf->port)) {
		err = PTR_ERR(pf->port);
		goto remove_lag;
	}
	pf->wire = nic_port_create(pf, NIC_PORT_WIRE, -1, NULL, NULL);
	if (IS_ERR(pf->wire)) {
		err = PTR_ERR(pf->wire);
		goto destroy_port;
	}
	nic_ports_connect(pf->port, pf->wire);
	nic_lag_add_netdev(pf);
	return 0;

destroy_port:
	nic_port_destroy(pf->port);
remove_lag:
	nic_lag_remove_func(pf);
	debugfs_remove_recursive(pf->debugfs);
	nic_eth_destroy(pf);
unregister_params:
	nic_params_unregister(pf);
cleanup_esw:
	nic_esw_cleanup(pf);
put_card:
	nic_card_put(pf);
	return err;
}

void nic_pf_remove(struct nic_func *pf)
{
	struct nic_port *wire = pf->wire;

	nic_esw_disable(pf);
	nic_lag_remove_netdev(pf);
	pf->wire = NULL;
	nic_port_destroy(wire);
	nic_port_destroy(pf->port);
	nic_lag_remove_func(pf);
	debugfs_remove_recursive(pf->debugfs);
	nic_eth_destroy(pf);
	nic_params_unregister(pf);
	nic_esw_cleanup(pf);
	nic_card_put(pf);
}

int nic_vf_probe(struct nic_func *func)
{
	struct pci_dev *pdev = func->pdev;
	struct nic_vport *vport;
	int err;

	func->pf = pci_get_drvdata(pci_physfn(pdev));
	func->card = func->pf->card;
	func->index = pci_iov_vf_id(pdev);
	func->vhca_id = NIC_PORTS + func->index * NIC_PORTS + func->pf->index;
	if (nic_vf_probe_ms)
		msleep(nic_vf_probe_ms);
	dev_info(&pdev->dev, "firmware version: %s\n", NIC_FIRMWARE);
	err = nic_params_register(func);
	if (err)
		return err;
	err = nic_eth_create(func);
	if (err)
		goto unregister_params;
	vport = &func->pf->esw.vports[func->index];
	func->port = nic_port_create(func, NIC_PORT_VF, func->index, &func->eth->devlink_port,
				     is_zero_ether_addr(vport->mac) ? NULL : vport->mac);
	if (IS_ERR(func->port)) {
		err = PTR_ERR(func->port);
		goto destroy_eth;
	}
	mutex_lock(&func->card->lock);
	vport->port = func->port;
	vport->bound = true;
	nic_ports_connect(vport->rep, vport->port);
	mutex_unlock(&func->card->lock);
	nic_vport_update_carrier(vport);
	return 0;

destroy_eth:
	nic_eth_destroy(func);
unregister_params:
	nic_params_unregister(func);
	return err;
}

void nic_vf_remove(struct nic_func *func)
{
	struct nic_vport *vport = &func->pf->esw.vports[func->index];

	mutex_lock(&func->card->lock);
	vport->port = NULL;
	vport->bound = false;
	mutex_unlock(&func->card->lock);
	nic_port_destroy(func->port);
	nic_eth_destroy(func);
	nic_params_unregister(func);
}
