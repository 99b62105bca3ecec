/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stand-in for the mlx5 driver, for a machine without a ConnectX.
 *
 * It binds to the functions of QEMU's igb, uses nothing of them but PCI, SR-IOV and the MAC address,
 * and behaves towards user space as the real driver of Linux 6.12 does. lab/README.md says which
 * behaviour was checked against which function of the real driver, and which is invented.
 *
 *   card    the functions in one PCI slot; owns the LAG
 *   func    one PCI function: a PF (with an eSwitch) or a VF
 *   vport   what the eSwitch keeps of one VF, bound or not
 *   port    one netdev: the PF's, a VF's, a representor, or the far end of the PF's cable ("wire")
 *
 * Lock order: devlink instance, rtnl, card->lock. The LAG has its own mutex, never taken under rtnl.
 */
#ifndef LAB_NIC_H
#define LAB_NIC_H

#include <linux/auxiliary_bus.h>
#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <net/devlink.h>
#include <net/pkt_cls.h>
#include "compat.h"

#define NIC_FIRMWARE "22.41.1000"
#define NIC_BOARD "MT_0000000359"
#define NIC_PORTS 2
#define NIC_UPLINK_VPORT 0xffff

/* The real driver's log prefix: function, line and process of the caller. */
#define nic_err(func, where, format, ...) \
	dev_err(&(func)->pdev->dev, where ":%d:(pid %d): " format, __LINE__, current->pid, ##__VA_ARGS__)
#define nic_warn(func, where, format, ...) \
	dev_warn(&(func)->pdev->dev, where ":%d:(pid %d): " format, __LINE__, current->pid, ##__VA_ARGS__)
#define esw_info(func, format, ...) \
	dev_info(&(func)->pdev->dev, "E-Switch: " format, ##__VA_ARGS__)

enum nic_port_kind { NIC_PORT_PF, NIC_PORT_VF, NIC_PORT_REP, NIC_PORT_WIRE };

struct nic_func;

struct nic_port {
	enum nic_port_kind kind;
	struct net_device *netdev;
	struct nic_func *func;		/* a representor's and a wire's func is the PF */
	int vf;				/* VF number of a VF or a representor */
	struct devlink_port *devlink_port;	/* none for a wire */
	unsigned int channels;
	unsigned int max_channels;
	struct nic_port __rcu *peer;	/* where transmitted packets come out */
	struct list_head flows;
	unsigned int flow_count;
};

struct nic_vport {
	struct nic_func *pf;
	u8 mac[ETH_ALEN];
	u16 vlan;
	u8 qos;
	bool spoofchk;
	bool trusted;
	int link_state;			/* IFLA_VF_LINK_STATE_* */
	u32 min_rate, max_rate;
	bool bound;			/* a VF driver of ours is bound */
	struct nic_port *rep;		/* in switchdev mode */
	struct nic_port *port;		/* the VF's netdev, while bound */
	struct devlink_port devlink_port;
};

struct nic_eswitch {
	u16 mode;			/* DEVLINK_ESWITCH_MODE_* */
	u8 inline_mode;
	enum devlink_eswitch_encap_mode encap;
	bool fdb_created;
	int num_vfs;			/* as the eSwitch knows it */
	int enabled_vports;
	atomic_t flows;			/* offloaded rules: they make a mode change "busy" */
	struct nic_vport *vports;
};

/* The Ethernet half of a function: an auxiliary device with a devlink instance of its own. */
struct nic_eth {
	struct auxiliary_device adev;
	struct devlink *devlink;	/* none on Linux 6.1 */
	struct devlink_port devlink_port;
	int id;
};

struct nic_lag;

struct nic_card {
	struct list_head list;
	int domain;
	unsigned int bus, slot;
	int users;
	u8 switch_id[8];
	struct mutex lock;		/* the vports' rep, port and bound */
	struct nic_func *pf[NIC_PORTS];
	struct nic_lag *lag;
};

struct nic_func {
	struct pci_dev *pdev;
	bool is_vf;
	int index;			/* a PF's port, a VF's number */
	u16 vhca_id;
	bool smfs;			/* flow_steering_mode */
	struct nic_card *card;
	struct nic_func *pf;		/* itself for a PF */
	struct nic_eth *eth;
	struct nic_port *port;
	struct nic_port *wire;		/* PF only */
	int total_vfs;
	int num_vfs;			/* as PCI knows it */
	struct nic_eswitch esw;
	struct dentry *debugfs;
};

/* core.c */
extern int nic_vf_probe_ms, nic_esw_ms, nic_esw_vf_ms, nic_speed, nic_max_ch, nic_rep_max_ch, nic_total_vfs;
extern bool nic_tc_reject, nic_qos;
extern struct dentry *nic_debugfs_root;
static inline bool nic_switchdev(const struct nic_func *pf)
{
	return pf->esw.mode == DEVLINK_ESWITCH_MODE_SWITCHDEV;
}
static inline unsigned int nic_port_index(const struct nic_func *func, u16 vport)
{
	return (func->vhca_id << 16) | vport;
}

/* card.c */
int nic_port_number(struct pci_dev *pdev);
struct nic_card *nic_card_get(struct nic_func *pf);
void nic_card_put(struct nic_func *pf);

/* eth.c */
int nic_eth_create(struct nic_func *func);
void nic_eth_destroy(struct nic_func *func);
void nic_eth_wait_gone(void);

/* func.c */
int nic_pf_probe(struct nic_func *pf);
void nic_pf_remove(struct nic_func *pf);
int nic_vf_probe(struct nic_func *func);
void nic_vf_remove(struct nic_func *func);

/* eswitch.c */
int nic_esw_init(struct nic_func *pf);
void nic_esw_cleanup(struct nic_func *pf);
int nic_esw_enable_sriov(struct nic_func *pf, int num_vfs);
void nic_esw_disable_sriov(struct nic_func *pf);
void nic_esw_disable(struct nic_func *pf);
#ifdef NIC_OLD_DEVLINK
int nic_port_hw_addr_get(struct devlink_port *port, u8 *addr, int *len, struct netlink_ext_ack *extack);
int nic_port_hw_addr_set(struct devlink_port *port, const u8 *addr, int len, struct netlink_ext_ack *extack);
#endif
int nic_esw_set_mode(struct nic_func *pf, u16 mode, struct netlink_ext_ack *extack);

/* devlink.c */
extern const struct devlink_ops nic_devlink_ops;
int nic_params_register(struct nic_func *func);
void nic_params_unregister(struct nic_func *func);

/* netdev.c */
struct nic_port *nic_port_create(struct nic_func *func, enum nic_port_kind kind, int vf,
				 struct devlink_port *devlink_port, const u8 *mac);
void nic_port_destroy(struct nic_port *port);
void nic_ports_connect(struct nic_port *a, struct nic_port *b);
bool nic_is_port(const struct net_device *netdev);
void nic_uplink_detach(struct nic_func *pf);
void nic_uplink_attach(struct nic_func *pf);
void nic_vport_update_carrier(struct nic_vport *vport);

/* ethtool.c */
extern const struct ethtool_ops nic_ethtool_ops;
extern const struct ethtool_ops nic_rep_ethtool_ops;

/* tc.c */
int nic_setup_tc(struct net_device *netdev, enum tc_setup_type type, void *data);
int nic_set_features(struct net_device *netdev, netdev_features_t features);
void nic_flows_flush(struct nic_port *port);

/* vf_info.c */
int nic_set_vf_mac(struct net_device *netdev, int vf, u8 *mac);
int nic_set_vf_vlan(struct net_device *netdev, int vf, u16 vlan, u8 qos, __be16 proto);
int nic_set_vf_spoofchk(struct net_device *netdev, int vf, bool setting);
int nic_set_vf_trust(struct net_device *netdev, int vf, bool setting);
int nic_set_vf_rate(struct net_device *netdev, int vf, int min_rate, int max_rate);
int nic_set_vf_link_state(struct net_device *netdev, int vf, int state);
int nic_get_vf_config(struct net_device *netdev, int vf, struct ifla_vf_info *info);
int nic_get_vf_stats(struct net_device *netdev, int vf, struct ifla_vf_stats *stats);
int nic_vport_set_mac(struct nic_vport *vport, const u8 *mac);
void nic_vports_clear(struct nic_func *pf);

/* lag.c */
int nic_lag_create(struct nic_card *card);
void nic_lag_destroy(struct nic_card *card);
void nic_lag_add_func(struct nic_func *pf);
void nic_lag_remove_func(struct nic_func *pf);
void nic_lag_add_netdev(struct nic_func *pf);
void nic_lag_remove_netdev(struct nic_func *pf);
void nic_lag_disable_change(struct nic_func *pf);
void nic_lag_enable_change(struct nic_func *pf);
bool nic_lag_is_sriov(struct nic_card *card);

#endif
