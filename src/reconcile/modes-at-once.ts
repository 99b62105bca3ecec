import { isKernelSince } from "../host/kernel-release.ts";
import type { HostState } from "../host/state.ts";
import type { PciAddress } from "../host/values.ts";

/**
 * The first kernel with mlx5's fixes of races between the ports of a card: "Devcom, serialize devcom registration" and
 * "E-switch, Devcom, sync devcom events and devcom comp register". Stable 6.1.31 took them from what became 6.4:
 * https://www.kernel.org/pub/linux/kernel/v6.x/ChangeLog-6.1.31. A distribution's 6.1 does not tell by its name whether it has them.
 */
const sinceKernel = [6, 4] as const;

/**
 * Whether this PF's eSwitch mode may be changed while another port of its card changes its own. Old drivers were seen to crash
 * of that, and of drivers other than mlx5 nobody says that they bear it: there one port follows the other.
 * The vendor's own boot script changes all ports at once (Mellanox/mlnx-tools, pull request 146), and so does its operator with
 * `parallelNicConfig` (k8snetworkplumbingwg/sriov-network-operator, issue 873: tested by NVIDIA for several releases).
 */
export function changesModesAtOnce({ kernel, pfs }: Pick<HostState, "kernel" | "pfs">, pf: PciAddress): boolean {
  return isKernelSince(kernel, sinceKernel) && pfs.some(({ address, driver }) => address === pf && driver === "mlx5_core");
}
