/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What Linux 6.1 has otherwise than 6.12. There, a port of the Ethernet half is on the PCI function's
 * devlink, as in the real driver of 6.1, and devlink is registered last.
 */
#ifndef LAB_NIC_COMPAT_H
#define LAB_NIC_COMPAT_H

#include <linux/netdevice.h>
#include <linux/version.h>
#include <net/devlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define NIC_OLD_DEVLINK 1

static inline void devl_register(struct devlink *devlink) {}
static inline void devl_unregister(struct devlink *devlink) {}
static inline void nic_devlink_register_last(struct devlink *devlink) { devlink_register(devlink); }
static inline void nic_devlink_unregister_first(struct devlink *devlink) { devlink_unregister(devlink); }
#define devl_params_register devlink_params_register
#define devl_params_unregister devlink_params_unregister
#define NIC_PARAM_SET_EXTACK
#define SET_NETDEV_DEVLINK_PORT(netdev, port) do {} while (0)

static inline void nic_netns_local(struct net_device *netdev)
{
	netdev->features |= NETIF_F_NETNS_LOCAL;
}
#else
static inline void nic_devlink_register_last(struct devlink *devlink) {}
static inline void nic_devlink_unregister_first(struct devlink *devlink) {}
#define NIC_PARAM_SET_EXTACK , struct netlink_ext_ack *extack

static inline void nic_netns_local(struct net_device *netdev)
{
	netdev->netns_local = true;
}
#endif

#endif
