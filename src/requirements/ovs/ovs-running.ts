import { ovsPlace, restartOfOvs } from "../../host/ovs/ovs-command.ts";
import { isUnknown } from "../../host/state/observed.ts";
import { unlessOvs } from "../reasons.ts";
import type { HostRequirement } from "../requirement.ts";
import { finding, offloadingNics } from "./open-vswitch.ts";

/** Open vSwitch is where the spec says, and its daemon answers. */
export const ovsRunning: HostRequirement = {
  id: "ovs-running",
  stage: "ovs",
  title: "Open vSwitch is there, and ovs-vswitchd runs",
  why:
    "Open vSwitch tells the NIC which packets go where; without it, no flow of a guest gets into " +
    "hardware.",
  observe: [
    "ovs-vsctl show",
    "ovs-appctl version",
    "docker exec openvswitch_vswitchd ovs-appctl version (or podman)",
  ],
  byHand: ["systemctl start openvswitch-switch (openvswitch on RHEL), or start its container"],
  references: ["ovs-vsctl(8)", "ovs-appctl(8)", "docs/openvswitch.md"],
  follows: [],
  gate: false,
  notAsked: unlessOvs,
  check: (view) => {
    const nics = offloadingNics(view);
    const { ovs } = view.state;
    if (nics.length === 0) return [];
    const found = { subject: "Open vSwitch", expected: "running" };
    if (isUnknown(ovs)) {
      const text = "see docs/openvswitch.md; ovs.engine and ovs.container of the spec say where it is";
      return [
        finding(nics, {
          ...found,
          actual: ovs.unknown,
          severity: "unknown",
          remedy: { kind: "person", text },
        }),
      ];
    }
    if (ovs === null) {
      const text =
        "install Open vSwitch, or say in the spec where it is (ovs.engine, ovs.container), or remove ovs " +
        "from the spec";
      return [
        finding(nics, { ...found, actual: "not found", severity: "error", remedy: { kind: "person", text } }),
      ];
    }
    if (ovs.running) return [];
    const text = `see why ovs-vswitchd does not answer (its log), then ${restartOfOvs(ovs.source).join(" ")}`;
    const subject = ovsPlace(ovs.source);
    const actual = "ovs-vswitchd does not answer";
    return [
      finding(nics, { ...found, subject, actual, severity: "error", remedy: { kind: "person", text } }),
    ];
  },
};
