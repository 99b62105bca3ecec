import { isKernelSince } from "../../host/kernel-release.ts";
import type { Driver } from "../driver.ts";
import { lagBondModes, lagFromLog } from "./lag-log.ts";
import { models } from "./models.ts";
import { profileOf } from "./profiles.ts";
import { refusedForGood } from "./refusals.ts";

/**
 * The first kernel with the fixes of races between the ports of a card: "Devcom, serialize devcom
 * registration" and "E-switch, Devcom, sync devcom events and devcom comp register". Stable 6.1.31 took them
 * from what became 6.4: https://www.kernel.org/pub/linux/kernel/v6.x/ChangeLog-6.1.31. A distribution's 6.1
 * does not tell by its name whether it has them.
 */
const withoutRaces = [6, 4] as const;

export const mlx5: Driver = {
  name: "mlx5_core",
  models,
  vendor: "15b3",
  vfDriver: "mlx5_core",
  moduleOptions: null,
  hidesSriov: true,
  /**
   * Old drivers were seen to crash of it. The vendor's own boot script changes all ports at once
   * (Mellanox/mlnx-tools, pull request 146), and so does its operator with `parallelNicConfig`
   * (k8snetworkplumbingwg/sriov-network-operator, issue 873: tested by NVIDIA for several releases).
   */
  changesModesAtOnce: (kernelRelease) => isKernelSince(kernelRelease, withoutRaces),
  answersModeQuestion: true,
  /**
   * In older kernels a port may get another netdev by a mode change, which udev has to name before anyone
   * finds it. Source: linux 6.1 drivers/net/ethernet/mellanox/mlx5/core/en_rep.c,
   * mlx5e_vport_uplink_rep_load().
   */
  needsNoUdevSince: [6, 1],
  /**
   * Source: linux drivers/net/ethernet/mellanox/mlx5/core/Kconfig (MLX5_CLS_ACT, which needs NET_TC_SKB_EXT).
   */
  offload: {
    driver: "mlx5",
    option: "CONFIG_MLX5_CLS_ACT",
    advice:
      "Boot one that was built with CONFIG_NET_TC_SKB_EXT and CONFIG_MLX5_CLS_ACT: Debian 12's 6.1, RHEL's " +
      "and Ubuntu's kernels are; Debian's 6.12 and 7.2 are not",
  },
  lag: { bondModes: lagBondModes, fromLog: lagFromLog },
  /**
   * At its start it tells its firmware's version. Source: linux
   * drivers/net/ethernet/mellanox/mlx5/core/en_main.c, mlx5e_netdev_change_profile(); lag/lag.c,
   * mlx5_deactivate_lag().
   */
  restartWords: {
    started: ": firmware version: ",
    halfWay: "failed to rollback to orig profile",
    stuckLag: "LAG; driver restart required",
  },
  refusedForGood,
  hasPortsOnOneFunction: false,
  hasFirmwareTool: true,
  profileOf,
};
