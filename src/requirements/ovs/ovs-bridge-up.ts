import { unlessOvsOffload } from "../reasons.ts";
import type { HostRequirement } from "../requirement.ts";
import { finding, ovsView, portNamed, uplinksOf } from "./open-vswitch.ts";

/** The bridge's own netdev is up, as flows may lead to it. */
export const ovsBridgeUp: HostRequirement = {
  id: "ovs-bridge-up",
  stage: "ovs",
  title: "the internal port of the bond's bridge is up",
  why:
    'Broadcasts go to it as well: where it is down, the kernel logs "tc mirred to Houston: device ... ' +
    'is down" and loses them.',
  observe: ["ip link show BRIDGE", "dmesg | grep mirred"],
  byHand: ["ip link set BRIDGE up, and the same in the host's network configuration"],
  references: ["linux net/sched/act_mirred.c, tcf_mirred_to_dev()"],
  follows: ["ovs-running", "ovs-bridge"],
  gate: false,
  notAsked: unlessOvsOffload,
  check: (view) => {
    const seen = ovsView(view);
    if (seen?.wanted.hwOffload !== true) return [];
    return seen.nics.flatMap((nic) => {
      const bridges = new Set(uplinksOf(nic).flatMap((name) => portNamed(seen.ovs, name)?.bridge.name ?? []));
      const down = [...bridges].filter((bridge) =>
        view.state.netdevs.some(({ name, up }) => name === bridge && !up),
      );
      return down.map((bridge) => {
        const text = `ip link set ${bridge} up, and have the host's network configuration do it at boot`;
        return finding([nic], {
          subject: bridge,
          expected: "up",
          actual: "down",
          severity: "warning",
          remedy: { kind: "person", text },
        });
      });
    });
  },
};
