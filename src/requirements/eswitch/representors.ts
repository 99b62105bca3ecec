import { netdevsOf } from "../netdevs.ts";
import { unlessEswitch } from "../reasons.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";
import { eswitchOf } from "./eswitch.ts";

/** In switchdev mode every VF has its representor. */
export const representors: Requirement = {
  id: "representors",
  stage: "early",
  title: "every VF has a representor netdev",
  why:
    "Open vSwitch reaches a VF only through its representor: a VF without one has no network in " +
    "switchdev mode.",
  observe: ["devlink port show", "grep . /sys/class/net/*/phys_port_name"],
  byHand: [
    "See dmesg for `File exists` (a udev rule gave the representor the PF's name) and for network " +
      "managers that take new netdevs.",
  ],
  references: ["https://docs.kernel.org/networking/representors.html"],
  follows: ["vf-count", "vf-links", "eswitch-mode"],
  gate: false,
  notAsked: unlessEswitch,
  check: (view) => {
    const { named, representorOf } = netdevsOf(view);
    return view.pfs.flatMap((pf): Finding[] => {
      if (eswitchOf(pf)?.mode !== "switchdev") return [];
      const missing = pf.vfs
        .filter((vf) => !named.has(representorOf(pf.address, vf) ?? ""))
        .map((vf) => vf.index);
      if (missing.length === 0) return [];
      return [
        {
          ...aboutPf(pf),
          expected: `${pf.vfs.length} representors`,
          actual: `no representor for VF ${missing.join(", ")}`,
          severity: "error",
          remedy: {
            kind: "person",
            text: `see which: devlink port show; dmesg | grep -e ${pf.address} -e 'File exists'`,
          },
        },
      ];
    });
  },
};
