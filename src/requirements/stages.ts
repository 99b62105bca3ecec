import { biosResources } from "./bios-resources.ts";
import { bond } from "./bond.ts";
import { bondFailover } from "./bond-failover.ts";
import { bondLinks } from "./bond-links.ts";
import { bootFiles } from "./boot-files.ts";
import { bootUnits } from "./boot-units.ts";
import { channels } from "./channels.ts";
import { conflictingServices } from "./conflicting-services.ts";
import { cpuVirtualization } from "./cpu-virtualization.ts";
import { eswitchEncap } from "./eswitch-encap.ts";
import { eswitchInline } from "./eswitch-inline.ts";
import { eswitchMode } from "./eswitch-mode.ts";
import { firmware } from "./firmware.ts";
import { flowsInHardware } from "./flows-in-hardware.ts";
import { iommu } from "./iommu.ts";
import { kernelArguments } from "./kernel-arguments.ts";
import { lag } from "./lag.ts";
import { linkType } from "./link-type.ts";
import { model } from "./model.ts";
import { mtu } from "./mtu.ts";
import { neutronSriovAgent } from "./neutron-sriov-agent.ts";
import { notInBond } from "./not-in-bond.ts";
import { novaPci } from "./nova-pci.ts";
import { ovsBridge } from "./ovs-bridge.ts";
import { ovsBridgeUp } from "./ovs-bridge-up.ts";
import { ovsHwOffload } from "./ovs-hw-offload.ts";
import { ovsIngressBlocks } from "./ovs-ingress-blocks.ts";
import { ovsRunning } from "./ovs-running.ts";
import { ovsStalePorts } from "./ovs-stale-ports.ts";
import { ovsTcPolicy } from "./ovs-tc-policy.ts";
import { ovsVersion } from "./ovs-version.ts";
import { pfNameKept } from "./pf-name.ts";
import { ports } from "./ports.ts";
import { representors } from "./representors.ts";
import type { About, HostRequirement, Requirement, Stage } from "./requirement.ts";
import { steering } from "./steering.ts";
import { tcOffload } from "./tc-offload.ts";
import { vfAutoprobe } from "./vf-autoprobe.ts";
import { vfCount } from "./vf-count.ts";
import { vfLinks } from "./vf-links.ts";
import { vfSettings } from "./vf-settings.ts";
import { vfsBound } from "./vfs-bound.ts";
import { vfsUnbound } from "./vfs-unbound.ts";

/** What the host around the NICs must be, in the order in which it is brought to fulfil it. */
export const hostRequirements: readonly HostRequirement[] = [
  cpuVirtualization,
  biosResources,
  conflictingServices,
  kernelArguments,
  iommu,
  firmware,
  bootUnits,
  bootFiles,
  ovsRunning,
  ovsVersion,
  ovsTcPolicy,
  ovsHwOffload,
  ovsBridge,
  ovsStalePorts,
  ovsBridgeUp,
  ovsIngressBlocks,
  neutronSriovAgent,
  novaPci,
];

/** What each NIC must be, in the order in which it is brought to fulfil it. */
export const requirements: readonly Requirement[] = [
  ports,
  linkType,
  model,
  notInBond,
  vfCount,
  vfLinks,
  vfsUnbound,
  steering,
  eswitchInline,
  eswitchEncap,
  eswitchMode,
  representors,
  pfNameKept,
  tcOffload,
  channels,
  bond,
  bondLinks,
  bondFailover,
  mtu,
  lag,
  vfSettings,
  vfAutoprobe,
  vfsBound,
  flowsInHardware,
];

/** In the order in which a host comes through them. */
export const stages: readonly Stage[] = ["platform", "firmware", "persistence", "early", "late", "ovs"];

/** What a verdict looks at: beyond what is brought about, the evidence. */
export const verdictStages: readonly Stage[] = [...stages, "traffic"];

/** Stages of the host that come before its NICs' own. */
export const stagesBefore: readonly Stage[] = ["platform", "firmware", "persistence"];

/** Every requirement, in the order of the stages. */
export const allRequirements: readonly (Requirement | HostRequirement)[] = verdictStages.flatMap((stage) =>
  [...hostRequirements, ...requirements].filter((requirement) => requirement.stage === stage),
);

/** The requirement with this id. */
export function requirementById(id: string): About | undefined {
  return allRequirements.find((requirement) => requirement.id === id);
}
