import { modelOf } from "../host/models.ts";
import { known } from "../host/observed.ts";
import type { HostState, PhysicalFunction } from "../host/state.ts";
import { slotOf } from "../host/values.ts";
import { netdevOf } from "./selectors.ts";

/**
 * A spec that fits what is seen on a host, as YAML with comments for the operator to go through.
 * It proposes VF-LAG where a card has two ports and looks able to do it, plain SR-IOV where there is no eSwitch.
 */
export function proposeSpec(state: HostState): string {
  const cards = new Map<string, PhysicalFunction[]>();
  for (const pf of state.pfs) {
    if (pf.sriov === null || pf.netdev === null) continue;
    cards.set(slotOf(pf.address), [...(cards.get(slotOf(pf.address)) ?? []), pf]);
  }
  const taken = new Set(state.bonds.map((bond) => bond.name));
  const nics = [...cards.values()].map((pfs, index) => nicLines(pfs, index, state, taken).join("\n"));
  const head = [
    `# Proposed by \`vflag init\` for ${state.hostname}. Check every line, and remove the NICs that vflag shall not touch.`,
    "version: 1",
  ];
  if (nics.length === 0)
    return `${[...head, "# No SR-IOV capable port was seen: enable SR-IOV in the BIOS and the NIC's firmware.", "nics: []"].join("\n")}\n`;
  return `${[...head, "nics:", ...nics].join("\n")}\n`;
}

function nicLines(pfs: readonly PhysicalFunction[], index: number, state: HostState, taken: Set<string>): string[] {
  const first = pfs[0];
  if (first === undefined) return [];
  const names = pfs.map((pf) => pf.netdev ?? pf.address);
  const hasEswitch = pfs.every((pf) => known(pf.eswitch) != null);
  const vfLag = pfs.length === 2 && hasEswitch && modelOf(first.vendor, first.product)?.vfLag === true;
  const mode = vfLag ? "vf-lag" : hasEswitch ? "switchdev" : "sriov";
  const total = Math.min(...pfs.map((pf) => pf.sriov?.total ?? 0));
  const lines = [
    `  - name: nic${index}                  # ${first.model ?? `${first.vendor}:${first.product}`} at ${slotOf(first.address)}`,
    `    mode: ${mode.padEnd(22)} # sriov | switchdev | vf-lag`,
    `    ports: [${names.join(", ")}]`,
    `    vfs: ${String(Math.max(1, Math.min(8, total))).padEnd(23)} # per port; the firmware offers ${total}`,
  ];
  if (vfLag) lines.push(`    bond: ${bondName(pfs, state, taken).padEnd(22)} # made by the host's networking, of exactly these two ports`);
  lines.push("    # physnet: physnet2             # the Neutron physical network behind these ports");
  const channels = known(netdevOf(first, state)?.channels ?? null);
  if (mode !== "sriov" && channels != null) {
    lines.push(`    channels: {pf: ${channels.max}}           # switchdev mode resets it to 1; add representor: N for VFs' representors`);
  }
  return lines;
}

/** The bond that the ports are in, or else the first free bond<N>. */
function bondName(pfs: readonly PhysicalFunction[], state: HostState, taken: Set<string>): string {
  const master = pfs.map((pf) => netdevOf(pf, state)?.master).find((name) => state.bonds.some((bond) => bond.name === name));
  if (master != null) return master;
  let number = 0;
  while (taken.has(`bond${number}`)) number++;
  taken.add(`bond${number}`);
  return `bond${number}`;
}
