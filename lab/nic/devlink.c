// SPDX-License-Identifier: GPL-2.0
/*
 * devlink: the eSwitch's attributes and the steering parameter.
 * Follows eswitch_offloads.c (mlx5_devlink_eswitch_*) and fs_core.c (mlx5_fs_mode_*) of the real driver.
 */
#include "nic.h"

static int mode_set(struct devlink *devlink, u16 mode, struct netlink_ext_ack *extack)
{
	struct nic_func *pf = devlink_priv(devlink);

	return pf->is_vf ? -EOPNOTSUPP : nic_esw_set_mode(pf, mode, extack);
}

static int mode_get(struct devlink *devlink, u16 *mode)
{
	struct nic_func *pf = devlink_priv(devlink);

	if (pf->is_vf)
		return -EOPNOTSUPP;
	*mode = pf->esw.mode;
	return 0;
}

/* ConnectX-5 and later need no inline headers (MLX5_CAP_INLINE_MODE_NOT_REQUIRED). */
static int inline_mode_set(struct devlink *devlink, u8 mode, struct netlink_ext_ack *extack)
{
	struct nic_func *pf = devlink_priv(devlink);

	if (pf->is_vf)
		return -EOPNOTSUPP;
	if (mode == DEVLINK_ESWITCH_INLINE_MODE_NONE)
		return 0;
	NL_SET_ERR_MSG_MOD(extack, "Inline mode can't be set");
	return -EOPNOTSUPP;
}

static int inline_mode_get(struct devlink *devlink, u8 *mode)
{
	struct nic_func *pf = devlink_priv(devlink);

	if (pf->is_vf)
		return -EOPNOTSUPP;
	*mode = pf->esw.inline_mode;
	return 0;
}

static int encap_mode_set(struct devlink *devlink, enum devlink_eswitch_encap_mode encap,
			  struct netlink_ext_ack *extack)
{
	struct nic_func *pf = devlink_priv(devlink);

	if (pf->is_vf)
		return -EOPNOTSUPP;
	if (nic_switchdev(pf) && encap != pf->esw.encap && atomic_read(&pf->esw.flows)) {
		NL_SET_ERR_MSG_MOD(extack, "Can't set encapsulation when flows are configured");
		return -EOPNOTSUPP;
	}
	pf->esw.encap = encap;
	return 0;
}

static int encap_mode_get(struct devlink *devlink, enum devlink_eswitch_encap_mode *encap)
{
	struct nic_func *pf = devlink_priv(devlink);

	if (pf->is_vf)
		return -EOPNOTSUPP;
	*encap = pf->esw.encap;
	return 0;
}

static int info_get(struct devlink *devlink, struct devlink_info_req *req, struct netlink_ext_ack *extack)
{
	return devlink_info_version_fixed_put(req, "fw.psid", NIC_BOARD) ?:
	       devlink_info_version_running_put(req, "fw.version", NIC_FIRMWARE) ?:
	       devlink_info_version_running_put(req, DEVLINK_INFO_VERSION_GENERIC_FW, NIC_FIRMWARE);
}

const struct devlink_ops nic_devlink_ops = {
	.eswitch_mode_set = mode_set,
	.eswitch_mode_get = mode_get,
	.eswitch_inline_mode_set = inline_mode_set,
	.eswitch_inline_mode_get = inline_mode_get,
	.eswitch_encap_mode_set = encap_mode_set,
	.eswitch_encap_mode_get = encap_mode_get,
	.info_get = info_get,
#ifdef NIC_OLD_DEVLINK
	.port_function_hw_addr_get = nic_port_hw_addr_get,
	.port_function_hw_addr_set = nic_port_hw_addr_set,
#endif
};

/* mlx5_fs_mode_validate of 6.12: no hmfs yet, and dmfs is accepted in switchdev mode. */
static int steering_validate(struct devlink *devlink, u32 id, union devlink_param_value value,
			     struct netlink_ext_ack *extack)
{
	struct nic_func *func = devlink_priv(devlink);

	if (!strcmp(value.vstr, "dmfs"))
		return 0;
	if (strcmp(value.vstr, "smfs")) {
		NL_SET_ERR_MSG_MOD(extack, "Bad parameter: supported values are [\"dmfs\", \"smfs\"]");
		return -EINVAL;
	}
	if (func->is_vf) {
		NL_SET_ERR_MSG_MOD(extack, "Software managed steering is not supported by current device");
		return -EOPNOTSUPP;
	}
	if (nic_switchdev(func)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "Software managed steering is not supported when eswitch offloads enabled.");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int steering_set(struct devlink *devlink, u32 id, struct devlink_param_gset_ctx *ctx
			NIC_PARAM_SET_EXTACK)
{
	struct nic_func *func = devlink_priv(devlink);

	func->smfs = !strcmp(ctx->val.vstr, "smfs");
	return 0;
}

static int steering_get(struct devlink *devlink, u32 id, struct devlink_param_gset_ctx *ctx)
{
	struct nic_func *func = devlink_priv(devlink);

	strscpy(ctx->val.vstr, func->smfs ? "smfs" : "dmfs", sizeof(ctx->val.vstr));
	return 0;
}

static const struct devlink_param params[] = {
	DEVLINK_PARAM_DRIVER(DEVLINK_PARAM_GENERIC_ID_MAX + 1, "flow_steering_mode",
			     DEVLINK_PARAM_TYPE_STRING, BIT(DEVLINK_PARAM_CMODE_RUNTIME),
			     steering_get, steering_set, steering_validate),
};

int nic_params_register(struct nic_func *func)
{
	return devl_params_register(priv_to_devlink(func), params, ARRAY_SIZE(params));
}

void nic_params_unregister(struct nic_func *func)
{
	devl_params_unregister(priv_to_devlink(func), params, ARRAY_SIZE(params));
}
