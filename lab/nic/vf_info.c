// SPDX-License-Identifier: GPL-2.0
/*
 * What `ip link set PF vf N ...` may do: mlx5e_set_vf_* (en_main.c), mlx5_eswitch_set_vport_*
 * (esw/legacy.c, eswitch.c). The vport keeps its settings until the VFs are destroyed.
 */
#include <linux/if_link.h>
#include "nic.h"

/* Like the real driver: any VF that the firmware could have, created or not. */
static struct nic_vport *vport_get(struct net_device *netdev, int vf)
{
	struct nic_port *port = netdev_priv(netdev);

	return vf >= 0 && vf < port->func->total_vfs ? &port->func->esw.vports[vf] : NULL;
}

/* A bound VF keeps the address that it has; the next bind takes the new one. */
int nic_vport_set_mac(struct nic_vport *vport, const u8 *mac)
{
	if (is_multicast_ether_addr(mac))
		return -EINVAL;
	if (vport->spoofchk && !is_valid_ether_addr(mac))
		nic_warn(vport->pf, "mlx5_esw_set_vport_mac_locked",
			 "Set invalid MAC while spoofchk is on, vport(%d)\n",
			 (int)(vport - vport->pf->esw.vports) + 1);
	ether_addr_copy(vport->mac, mac);
	return 0;
}

int nic_set_vf_mac(struct net_device *netdev, int vf, u8 *mac)
{
	struct nic_vport *vport = vport_get(netdev, vf);

	return vport ? nic_vport_set_mac(vport, mac) : -EINVAL;
}

int nic_set_vf_vlan(struct net_device *netdev, int vf, u16 vlan, u8 qos, __be16 proto)
{
	struct nic_vport *vport = vport_get(netdev, vf);

	if (proto != htons(ETH_P_8021Q))
		return -EPROTONOSUPPORT;
	if (!vport)
		return -EINVAL;
	if (nic_switchdev(vport->pf))
		return vlan ? -EOPNOTSUPP : 0;	/* "compatibility with libvirt" */
	if (vlan > 4095 || qos > 7)
		return -EINVAL;
	vport->vlan = vlan;
	vport->qos = qos;
	return 0;
}

int nic_set_vf_spoofchk(struct net_device *netdev, int vf, bool setting)
{
	struct nic_vport *vport = vport_get(netdev, vf);

	if (!vport)
		return -EINVAL;
	if (nic_switchdev(vport->pf))
		return -EOPNOTSUPP;
	if (vport->spoofchk && !is_valid_ether_addr(vport->mac))
		nic_warn(vport->pf, "mlx5_eswitch_set_vport_spoofchk",
			 "Spoofchk in set while MAC is invalid, vport(%d)\n", vf + 1);
	vport->spoofchk = setting;
	return 0;
}

int nic_set_vf_trust(struct net_device *netdev, int vf, bool setting)
{
	struct nic_vport *vport = vport_get(netdev, vf);

	if (!vport)
		return -EINVAL;
	if (nic_switchdev(vport->pf))
		return -EOPNOTSUPP;
	vport->trusted = setting;
	return 0;
}

int nic_set_vf_rate(struct net_device *netdev, int vf, int min_rate, int max_rate)
{
	struct nic_vport *vport = vport_get(netdev, vf);

	if (!vport)
		return -EINVAL;
	vport->min_rate = min_rate;
	vport->max_rate = max_rate;
	return 0;
}

int nic_set_vf_link_state(struct net_device *netdev, int vf, int state)
{
	struct nic_vport *vport = vport_get(netdev, vf);

	if (vport && nic_switchdev(vport->pf))
		return -EOPNOTSUPP;
	if (!vport)
		return -EINVAL;
	vport->link_state = state;
	nic_vport_update_carrier(vport);
	return 0;
}

int nic_get_vf_config(struct net_device *netdev, int vf, struct ifla_vf_info *info)
{
	struct nic_vport *vport = vport_get(netdev, vf);

	if (!netif_device_present(netdev))
		return -EOPNOTSUPP;
	if (!vport)
		return -EINVAL;
	memset(info, 0, sizeof(*info));
	info->vf = vf;
	ether_addr_copy(info->mac, vport->mac);
	info->linkstate = vport->link_state;
	info->vlan = vport->vlan;
	info->qos = vport->qos;
	info->spoofchk = vport->spoofchk;
	info->trusted = vport->trusted;
	info->min_tx_rate = vport->min_rate;
	info->max_tx_rate = vport->max_rate;
	return 0;
}

/* The bound VF's own counters; the real driver asks the firmware. */
int nic_get_vf_stats(struct net_device *netdev, int vf, struct ifla_vf_stats *stats)
{
	struct nic_vport *vport = vport_get(netdev, vf);
	struct rtnl_link_stats64 counted = {};

	if (!vport)
		return -EINVAL;
	memset(stats, 0, sizeof(*stats));
	mutex_lock(&vport->pf->card->lock);
	if (vport->port)
		dev_get_stats(vport->port->netdev, &counted);
	mutex_unlock(&vport->pf->card->lock);
	stats->rx_packets = counted.rx_packets;
	stats->tx_packets = counted.tx_packets;
	stats->rx_bytes = counted.rx_bytes;
	stats->tx_bytes = counted.tx_bytes;
	return 0;
}

/* mlx5_eswitch_clear_vf_vports_info */
void nic_vports_clear(struct nic_func *pf)
{
	int vf;

	for (vf = 0; vf < pf->esw.num_vfs; vf++) {
		struct nic_vport *vport = &pf->esw.vports[vf];

		eth_zero_addr(vport->mac);
		vport->vlan = 0;
		vport->qos = 0;
		vport->spoofchk = false;
		vport->trusted = false;
		vport->link_state = IFLA_VF_LINK_STATE_AUTO;
		vport->min_rate = 0;
		vport->max_rate = 0;
	}
}
