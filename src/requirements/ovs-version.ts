import { finding, ovsSubject, ovsView } from "./open-vswitch.ts";
import type { HostRequirement } from "./requirement.ts";

/** Blocks of rules that a bond shares with its slaves came with 2.10, their corrections with 2.11 and 2.12. */
const oldest = [2, 12] as const;

/** Open vSwitch is new enough to offload through a bond. */
export const ovsVersion: HostRequirement = {
  id: "ovs-version",
  stage: "ovs",
  title: "Open vSwitch is 2.12 or later",
  why: "Older ones do not offload through a bond: they do not keep its rules in one block with those of its ports.",
  observe: ["ovs-appctl version"],
  byHand: ["install Open vSwitch 2.12 or later"],
  references: [
    "https://docs.openstack.org/neutron/latest/admin/config-ovs-offload.html",
    "openvswitch commit 7ff4ce8cc76a (netdev-linux: Update LAG in all cases)",
  ],
  follows: ["ovs-running"],
  gate: false,
  check: (view) => {
    const seen = ovsView(view);
    if (seen === null) return [];
    const { ovs, nics } = seen;
    const text = `install Open vSwitch ${oldest.join(".")} or later`;
    const found = { subject: ovsSubject(ovs), expected: `${oldest.join(".")} or later`, remedy: { kind: "person", text } } as const;
    const [, major, minor] = /^(\d+)\.(\d+)/.exec(ovs.version ?? "") ?? [];
    if (major === undefined || minor === undefined) {
      return [finding(nics, { ...found, actual: `version ${ovs.version ?? "not told"}`, severity: "unknown" })];
    }
    const enough = Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1]);
    return enough ? [] : [finding(nics, { ...found, actual: `version ${ovs.version}`, severity: "error" })];
  },
};
