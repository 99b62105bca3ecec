import { symptoms } from "../src/symptoms/catalogue.ts";

/**
 * docs/symptoms.md: what the sources tell operators to look at, and all symptoms, each with what detects it
 * and the test that proves it.
 */

/**
 * A file of tests and words of the test's name, or a file of the lab and words of the task's, fault's or
 * case's name.
 */
export type Proof = readonly [file: string, words: string];

export interface Row {
  readonly what: string;
  /** Ids of requirements or symptoms. */
  readonly ids: readonly string[];
  readonly simulated: Proof;
  /** On a real kernel; null where the lab cannot produce it. */
  readonly lab: Proof | null;
}

const sightings = "test/symptoms/sightings.test.ts";
const golden = "test/golden/golden.test.ts";
const flows = "test/requirements/traffic/flows-in-hardware.test.ts";
const faults = "lab/faults.ts";
const stories = "lab/stories.ts";

/** The troubleshooting and set-up steps of the two articles that vflag follows. */
export const steps: readonly Row[] = [
  {
    what: "`dmesg | grep 'mlx5.*lag'`: the driver manages the LAG",
    ids: ["lag"],
    simulated: ["test/symptoms/lag-log.test.ts", "it was made, and nothing happened since"],
    lab: [stories, "VF-LAG on mlx5_core"],
  },
  {
    what: "`lspci`: the VFs were made during boot",
    ids: ["vf-count", "vf-links"],
    simulated: [golden, "real-6.1-power-on"],
    lab: [stories, "Plain SR-IOV on igb"],
  },
  {
    what: "`ip link show dev PF`: the VFs and their addresses",
    ids: ["vf-settings", "vf-count"],
    simulated: [golden, "vf-addresses-forgotten"],
    lab: ["test/conformance/cases.ts", "an address that was set in legacy mode survives"],
  },
  {
    what: "`sriov_numvfs` has the configured number",
    ids: ["vf-count"],
    simulated: [golden, "more-vfs-wanted-free"],
    lab: ["lab/firmware.ts", "firmware"],
  },
  {
    what: "`devlink dev eswitch show`: switchdev, not legacy",
    ids: ["eswitch-mode"],
    simulated: [golden, "real-6.1-port-back-to-legacy"],
    lab: [stories, "Switchdev on mlx5_core"],
  },
  {
    what: "`ethtool -k`: hw-tc-offload on ports and representors",
    ids: ["tc-offload"],
    simulated: [golden, "offload-turned-off"],
    lab: [stories, "Switchdev on mlx5_core"],
  },
  {
    what: "`ovs-vsctl --version`: 2.12 or later",
    ids: ["ovs-version"],
    simulated: ["test/requirements/ovs/ovs-version.test.ts", "versions are compared as numbers"],
    lab: ["lab/ovs.ts", "Open vSwitch on the host"],
  },
  {
    what: "`other_config:hw-offload` is `true`",
    ids: ["ovs-hw-offload"],
    simulated: [golden, "ovs-offload-off"],
    lab: ["lab/ovs.ts", "Open vSwitch on the host"],
  },
  {
    what: "offloaded flows in both directions (`dpctl/dump-flows`)",
    ids: ["flows-in-hardware", "ovs-ingress-blocks", "flows-one-way", "flows-in-software"],
    simulated: [flows, "VFs send through hardware, and nothing comes in by the bond"],
    lab: ["lab/ovs.ts", "Open vSwitch on the host"],
  },
  {
    what: "`failed to offload flow: Operation not supported: bond0` in Open vSwitch's log",
    ids: ["ovs-bond-not-offloaded"],
    simulated: [sightings, "ovs-bond-not-offloaded: the card refuses flows"],
    lab: null,
  },
  {
    what: "BIOS: virtualization and SR-IOV",
    ids: ["cpu-virtualization", "iommu", "bios-resources"],
    simulated: [golden, "virtualization-off"],
    lab: null,
  },
  {
    what: "kernel arguments: `intel_iommu=on iommu=pt`, or AMD's",
    ids: ["kernel-arguments", "iommu"],
    simulated: [golden, "iommu-off"],
    lab: null,
  },
  {
    what: "firmware: SRIOV_EN, NUM_OF_VFS, LINK_TYPE",
    ids: ["firmware"],
    simulated: [golden, "firmware-to-set"],
    lab: null,
  },
  {
    what: "no openibd, no Mellanox interface manager",
    ids: ["conflicting-services"],
    simulated: [golden, "openibd"],
    lab: null,
  },
  {
    what: "a ConnectX-5 or later; ConnectX-3 by modprobe",
    ids: ["model", "ports"],
    simulated: [golden, "connectx-3"],
    lab: null,
  },
  {
    what: "two ports of one card, and no others, in the bond",
    ids: ["ports", "bond"],
    simulated: [golden, "ports-of-two-cards"],
    lab: [faults, "a third slave is in the bond"],
  },
  {
    what: "no Linux bridge on the bond",
    ids: ["ovs-bridge", "linux-bridge-on-bond"],
    simulated: [golden, "ovs-linux-bridge-on-bond"],
    lab: null,
  },
  {
    what: "the early stage before networking: ports are in no bond yet",
    ids: ["not-in-bond", "boot-units"],
    simulated: [golden, "real-6.1-roce-lag"],
    lab: [faults, "the ports are in a bond before early runs"],
  },
  {
    what: "the units' order: after the ports' devices and before networking; after networking and before the containers",
    ids: ["boot-units"],
    simulated: ["test/boot/units.test.ts", "early stands before network-pre.target"],
    lab: ["lab/boots.ts", "boots with"],
  },
  {
    what: "the late stage: VFs are bound after the LAG is active",
    ids: ["lag", "vfs-bound"],
    simulated: [golden, "vfs-bound-too-early"],
    lab: [stories, "VF-LAG with VFs bound too early on mlx5_core"],
  },
  {
    what: "Nova hands out the VFs (`passthrough_whitelist`, `device_spec`), for their physical network",
    ids: ["nova-pci"],
    simulated: ["test/requirements/openstack/nova-pci.test.ts", "one port's VFs are not matched"],
    lab: null,
  },
  {
    what: "Neutron's SR-IOV agent maps the ports (`physical_device_mappings`)",
    ids: ["neutron-sriov-agent"],
    simulated: ["test/requirements/openstack/neutron-sriov-agent.test.ts", "the agent maps the ports"],
    lab: null,
  },
  {
    what: "channels of ports and representors",
    ids: ["channels"],
    simulated: [golden, "channels-reset"],
    lab: [stories, "Switchdev on mlx5_core"],
  },
];

/**
 * Where each symptom is proved; those without an entry have their line, in the words of several kernels, in
 * sightings.test.ts.
 */
const proofs: Readonly<Record<string, { readonly simulated?: Proof; readonly lab?: Proof }>> = {
  "vf-lag-refused": {
    simulated: [sightings, "vf-lag-refused: VFs were bound"],
    lab: [stories, "VF-LAG with VFs bound too early on mlx5_core"],
  },
  "roce-lag-refused": { simulated: [sightings, "roce-lag-refused: the bond came first"] },
  "lag-stuck": {
    simulated: [sightings, "lag-stuck: the bond changed"],
    lab: [faults, "a third slave is in the bond"],
  },
  "lag-not-made": { lab: [stories, "VF-LAG with VFs bound too early on mlx5_core"] },
  "encap-while-vfs-driven": {
    simulated: [sightings, "encap-while-vfs-driven: switchdev was set while a VF had a driver"],
  },
  "mode-change-out-of-memory": { simulated: [sightings, "mode-change-out-of-memory: a port lost"] },
  "mode-change-undone": { lab: ["lab/held.ts", "started again"] },
  "no-mmio": { simulated: [sightings, "no-mmio: the BIOS left no room"] },
  "vf-probe-failed": { simulated: [sightings, "vf-probe-failed: the driver did not take"] },
  "over-64-vfs": { simulated: [golden, "firmware-over-64-vfs"] },
  "bond-mode-not-offloaded": {
    simulated: [golden, "bond-mode-balance-rr"],
    lab: [faults, "the bond's mode cannot be offloaded"],
  },
  "lag-silently-disabled": {
    simulated: [golden, "third-slave"],
    lab: [faults, "a third slave is in the bond"],
  },
  "lag-type-roce": {
    simulated: [golden, "roce-lag"],
    lab: [faults, "the ports are in a bond before early runs"],
  },
  "vfs-bound-too-early": {
    simulated: [golden, "vfs-bound-too-early"],
    lab: [stories, "VF-LAG with VFs bound too early on mlx5_core"],
  },
  "eswitch-busy": { simulated: [sightings, "is told with its meaning"] },
  "steering-not-offered": { simulated: [sightings, "is told with its meaning"] },
  "steering-in-switchdev": { simulated: [sightings, "is told with its meaning"] },
  "steering-without-value": { simulated: [golden, "steering-without-value"] },
  "vf-netdev-taken": {
    simulated: [golden, "representor-missing"],
    lab: [faults, "Open vSwitch restarts, and somebody deletes representors"],
  },
  "ovs-bond-not-offloaded": { simulated: [sightings, "ovs-bond-not-offloaded: the card refuses flows"] },
  "ovs-block-missing": { simulated: [sightings, "ovs-block-missing: the bond's ingress block got lost"] },
  "ovs-stale-port": { simulated: [sightings, "ovs-stale-port: a port whose representor"] },
  "flows-in-software": { simulated: [golden, "guests-talk-in-software"] },
  "flows-one-way": {
    simulated: [flows, "VFs send through hardware, and nothing comes in by the bond"],
    lab: ["lab/ovs.ts", "Open vSwitch on the host"],
  },
  "linux-bridge-on-bond": { simulated: [golden, "ovs-linux-bridge-on-bond"] },
};

/**
 * One row a symptom. What shows in the state is detected by the requirements; what a log says also by the
 * symptom itself.
 */
export function symptomRows(): Row[] {
  return symptoms.map(({ id, title, shows, explains }) => {
    const { simulated = [sightings, id], lab = null } = proofs[id] ?? {};
    const logged = shows === "kernel-log" || shows === "ovs-log";
    return { what: title, ids: logged ? [id, ...explains] : [...explains, id], simulated, lab };
  });
}

export function symptomsPage(): string {
  const row = ({ what, ids, simulated, lab }: Row) =>
    `| ${what.replaceAll("|", "\\|")} | ${ids.map((id) => `[${id}](checks/${id}.md)`).join(", ")} | ${proof(simulated)} | ${lab === null ? "-" : proof(lab)} |`;
  const table = (first: string, rows: readonly Row[]) =>
    [
      `| ${first} | detected by | proved by (simulated) | on a real kernel (lab) |`,
      "|---|---|---|---|",
      ...rows.map(row),
    ].join("\n");
  return `${[
    "# What goes wrong, and what tells it",
    "`vflag verify` shows what it recognises in the kernel log and in Open vSwitch's under what it explains (`seen`, `means`), and what matters\n" +
      "by itself in any case. Each name leads to its page, which `vflag explain NAME` prints as well. This file is made by `npm run published`\n" +
      "of `src/symptoms/` and `scripts/symptom-table.ts`; a test holds every row to a test and a page that exist.",
    "## Steps of the articles that vflag follows",
    table("step", steps),
    "## Symptoms",
    "Those of a log are recognised by their text, in the words of all kernel and Open vSwitch versions that were looked at; where no line\n" +
      "of a log tells a symptom, the checks named see it in the host's state. What the kernel answers only to the command that asked (its\n" +
      "extended ack) is in no log: `vflag apply` tells what it means where it was refused, and `vflag explain`. The lab's log\n" +
      "is that of Debian's own mlx5_core.",
    table("symptom", symptomRows()),
    "## What the logs cannot tell",
    "- The driver says nothing when it takes a LAG down. By the kernel log (kernels before 5.19, whose debugfs does not show the LAG) a LAG is\n" +
      "  active only if it was made after a port was in the bond and nothing was logged since that could end it: a slave that joined or left,\n" +
      "  an eSwitch that changed, the driver's start; and if bond and eSwitches still are what it needs. Everything else is `cannot tell`.\n" +
      "- Whether such a LAG carries VFs is told by `shared_fdb:1`, or by both eSwitches' own lines before it. A log that lost them tells neither.\n" +
      "- Setting the eSwitch mode that is there takes the LAG down and makes it anew (5.15 and later) within a second; a look in that second is wrong.\n" +
      "- Where the kernel's ring has lost its beginning, the journal of this boot gives it. A gap between the two, or within, ends what was known.\n" +
      "- Open vSwitch since 2.13 tells refusals by the card at level DBG only, so that their absence proves nothing.",
  ].join("\n\n")}\n`;
}

function proof([file, words]: Proof): string {
  if (file === golden) return `[golden case ${words}](../test/golden/${words}/verdict.txt)`;
  return `[${words}](../${file})`;
}
