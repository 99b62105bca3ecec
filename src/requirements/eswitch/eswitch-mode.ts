import { halfWayLine } from "../../host/actions/driver-restart.ts";
import { cardsOf } from "../../host/cards.ts";
import { describeUsers } from "../../host/in-use.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import { heldVfs } from "../held-vfs.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";
import { eswitchOf, wantedMode } from "./eswitch.ts";

/** The ports of this one's card: they share the firmware's memory, and much of the driver's. */
function cardOf(pf: PhysicalFunction, state: HostState): string[] {
  const card = cardsOf(state);
  return state.pfs.flatMap(({ address }) => (card(address) === card(pf.address) ? [address] : []));
}

const legacyWhy =
  "In switchdev mode a VF reaches the network only through a representor in a bridge, and its trust, " +
  "spoof check and link state cannot be set: mode sriov wants legacy.";

/** The eSwitch is in the mode that is wanted: switchdev, or legacy in mode sriov. */
export const eswitchMode: Requirement = {
  id: "eswitch-mode",
  stage: "early",
  title: "the eSwitch is in switchdev mode (legacy in mode sriov)",
  why:
    "Only in switchdev mode does the NIC have representors, offloaded flows and VF-LAG; in legacy mode " +
    "VFs bypass Open vSwitch.",
  observe: ["devlink dev eswitch show pci/ADDRESS"],
  byHand: ["devlink dev eswitch set pci/ADDRESS mode switchdev (VFs unbound, PF in no bond)"],
  references: [
    "https://docs.kernel.org/networking/devlink/devlink-eswitch-attr.html",
    "linux drivers/net/ethernet/mellanox/mlx5/core/eswitch_offloads.c (mlx5_devlink_eswitch_mode_set)",
  ],
  follows: ["ports", "model", "not-in-bond", "vf-count", "vf-links"],
  gate: true,
  afterGlance: ["vf-count"],
  check: ({ nic, pfs, state }) => {
    const wanted = wantedMode(nic);
    return pfs.flatMap((pf): Finding[] => {
      if (isUnknown(pf.eswitch)) {
        const text = "see that devlink answers for this PF: devlink dev eswitch show";
        return [
          {
            ...aboutPf(pf),
            expected: wanted,
            actual: pf.eswitch.unknown,
            severity: "unknown",
            remedy: { kind: "person", text },
          },
        ];
      }
      const eswitch = eswitchOf(pf);
      if (eswitch === undefined || eswitch.mode === wanted) return [];
      const halfWay = known(state.kernelLog)?.lines.map(({ text }) => text) ?? [];
      const line = halfWayLine(pf.driver, halfWay, cardOf(pf, state));
      if (line !== null) {
        const text =
          `the driver could not undo a change of mode that failed ("${line}"): to ask for it ` +
          `again can crash the kernel, and vflag does not`;
        return [
          {
            ...aboutPf(pf),
            expected: wanted,
            actual: modeText(eswitch.mode),
            severity: "error",
            remedy: { kind: "reboot", text },
          },
        ];
      }
      const users = describeUsers(pf.users);
      if (users !== null) {
        const text =
          `a change of mode takes the host's own traffic off this port (${users}), and vflag ` +
          `does not without leave: take that off the port and apply again, or reboot: the early stage ` +
          `runs before networking`;
        return [
          {
            ...aboutPf(pf),
            expected: wanted,
            actual: modeText(eswitch.mode),
            severity: "error",
            remedy: { kind: "reboot", text },
          },
        ];
      }
      const held = heldVfs(pf, state);
      const remedy: Finding["remedy"] =
        held.length > 0
          ? {
              kind: "person",
              text:
                `a mode change cuts off VFs in use: ${held.join("; ")}. Move or stop the guests, then ` +
                `apply again`,
            }
          : {
              kind: "actions",
              actions: [{ kind: "set-eswitch-mode", pf: pf.address, mode: wanted }],
              otherwise:
                `the refusal above is the driver's own; where it names no reason, dmesg | grep ` +
                `${pf.address} has the firmware's`,
            };
      const why = wanted === "legacy" ? { why: legacyWhy } : {};
      return [
        {
          ...aboutPf(pf),
          expected: wanted,
          actual: modeText(eswitch.mode),
          severity: "error",
          remedy,
          ...why,
        },
      ];
    });
  },
};

function modeText(mode: string): string {
  return `eSwitch in ${mode} mode`;
}
