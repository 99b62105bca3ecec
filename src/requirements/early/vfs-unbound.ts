import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import { netdevOf } from "../../spec/selectors.ts";
import { modeChangePending, modeQuestion } from "../eswitch/eswitch.ts";
import { freeingText, heldVf } from "../held-vfs.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { aboutVf, nativeDriver } from "../virtual-functions.ts";

const modeWhy =
  "A firmware refuses the tables of switchdev mode while a VF is driven (syndrome 0x98afbb), and drivers " +
  "expect VFs unbound at a mode change.";

/** No VF has its driver while the eSwitch mode or the LAG is still to come. */
export const vfsUnbound: Requirement = {
  id: "vfs-unbound",
  stage: "early",
  title: "VFs have no driver while one would be in the way",
  why:
    "The firmware rejects the LAG while a VF is driven ('Make sure all VFs are unbound prior to VF LAG " +
    "activation'), and drivers expect VFs unbound at a mode change.",
  observe: ["readlink /sys/bus/pci/devices/VF/driver"],
  byHand: ["echo VF > /sys/bus/pci/drivers/mlx5_core/unbind"],
  references: [
    "linux drivers/net/ethernet/mellanox/mlx5/core/lag/lag.c (mlx5_activate_lag)",
    "https://docs.kernel.org/networking/devlink/devlink-eswitch-attr.html",
  ],
  follows: ["model", "not-in-bond", "vf-count", "eswitch-mode"],
  gate: true,
  afterGlance: ["vf-count"],
  check: ({ nic, pfs, state }) => {
    const changing = pfs.filter((pf) => modeChangePending(nic, pf));
    // Under VF-LAG both ports' VFs belong to one LAG; else a port's mode is its own affair.
    const concerned = nic.mode === "vf-lag" && changing.length > 0 ? pfs : changing;
    if (concerned.length > 0) {
      // Nothing is unbound for a change that would be refused.
      const ask = changing.flatMap(modeQuestion);
      const why = nic.mode === "vf-lag" ? {} : { why: modeWhy };
      return concerned.flatMap((pf) =>
        boundVfs(pf, "while the eSwitch mode is to be changed", state).map(({ remedy, ...found }) => {
          return {
            ...found,
            ...why,
            remedy: remedy.kind === "actions" ? { ...remedy, actions: [...ask, ...remedy.actions] } : remedy,
          };
        }),
      );
    }
    // Once the ports are in the bond, it is the LAG's own requirement that knows whether VFs are in its way.
    const bonded = pfs.some((pf) => netdevOf(pf, state)?.master != null);
    return nic.mode === "vf-lag" && !bonded
      ? pfs.flatMap((pf) => boundVfs(pf, "before the bond is made", state))
      : [];
  },
};

/**
 * VFs of a PF that have a driver, or are held by someone: in the way of the whole NIC.
 * @param when why they must not be, such as `before the bond is made`
 */
export function boundVfs(pf: PhysicalFunction, when: string, state: HostState): Finding[] {
  const driver = nativeDriver(pf);
  return pf.vfs.flatMap((vf): Finding[] => {
    const held = heldVf(vf, state);
    const finding = (remedy: Finding["remedy"]): Finding => ({
      subject: aboutVf(pf, vf).subject,
      expected: `no driver ${when}`,
      actual: `bound to ${vf.driver}`,
      severity: "error",
      remedy,
    });
    if (held !== null) {
      const text = `${held}: ${freeingText(vf, state)}; then apply again: vflag never unbinds a VF in use`;
      return [{ ...finding({ kind: "person", text }), independent: true }];
    }
    if (vf.driver !== driver) return [];
    return [
      finding({
        kind: "actions",
        actions: [{ kind: "unbind-vf", pf: pf.address, vf: vf.address, driver }],
      }),
    ];
  });
}
