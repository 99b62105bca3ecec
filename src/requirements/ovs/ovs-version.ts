import type { Ovs } from "../../host/ovs/ovs.ts";
import { known } from "../../host/state/observed.ts";
import type { HostState } from "../../host/state/state.ts";
import { unlessOvs } from "../reasons.ts";
import type { HostRequirement } from "../requirement.ts";
import { finding, ovsSubject, ovsView } from "./open-vswitch.ts";

type Release = readonly [major: number, minor: number];

/**
 * Blocks of rules that a bond shares with its slaves came with 2.10, their corrections with 2.11 and 2.12.
 */
const oldest: Release = [2, 12];

/**
 * Connection tracking, which OVN puts into almost every flow. 2.13 hands it to tc; 2.15 takes the states
 * `inv` and `rpl`, without which OVN's flows stay in software. Source: openvswitch commits 576126a931cd
 * (2.13) and edcfd7176f28 (2.15.1), lib/netdev-offload-tc.c.
 */
const oldestWithConnections: Release = [2, 15];
const firstWithConnections: Release = [2, 13];

/** Open vSwitch is new enough to offload through a bond, and the flows that are used here. */
export const ovsVersion: HostRequirement = {
  id: "ovs-version",
  stage: "ovs",
  title: "Open vSwitch is 2.12 or later, or 2.15 with OVN or connection tracking",
  why:
    "Older ones do not offload through a bond: they do not keep its rules in one block with those of " +
    "its ports.",
  observe: [
    "ovs-appctl version (what NVIDIA builds with DOCA has numbers of its own: it is as new as what " +
      "follows `based-`)",
  ],
  byHand: ["install Open vSwitch 2.15 or later"],
  references: [
    "https://docs.openstack.org/neutron/latest/admin/config-ovs-offload.html",
    "openvswitch commit 7ff4ce8cc76a (netdev-linux: Update LAG in all cases)",
    "openvswitch commit edcfd7176f28 (netdev-offload-tc: Add support for ct_state flags inv and rpl)",
  ],
  follows: ["ovs-running"],
  gate: false,
  notAsked: unlessOvs,
  check: (view) => {
    const seen = ovsView(view);
    if (seen === null) return [];
    const { ovs, nics } = seen;
    const connections = tracksConnections(ovs, view.state);
    const wanted = connections === null ? oldest : oldestWithConnections;
    const release = releaseOf(ovs.version);
    const text = `install Open vSwitch ${wanted.join(".")} or later`;
    const expected = `${wanted.join(".")} or later${connections === null ? "" : ` (${connections})`}`;
    const found = { subject: ovsSubject(ovs), expected, remedy: { kind: "person", text } } as const;
    if (release === null)
      return [
        finding(nics, { ...found, actual: `version ${ovs.version ?? "not told"}`, severity: "unknown" }),
      ];
    if (!isOlder(release, wanted)) return [];
    const actual = `version ${ovs.version ?? ""}`;
    if (isOlder(release, oldest)) return [finding(nics, { ...found, actual, severity: "error" })];
    // What it can do of it is seen by the flows.
    const some = !isOlder(release, firstWithConnections);
    const why =
      `${some ? "Some" : "All"} flows with connection tracking stay in software with it, and ` +
      `what they carry is slow.`;
    return [finding(nics, { ...found, actual, severity: some ? "warning" : "error", why })];
  },
};

/**
 * The release of the code: `2.10.0-0056-25.01-based-3.3.4` is NVIDIA's build, with DOCA, of 3.3.4. Null: it
 * is not told.
 */
function releaseOf(version: string | null): Release | null {
  const upstream = /-based-(\d.*)$/.exec(version ?? "")?.[1] ?? version ?? "";
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(upstream) ?? [];
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor)];
}

function isOlder([major, minor]: Release, than: Release): boolean {
  return major < than[0] || (major === than[0] && minor < than[1]);
}

/**
 * What shows that connections are tracked, in a few words: flows, or ports that ovn-controller made. Null:
 * nothing does. Source: ovn controller/encaps.c, tunnel_create_name() (`ovn-NAME-N`); controller/patch.c
 * (`patch-BRIDGE-to-LOCALNET`).
 */
function tracksConnections({ bridges }: Ovs, { flows }: HostState): string | null {
  const tallies = known(flows)?.tallies ?? [];
  if (
    tallies.some(
      ({ kind, example }) =>
        kind === "new-connection" || /\bct(?:_state|_zone|_mark|_label)?\(/.test(example),
    )
  )
    return "connections are tracked";
  const ports = bridges.flatMap(({ interfaces }) => interfaces);
  const ofOvn = ports.some(({ name, type }) =>
    type === "patch"
      ? /^patch-.+-to-./.test(name)
      : ["geneve", "vxlan"].includes(type) && /^ovn\d*-\S+-[0-9a-f]+$/.test(name),
  );
  return ofOvn ? "OVN is in use" : null;
}
