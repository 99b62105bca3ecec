import { driverOf, modelOf } from "../drivers/registry.ts";
import { cardsOf } from "../host/cards.ts";
import { drawing, inEscapes } from "../host/plain-text.ts";
import { known } from "../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../host/state/state.ts";
import { netdevOf } from "./selectors.ts";

/**
 * A spec that fits what is seen on a host, as YAML with comments for the operator to go through; `null` where
 * no port fits. It proposes VF-LAG where a card has two ports and looks able to do it, plain SR-IOV where
 * there is no eSwitch.
 */
export function proposeSpec(state: HostState): string | null {
  const cardOf = cardsOf(state);
  const cards = new Map<string, PhysicalFunction[]>();
  const left: string[] = [];
  for (const pf of state.pfs) {
    if (pf.sriov === null || pf.netdev === null) continue;
    const reason = notProposed(pf, state);
    if (reason !== null) left.push(`# Not proposed: ${quoted(pf.netdev)} (${pf.address}): ${reason}`);
    else cards.set(cardOf(pf.address), [...(cards.get(cardOf(pf.address)) ?? []), pf]);
  }
  if (cards.size === 0) return null;
  const taken = new Set(state.bonds.map((bond) => bond.name));
  const nics = [...cards].flatMap(([card, pfs], index) => nicLines(card, pfs, index, state, taken));
  const ovs = ovsLines(state);
  const head =
    "# Proposed by `vflag init` for this host. Check every line, and remove the NICs that vflag shall " +
    "not touch.";
  return `${[head, ...left, "version: 1", "nics:", ...nics, ...ovs, ...kernelLines(state)].join("\n")}\n`;
}

/** Why a port is left to whoever writes the spec by hand; null where it is proposed. */
function notProposed(pf: PhysicalFunction, state: HostState): string | null {
  const netdev = netdevOf(pf, state);
  if (netdev?.infiniband === true || (netdev !== undefined && netdev.mac === null))
    return "InfiniBand. Its VFs are declared with mode: sriov and link: infiniband";
  // The host's own function has a representor only where the eSwitch is managed. Source: linux
  // Documentation/networking/representors.rst.
  const onDpu = known(state.devlinkPorts)?.some(
    ({ handle, flavour }) => handle === `pci/${pf.address}` && flavour === "pcipf",
  );
  if (onDpu === true) return "this is the DPU's own side. The host that it is plugged into has the VFs";
  if (pf.driver === null) return "no driver is bound to it";
  if (!driverOf(pf.driver).hidesSriov && pf.sriov?.total === 0) return "it offers no VF";
  return null;
}

/** Where Open vSwitch runs here, as far as its place is not what vflag finds by itself. */
function ovsLines(state: HostState): string[] {
  const ovs = known(state.ovs);
  if (ovs == null) return [];
  const { source } = ovs;
  const lines = [
    "ovs:                             # Open vSwitch hands flows of switchdev and vf-lag NICs to hardware",
    "  hwOffload: true",
  ];
  return source.kind === "native"
    ? lines
    : [...lines, `  engine: ${source.engine}`, `  container: ${quoted(source.name)}`];
}

function nicLines(
  card: string,
  pfs: readonly PhysicalFunction[],
  index: number,
  state: HostState,
  taken: Set<string>,
): string[] {
  const first = pfs[0];
  if (first === undefined) return [];
  const names = pfs.map((pf) => quoted(pf.netdev ?? pf.address));
  const hasEswitch = pfs.every((pf) => known(pf.eswitch) != null);
  const vfLag = pfs.length === 2 && hasEswitch && modelOf(first.vendor, first.product)?.vfLag === true;
  const mode = vfLag ? "vf-lag" : hasEswitch ? "switchdev" : "sriov";
  // Options of a module count for every card.
  const byModule = driverOf(first.driver).moduleOptions !== null;
  const alike = byModule ? state.pfs.filter((pf) => pf.driver === first.driver && pf.sriov !== null) : pfs;
  const total = Math.min(...alike.map((pf) => pf.sriov?.total ?? 0));
  const present = Math.max(...alike.map((pf) => pf.sriov?.count ?? 0));
  const vfs = present > 0 ? present : Math.max(1, Math.min(8, total));
  const lines = [
    `  - name: nic${index}                  # ` +
      `${quoted(first.model ?? `${first.vendor}:${first.product}`)} at ${card}`,
    `    mode: ${mode.padEnd(22)} # sriov | switchdev | vf-lag`,
    `    ports: [${names.join(", ")}]`,
    `    vfs: ${String(vfs).padEnd(23)} # per port; the firmware offers ${total}`,
  ];
  if (byModule)
    lines.push("    persistence: modprobe         # this driver makes VFs only from module options");
  if (vfLag)
    lines.push(
      `    bond: ${quoted(bondName(pfs, state, taken)).padEnd(22)} # made by the host's networking, of ` +
        `exactly these two ports`,
    );
  lines.push("    # physnet: physnet2             # the Neutron physical network behind these ports");
  const channels = known(netdevOf(first, state)?.channels ?? null);
  if (mode !== "sriov" && channels != null) {
    lines.push(
      `    channels: {pf: ${channels.max}}           # switchdev mode resets it to 1; add representor: N ` +
        `for VFs' representors`,
    );
  }
  return lines;
}

/** Only x86 has arguments to be set for the IOMMU. */
function kernelLines({ platform }: HostState): string[] {
  const cpu = known(platform) === undefined ? undefined : known(known(platform)?.cpu);
  return cpu?.vendor == null
    ? []
    : ["kernel: {iommu: auto}                # IOMMU on, for VFs in guests; off where no guest gets one"];
}

/** A name as YAML reads it back: `1e3` and `no` are names of devices too. */
function quoted(name: string): string {
  if (/^[a-z][\w.-]*$/i.test(name) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(name)) return name;
  // YAML's double quotes take JSON's escapes: nothing in it ends the line, or draws (YAML 1.2.2, 5.7).
  return JSON.stringify(name).replace(drawing, inEscapes);
}

/** The bond that the ports are in, or else the first free bond<N>. */
function bondName(pfs: readonly PhysicalFunction[], state: HostState, taken: Set<string>): string {
  const master = pfs
    .map((pf) => netdevOf(pf, state)?.master)
    .find((name) => state.bonds.some((bond) => bond.name === name));
  if (master != null) return master;
  let number = 0;
  while (taken.has(`bond${number}`)) number++;
  taken.add(`bond${number}`);
  return `bond${number}`;
}
