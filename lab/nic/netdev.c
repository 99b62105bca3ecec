// SPDX-License-Identifier: GPL-2.0
/*
 * Netdevs: of the PF, its VFs, their representors, and a "wire" per PF, which stands for whatever is
 * at the other end of the cable. What one end transmits, the other receives; `ip link set wireN
 * carrier off` pulls the cable. The eSwitch has no learning of its own: between representors and the
 * uplink packets go through the host's bridge or OVS, and in legacy mode a VF reaches nobody.
 */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include "nic.h"

static const struct net_device_ops pf_ops, vf_ops, rep_ops, wire_ops;

static netdev_tx_t port_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct nic_port *port = netdev_priv(netdev), *peer;
	unsigned int len = skb->len;

	rcu_read_lock();
	peer = rcu_dereference(port->peer);
	if (!peer || !netif_running(peer->netdev) || !netif_carrier_ok(peer->netdev)) {
		DEV_STATS_INC(netdev, tx_dropped);
		dev_kfree_skb_any(skb);
		goto out;
	}
	DEV_STATS_INC(netdev, tx_packets);
	DEV_STATS_ADD(netdev, tx_bytes, len);
	if (dev_forward_skb(peer->netdev, skb) == NET_RX_SUCCESS) {
		DEV_STATS_INC(peer->netdev, rx_packets);
		DEV_STATS_ADD(peer->netdev, rx_bytes, len);
	}
out:
	rcu_read_unlock();
	return NETDEV_TX_OK;
}

static bool cable_plugged(struct nic_func *pf)
{
	return !pf->wire || netif_carrier_ok(pf->wire->netdev);
}

static int port_open(struct net_device *netdev)
{
	struct nic_port *port = netdev_priv(netdev);

	if (port->kind == NIC_PORT_PF && cable_plugged(port->func)) {
		netdev_info(netdev, "Link up\n");
		netif_carrier_on(netdev);
	}
	if (port->kind == NIC_PORT_REP)
		netif_carrier_on(netdev);
	if (port->kind == NIC_PORT_REP || port->kind == NIC_PORT_VF)
		nic_vport_update_carrier(&port->func->pf->esw.vports[port->vf]);
	return 0;
}

static int port_stop(struct net_device *netdev)
{
	struct nic_port *port = netdev_priv(netdev);

	if (port->kind != NIC_PORT_WIRE)
		netif_carrier_off(netdev);
	if (port->kind == NIC_PORT_REP)
		nic_vport_update_carrier(&port->func->esw.vports[port->vf]);
	return 0;
}

/* In switchdev mode the representor's state is the VF's link (mlx5e_rep_open, mlx5e_rep_close). */
void nic_vport_update_carrier(struct nic_vport *vport)
{
	struct nic_port *vf = READ_ONCE(vport->port), *rep = READ_ONCE(vport->rep);
	bool up;

	if (!vf)
		return;
	if (nic_switchdev(vport->pf))
		up = rep && netif_carrier_ok(rep->netdev);
	else
		up = vport->link_state == IFLA_VF_LINK_STATE_ENABLE ||
		     (vport->link_state == IFLA_VF_LINK_STATE_AUTO && cable_plugged(vport->pf));
	if (up && netif_running(vf->netdev))
		netif_carrier_on(vf->netdev);
	else
		netif_carrier_off(vf->netdev);
}

static int wire_change_carrier(struct net_device *netdev, bool carrier)
{
	struct nic_func *pf = ((struct nic_port *)netdev_priv(netdev))->func;
	struct net_device *uplink = pf->port->netdev;
	int vf;

	if (carrier)
		netif_carrier_on(netdev);
	else
		netif_carrier_off(netdev);
	if (netif_running(uplink) && netif_device_present(uplink)) {
		netdev_info(uplink, carrier ? "Link up\n" : "Link down\n");
		if (carrier)
			netif_carrier_on(uplink);
		else
			netif_carrier_off(uplink);
	}
	for (vf = 0; vf < pf->esw.num_vfs; vf++)
		nic_vport_update_carrier(&pf->esw.vports[vf]);
	return 0;
}

static int rep_change_carrier(struct net_device *netdev, bool carrier)
{
	struct nic_port *port = netdev_priv(netdev);

	if (carrier)
		netif_carrier_on(netdev);
	else
		netif_carrier_off(netdev);
	nic_vport_update_carrier(&port->func->esw.vports[port->vf]);
	return 0;
}

#ifdef NIC_OLD_DEVLINK
static struct devlink_port *get_devlink_port(struct net_device *netdev)
{
	return ((struct nic_port *)netdev_priv(netdev))->devlink_port;
}
#define DEVLINK_PORT_OPS .ndo_get_devlink_port = get_devlink_port,
#else
#define DEVLINK_PORT_OPS
#endif

#define COMMON_OPS \
	DEVLINK_PORT_OPS \
	.ndo_open = port_open, .ndo_stop = port_stop, .ndo_start_xmit = port_xmit, \
	.ndo_set_mac_address = eth_mac_addr, .ndo_validate_addr = eth_validate_addr

static const struct net_device_ops pf_ops = {
	COMMON_OPS,
	.ndo_setup_tc = nic_setup_tc,
	.ndo_set_features = nic_set_features,
	.ndo_set_vf_mac = nic_set_vf_mac,
	.ndo_set_vf_vlan = nic_set_vf_vlan,
	.ndo_set_vf_spoofchk = nic_set_vf_spoofchk,
	.ndo_set_vf_trust = nic_set_vf_trust,
	.ndo_set_vf_rate = nic_set_vf_rate,
	.ndo_set_vf_link_state = nic_set_vf_link_state,
	.ndo_get_vf_config = nic_get_vf_config,
	.ndo_get_vf_stats = nic_get_vf_stats,
};

static const struct net_device_ops vf_ops = { COMMON_OPS };

/* A representor's address cannot be set and its features are not checked, as in the real driver. */
static const struct net_device_ops rep_ops = {
	DEVLINK_PORT_OPS
	.ndo_open = port_open,
	.ndo_stop = port_stop,
	.ndo_start_xmit = port_xmit,
	.ndo_setup_tc = nic_setup_tc,
	.ndo_change_carrier = rep_change_carrier,
};

static const struct net_device_ops wire_ops = {
	COMMON_OPS,
	.ndo_change_carrier = wire_change_carrier,
};

bool nic_is_port(const struct net_device *netdev)
{
	return netdev->netdev_ops == &pf_ops || netdev->netdev_ops == &rep_ops;
}

static void set_channels(struct nic_port *port, unsigned int channels)
{
	port->channels = channels;
	netif_set_real_num_tx_queues(port->netdev, channels);
	netif_set_real_num_rx_queues(port->netdev, channels);
}

static void set_ops(struct nic_port *port)
{
	struct net_device *netdev = port->netdev;

	netdev->ethtool_ops = port->kind == NIC_PORT_REP ? &nic_rep_ethtool_ops : &nic_ethtool_ops;
	netdev->hw_features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_RXCSUM;
	switch (port->kind) {
	case NIC_PORT_PF:
		netdev->netdev_ops = &pf_ops;
		netdev->features = netdev->hw_features | (nic_qos ? NETIF_F_HW_TC : 0);
		netdev->hw_features |= NETIF_F_HW_TC;
		break;
	case NIC_PORT_REP:
		netdev->netdev_ops = &rep_ops;
		netdev->hw_features |= NETIF_F_HW_TC;
		netdev->features = netdev->hw_features;
		nic_netns_local(netdev);
		break;
	case NIC_PORT_VF:
		netdev->netdev_ops = &vf_ops;
		netdev->features = netdev->hw_features;
		break;
	case NIC_PORT_WIRE:
		netdev->netdev_ops = &wire_ops;
		netdev->features = netdev->hw_features;
		snprintf(netdev->name, IFNAMSIZ, "wire%%d");
		break;
	}
	netdev->features |= NETIF_F_HIGHDMA;
}

/*
 * A function has an interrupt vector, and so a channel, for each processor: pci_irq.c mlx5_irq_table_create, en.h
 * mlx5e_get_max_num_channels. A PF has as many as max_ch says, to be set in tests. Each queue is an event for udev.
 */
static unsigned int max_channels(enum nic_port_kind kind)
{
	switch (kind) {
	case NIC_PORT_REP:
		return nic_rep_max_ch;
	case NIC_PORT_VF:
		return min_t(unsigned int, nic_max_ch, num_online_cpus());
	case NIC_PORT_WIRE:
		return 1;
	default:
		return nic_max_ch;
	}
}

struct nic_port *nic_port_create(struct nic_func *func, enum nic_port_kind kind, int vf,
				 struct devlink_port *devlink_port, const u8 *mac)
{
	unsigned int max = max_channels(kind);
	struct net_device *netdev = alloc_etherdev_mqs(sizeof(struct nic_port), max, max);
	struct nic_port *port;
	int err;

	if (!netdev)
		return ERR_PTR(-ENOMEM);
	port = netdev_priv(netdev);
	port->kind = kind;
	port->netdev = netdev;
	port->func = func;
	port->vf = vf;
	port->devlink_port = devlink_port;
	port->max_channels = max;
	INIT_LIST_HEAD(&port->flows);
	set_ops(port);
	set_channels(port, kind == NIC_PORT_REP ? 1 : min(max, 128u));
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = 9978;
	/* Set, the address is permanent; random, udev may replace it. */
	if (mac)
		eth_hw_addr_set(netdev, mac);
	else
		eth_hw_addr_random(netdev);
	if (kind != NIC_PORT_WIRE) {
		SET_NETDEV_DEV(netdev, &func->pdev->dev);
		netif_carrier_off(netdev);
	}
	if (devlink_port)
		SET_NETDEV_DEVLINK_PORT(netdev, devlink_port);
	err = register_netdev(netdev);
	if (err) {
		free_netdev(netdev);
		return ERR_PTR(err);
	}
#ifdef NIC_OLD_DEVLINK
	if (devlink_port)
		devlink_port_type_eth_set(devlink_port, netdev);
#endif
	return port;
}

static void disconnect(struct nic_port *port)
{
	struct nic_port *peer = rcu_dereference_protected(port->peer, 1);

	if (!peer)
		return;
	rcu_assign_pointer(port->peer, NULL);
	rcu_assign_pointer(peer->peer, NULL);
}

void nic_port_destroy(struct nic_port *port)
{
	disconnect(port);
	synchronize_net();
#ifdef NIC_OLD_DEVLINK
	if (port->devlink_port)
		devlink_port_type_clear(port->devlink_port);
#endif
	unregister_netdev(port->netdev);
	nic_flows_flush(port);
	free_netdev(port->netdev);
}

void nic_ports_connect(struct nic_port *a, struct nic_port *b)
{
	if (!a || !b)
		return;
	rcu_assign_pointer(a->peer, b);
	rcu_assign_pointer(b->peer, a);
}

/* A mode change closes the PF's netdev and opens it again; it keeps its ifindex, name and master. */
void nic_uplink_detach(struct nic_func *pf)
{
	struct net_device *netdev = pf->port->netdev;

	rtnl_lock();
	netif_carrier_off(netdev);
	netif_device_detach(netdev);
	rtnl_unlock();
	nic_lag_remove_netdev(pf);
}

/* mlx5e_build_rep_params gives the uplink one channel, mlx5e_uplink_rep_enable hw-tc-offload. */
void nic_uplink_attach(struct nic_func *pf)
{
	struct net_device *netdev = pf->port->netdev;

	nic_lag_add_netdev(pf);
	rtnl_lock();
	set_channels(pf->port, nic_switchdev(pf) ? 1 : min(pf->port->max_channels, 128u));
	if (nic_switchdev(pf))
		netdev->wanted_features |= NETIF_F_HW_TC;
	netif_device_attach(netdev);
	if (netif_running(netdev) && cable_plugged(pf)) {
		netdev_info(netdev, "Link up\n");
		netif_carrier_on(netdev);
	}
	netdev_update_features(netdev);
	rtnl_unlock();
}
