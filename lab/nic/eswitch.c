// SPDX-License-Identifier: GPL-2.0
/*
 * The eSwitch: its modes, its representors, and what SR-IOV does to it.
 * Follows eswitch.c, eswitch_offloads.c and esw/devlink_port.c of the real driver.
 */
#include <linux/delay.h>
#include <linux/if_link.h>
#include "nic.h"

static const char *mode_name(struct nic_func *pf)
{
	return nic_switchdev(pf) ? "OFFLOADS" : "LEGACY";
}

static void log_state(struct nic_func *pf, const char *what)
{
	esw_info(pf, "%s: mode(%s), nvfs(%d), necvfs(0), active vports(%d)\n",
		 what, mode_name(pf), pf->esw.num_vfs, pf->esw.enabled_vports);
}

static struct nic_vport *vport_of(struct devlink_port *port)
{
	return container_of(port, struct nic_vport, devlink_port);
}

static int port_hw_addr_get(struct devlink_port *port, u8 *addr, int *len, struct netlink_ext_ack *extack)
{
	ether_addr_copy(addr, vport_of(port)->mac);
	*len = ETH_ALEN;
	return 0;
}

static int port_hw_addr_set(struct devlink_port *port, const u8 *addr, int len, struct netlink_ext_ack *extack)
{
	return nic_vport_set_mac(vport_of(port), addr);
}

#ifdef NIC_OLD_DEVLINK
/* Linux 6.1 asks for every port; only a VF's has a function behind it. */
int nic_port_hw_addr_get(struct devlink_port *port, u8 *addr, int *len, struct netlink_ext_ack *extack)
{
	if (port->attrs.flavour != DEVLINK_PORT_FLAVOUR_PCI_VF)
		return -EOPNOTSUPP;
	return port_hw_addr_get(port, addr, len, extack);
}

int nic_port_hw_addr_set(struct devlink_port *port, const u8 *addr, int len, struct netlink_ext_ack *extack)
{
	if (port->attrs.flavour == DEVLINK_PORT_FLAVOUR_PCI_VF)
		return port_hw_addr_set(port, addr, len, extack);
	NL_SET_ERR_MSG_MOD(extack, "Port doesn't support set hw_addr");
	return -EOPNOTSUPP;
}

static int rep_port_register(struct nic_func *pf, struct nic_vport *vport, unsigned int index)
{
	return devl_port_register(priv_to_devlink(pf), &vport->devlink_port, index);
}
#else
static int port_roce_get(struct devlink_port *port, bool *enabled, struct netlink_ext_ack *extack)
{
	*enabled = true;
	return 0;
}

static const struct devlink_port_ops vf_port_ops = {
	.port_fn_hw_addr_get = port_hw_addr_get,
	.port_fn_hw_addr_set = port_hw_addr_set,
	.port_fn_roce_get = port_roce_get,
};

static int rep_port_register(struct nic_func *pf, struct nic_vport *vport, unsigned int index)
{
	return devl_port_register_with_ops(priv_to_devlink(pf), &vport->devlink_port, index, &vf_port_ops);
}
#endif

static int rep_load(struct nic_func *pf, int vf)
{
	struct nic_vport *vport = &pf->esw.vports[vf];
	struct nic_port *rep;
	int err;

	memset(&vport->devlink_port, 0, sizeof(vport->devlink_port));
	vport->devlink_port.attrs.switch_id.id_len = sizeof(pf->card->switch_id);
	memcpy(vport->devlink_port.attrs.switch_id.id, pf->card->switch_id, sizeof(pf->card->switch_id));
	devlink_port_attrs_pci_vf_set(&vport->devlink_port, 0, pf->index, vf, false);
	err = rep_port_register(pf, vport, nic_port_index(pf, vf + 1));
	if (err)
		return err;
	rep = nic_port_create(pf, NIC_PORT_REP, vf, &vport->devlink_port, NULL);
	if (IS_ERR(rep)) {
		devl_port_unregister(&vport->devlink_port);
		return PTR_ERR(rep);
	}
	mutex_lock(&pf->card->lock);
	vport->rep = rep;
	nic_ports_connect(vport->rep, vport->port);
	mutex_unlock(&pf->card->lock);
	return 0;
}

static void rep_unload(struct nic_func *pf, int vf)
{
	struct nic_vport *vport = &pf->esw.vports[vf];
	struct nic_port *rep = vport->rep;

	if (!rep)
		return;
	mutex_lock(&pf->card->lock);
	vport->rep = NULL;
	mutex_unlock(&pf->card->lock);
	nic_port_destroy(rep);
	devl_port_unregister(&vport->devlink_port);
}

static void vf_vports_unload(struct nic_func *pf, int num_vfs)
{
	int vf;

	for (vf = 0; vf < num_vfs; vf++) {
		rep_unload(pf, vf);
		pf->esw.enabled_vports--;
		nic_vport_update_carrier(&pf->esw.vports[vf]);
	}
}

static int vf_vports_load(struct nic_func *pf, int num_vfs)
{
	int vf, err;

	for (vf = 0; vf < num_vfs; vf++) {
		err = nic_switchdev(pf) ? rep_load(pf, vf) : 0;
		if (err) {
			vf_vports_unload(pf, vf);
			return err;
		}
		pf->esw.enabled_vports++;
		nic_vport_update_carrier(&pf->esw.vports[vf]);
	}
	return 0;
}

static void take_time(struct nic_func *pf)
{
	int ms = nic_esw_ms + nic_esw_vf_ms * pf->esw.num_vfs;

	if (ms > 0)
		msleep(ms);
}

/* esw_offloads_enable: the uplink becomes a representor, then each VF gets one. */
static int offloads_enable(struct nic_func *pf)
{
	int vf;

	nic_uplink_detach(pf);
	take_time(pf);
	esw_info(pf, "Supported tc offload range - chains: 4294967294, prios: 4294967295\n");
	/* "Representor will control the vport link state" */
	for (vf = 0; vf < pf->esw.num_vfs; vf++)
		pf->esw.vports[vf].link_state = IFLA_VF_LINK_STATE_DISABLE;
	nic_uplink_attach(pf);
	return vf_vports_load(pf, pf->esw.num_vfs);
}

static void offloads_disable(struct nic_func *pf)
{
	vf_vports_unload(pf, pf->esw.num_vfs);
	pf->esw.mode = DEVLINK_ESWITCH_MODE_LEGACY;
	nic_uplink_detach(pf);
	take_time(pf);
	nic_uplink_attach(pf);
}

/* mlx5_eswitch_enable_locked; in legacy mode the PF is a vport of the eSwitch as well. */
static int esw_enable(struct nic_func *pf)
{
	int err;

	if (nic_switchdev(pf)) {
		err = offloads_enable(pf);
	} else {
		pf->esw.enabled_vports++;
		err = vf_vports_load(pf, pf->esw.num_vfs);
	}
	if (err)
		return err;
	pf->esw.fdb_created = true;
	log_state(pf, "Enable");
	return 0;
}

/* mlx5_eswitch_disable_locked */
static void esw_disable(struct nic_func *pf)
{
	log_state(pf, "Disable");
	if (!pf->esw.fdb_created)
		return;
	pf->esw.fdb_created = false;
	if (nic_switchdev(pf)) {
		offloads_disable(pf);
	} else {
		vf_vports_unload(pf, pf->esw.num_vfs);
		pf->esw.enabled_vports--;
	}
}

void nic_esw_disable(struct nic_func *pf)
{
	nic_lag_disable_change(pf);
	esw_disable(pf);
	pf->esw.mode = DEVLINK_ESWITCH_MODE_LEGACY;
	nic_lag_enable_change(pf);
}

/* mlx5_eswitch_enable: only where the FDB has to be created is the LAG taken down for it. */
int nic_esw_enable_sriov(struct nic_func *pf, int num_vfs)
{
	int err;

	if (pf->esw.fdb_created) {
		err = vf_vports_load(pf, num_vfs);
		if (!err)
			pf->esw.num_vfs = num_vfs;
		return err;
	}
	nic_lag_disable_change(pf);
	pf->esw.num_vfs = num_vfs;
	err = esw_enable(pf);
	nic_lag_enable_change(pf);
	return err;
}

/* mlx5_eswitch_disable_sriov: switchdev mode stays, the VFs' settings go. */
void nic_esw_disable_sriov(struct nic_func *pf)
{
	log_state(pf, "Unload vfs");
	vf_vports_unload(pf, pf->esw.num_vfs);
	nic_vports_clear(pf);
	if (!nic_switchdev(pf)) {
		log_state(pf, "Disable");
		pf->esw.enabled_vports -= pf->esw.fdb_created;
		pf->esw.fdb_created = false;
	}
	pf->esw.num_vfs = 0;
}

/* mlx5_devlink_eswitch_mode_set. Bound VFs do not stop it, rules in hardware do. */
int nic_esw_set_mode(struct nic_func *pf, u16 mode, struct netlink_ext_ack *extack)
{
	int err = 0;

	if (mode != DEVLINK_ESWITCH_MODE_LEGACY && mode != DEVLINK_ESWITCH_MODE_SWITCHDEV)
		return -EINVAL;
	/* Even for the mode that it already has. */
	nic_lag_disable_change(pf);
	if (atomic_read(&pf->esw.flows)) {
		NL_SET_ERR_MSG_MOD(extack, "Can't change mode, E-Switch is busy");
		err = -EBUSY;
		goto enable_lag;
	}
	if (mode == pf->esw.mode)
		goto enable_lag;
	esw_disable(pf);
	pf->esw.mode = mode;
	if (mode == DEVLINK_ESWITCH_MODE_LEGACY && !pf->num_vfs)
		goto enable_lag;
	if (mode == DEVLINK_ESWITCH_MODE_SWITCHDEV)
		pf->esw.num_vfs = pf->num_vfs;
	err = esw_enable(pf);
	if (err && mode == DEVLINK_ESWITCH_MODE_SWITCHDEV) {
		NL_SET_ERR_MSG_MOD(extack, "Failed setting eswitch to offloads");
		pf->esw.mode = DEVLINK_ESWITCH_MODE_LEGACY;
	} else if (err) {
		NL_SET_ERR_MSG_MOD(extack, "Failed setting eswitch to legacy");
	}
enable_lag:
	nic_lag_enable_change(pf);
	return err;
}

int nic_esw_init(struct nic_func *pf)
{
	int vf;

	pf->esw.mode = DEVLINK_ESWITCH_MODE_LEGACY;
	pf->esw.inline_mode = DEVLINK_ESWITCH_INLINE_MODE_NONE;
	pf->esw.encap = DEVLINK_ESWITCH_ENCAP_MODE_BASIC;
	pf->esw.vports = kcalloc(max(pf->total_vfs, 1), sizeof(*pf->esw.vports), GFP_KERNEL);
	if (!pf->esw.vports)
		return -ENOMEM;
	for (vf = 0; vf < pf->total_vfs; vf++)
		pf->esw.vports[vf].pf = pf;
	esw_info(pf, "Total vports %d, per vport: max uc(128) max mc(2048)\n", pf->total_vfs + 2);
	return 0;
}

void nic_esw_cleanup(struct nic_func *pf)
{
	esw_info(pf, "cleanup\n");
	kfree(pf->esw.vports);
}
