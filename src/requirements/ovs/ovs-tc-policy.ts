import type { Action } from "../../host/actions/action.ts";
import { isUnknown } from "../../host/state/observed.ts";
import { unlessOvsOffload } from "../reasons.ts";
import type { HostRequirement, Remedy } from "../requirement.ts";
import { finding, ovsLine, ovsSubject, ovsView, withRestart } from "./open-vswitch.ts";

/**
 * Rules are offered to the NIC. What ovs-vswitchd does not know as a policy, it takes as none: openvswitch
 * lib/tc.c, tc_set_policy().
 */
export const ovsTcPolicy: HostRequirement = {
  id: "ovs-tc-policy",
  stage: "ovs",
  title: "tc-policy lets rules go into hardware",
  why:
    "With skip_hw every rule stays in the kernel; with skip_sw a rule that the NIC refuses is handled " +
    "by Open vSwitch's own datapath.",
  observe: ["ovs-vsctl get Open_vSwitch . other_config:tc-policy"],
  byHand: [
    "ovs-vsctl set Open_vSwitch . other_config:tc-policy=none",
    "systemctl restart openvswitch-switch (it is read only then)",
  ],
  references: ["ovs-vswitchd.conf.db(5), other_config:tc-policy"],
  follows: ["ovs-running"],
  gate: false,
  notAsked: unlessOvsOffload,
  check: (view) => {
    const seen = ovsView(view);
    if (seen?.wanted.hwOffload !== true) return [];
    const { ovs, nics } = seen;
    const actual = ovs.tcPolicy ?? "none";
    const { tcPolicy: declared } = seen.wanted;
    const wanted = declared ?? "none";
    if (actual === wanted || (declared === undefined && actual === "skip_sw")) return [];
    const set: Action = { kind: "set-ovs", source: ovs.source, key: "tc-policy", value: wanted };
    const byHand = ovsLine(ovs, "ovs-vsctl", "set", "Open_vSwitch", ".", `other_config:tc-policy=${wanted}`);
    // It is read when hw-offload is taken up, and not again: nobody could tell afterwards which one the
    // daemon works with.
    const early = !isUnknown(ovs.offloadInEffect) && !ovs.offloadInEffect && !ovs.hwOffload;
    const remedy: Remedy = early ? { kind: "actions", actions: [set] } : withRestart(seen, [set], [byHand]);
    // Both of the others offload what the NIC takes.
    const severity = actual === "skip_hw" ? "error" : "warning";
    return [
      finding(nics, {
        subject: ovsSubject(ovs),
        expected: `tc-policy ${wanted}`,
        actual: `tc-policy ${actual}`,
        severity,
        remedy,
      }),
    ];
  },
};
