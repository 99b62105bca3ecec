import { bootFiles } from "./boot/boot-files.ts";
import { bootUnits } from "./boot/boot-units.ts";
import { channels } from "./early/channels.ts";
import { linkType } from "./early/link-type.ts";
import { model } from "./early/model.ts";
import { notInBond } from "./early/not-in-bond.ts";
import { pfNameKept } from "./early/pf-name.ts";
import { ports } from "./early/ports.ts";
import { tcOffload } from "./early/tc-offload.ts";
import { vfCount } from "./early/vf-count.ts";
import { vfLinks } from "./early/vf-links.ts";
import { vfsUnbound } from "./early/vfs-unbound.ts";
import { eswitchEncap } from "./eswitch/eswitch-encap.ts";
import { eswitchInline } from "./eswitch/eswitch-inline.ts";
import { eswitchMode } from "./eswitch/eswitch-mode.ts";
import { representors } from "./eswitch/representors.ts";
import { steering } from "./eswitch/steering.ts";
import { firmware } from "./firmware/firmware.ts";
import { bond } from "./late/bond.ts";
import { bondFailover } from "./late/bond-failover.ts";
import { bondLinks } from "./late/bond-links.ts";
import { lag } from "./late/lag.ts";
import { mtu } from "./late/mtu.ts";
import { vfAutoprobe } from "./late/vf-autoprobe.ts";
import { vfSettings } from "./late/vf-settings.ts";
import { vfsBound } from "./late/vfs-bound.ts";
import { neutronSriovAgent } from "./openstack/neutron-sriov-agent.ts";
import { novaPci } from "./openstack/nova-pci.ts";
import { ovsBridge } from "./ovs/ovs-bridge.ts";
import { ovsBridgeUp } from "./ovs/ovs-bridge-up.ts";
import { ovsHwOffload } from "./ovs/ovs-hw-offload.ts";
import { ovsIngressBlocks } from "./ovs/ovs-ingress-blocks.ts";
import { ovsRunning } from "./ovs/ovs-running.ts";
import { ovsStalePorts } from "./ovs/ovs-stale-ports.ts";
import { ovsTcPolicy } from "./ovs/ovs-tc-policy.ts";
import { ovsVersion } from "./ovs/ovs-version.ts";
import { biosResources } from "./platform/bios-resources.ts";
import { conflictingServices } from "./platform/conflicting-services.ts";
import { cpuVirtualization } from "./platform/cpu-virtualization.ts";
import { iommu } from "./platform/iommu.ts";
import { kernelArguments } from "./platform/kernel-arguments.ts";
import { otherVfMakers } from "./platform/other-vf-makers.ts";
import type { About, HostRequirement, Requirement, Stage } from "./requirement.ts";
import { flowsInHardware } from "./traffic/flows-in-hardware.ts";

/** What the host around the NICs must be, in the order in which it is brought to fulfil it. */
export const hostRequirements: readonly HostRequirement[] = [
  cpuVirtualization,
  biosResources,
  conflictingServices,
  otherVfMakers,
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
