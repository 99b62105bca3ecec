// SPDX-License-Identifier: GPL-2.0
/* ethtool: driver information, link and channels (en_ethtool.c, en_rep.c). */
#include <linux/delay.h>
#include <linux/ethtool.h>
#include "nic.h"

static void get_drvinfo(struct net_device *netdev, struct ethtool_drvinfo *info)
{
	struct nic_port *port = netdev_priv(netdev);

	strscpy(info->driver, port->kind == NIC_PORT_WIRE ? "labwire" : "mlx5_core", sizeof(info->driver));
	strscpy(info->fw_version, NIC_FIRMWARE " (" NIC_BOARD ")", sizeof(info->fw_version));
}

static void rep_get_drvinfo(struct net_device *netdev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "mlx5e_rep", sizeof(info->driver));
	strscpy(info->fw_version, NIC_FIRMWARE " (" NIC_BOARD ")", sizeof(info->fw_version));
}

static void get_channels(struct net_device *netdev, struct ethtool_channels *channels)
{
	struct nic_port *port = netdev_priv(netdev);

	channels->max_combined = port->max_channels;
	channels->combined_count = port->channels;
}

/* mlx5e_switch_priv_channels: where the number changes on an open netdev, the carrier blinks. */
static int set_channels(struct net_device *netdev, struct ethtool_channels *channels)
{
	struct nic_port *port = netdev_priv(netdev);
	bool blink = netif_running(netdev) && netif_carrier_ok(netdev);
	unsigned int count = channels->combined_count;
	int err;

	if (!count) {
		netdev_info(netdev, "mlx5e_ethtool_set_channels: combined_count=0 not supported\n");
		return -EINVAL;
	}
	if (count == port->channels)
		return 0;
	if (blink) {
		netif_carrier_off(netdev);
		msleep(5);
	}
	err = netif_set_real_num_queues(netdev, count, count);
	if (!err)
		port->channels = count;
	if (blink)
		netif_carrier_on(netdev);
	return err;
}

static int get_link_ksettings(struct net_device *netdev, struct ethtool_link_ksettings *settings)
{
	ethtool_link_ksettings_zero_link_mode(settings, supported);
	ethtool_link_ksettings_add_link_mode(settings, supported, 25000baseCR_Full);
	ethtool_link_ksettings_add_link_mode(settings, supported, 100000baseCR4_Full);
	settings->base.speed = netif_carrier_ok(netdev) ? nic_speed : SPEED_UNKNOWN;
	settings->base.duplex = netif_carrier_ok(netdev) ? DUPLEX_FULL : DUPLEX_UNKNOWN;
	settings->base.port = PORT_DA;
	settings->base.autoneg = AUTONEG_ENABLE;
	return 0;
}

const struct ethtool_ops nic_ethtool_ops = {
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_channels = get_channels,
	.set_channels = set_channels,
	.get_link_ksettings = get_link_ksettings,
};

const struct ethtool_ops nic_rep_ethtool_ops = {
	.get_drvinfo = rep_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_channels = get_channels,
	.set_channels = set_channels,
};
