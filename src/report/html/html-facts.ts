import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction, VirtualFunction } from "../../host/state/state.ts";
import { heldBy } from "../../requirements/virtual-functions.ts";
import type { NicSpec } from "../../spec/schema.ts";
import { resolvePorts } from "../../spec/selectors.ts";
import { type Html, html } from "../terminal/escape.ts";
import { count } from "../terminal/style.ts";
import { trafficLine } from "../text/traffic-text.ts";
import { folded } from "./html-checks.ts";

/** What was seen of a NIC, without a judgement, in HTML. */
export function nicFacts(nic: NicSpec, state: HostState): Html | null {
  const resolved = resolvePorts(nic, state);
  if ("problem" in resolved) return null;
  const { pfs } = resolved;
  const flows =
    nic.mode === "sriov" ? null : trafficLine({ bond: nic.bond ?? null, physnet: nic.physnet, pfs }, state);
  const vfs = pfs.flatMap((pf) => pf.vfs.map((vf) => vfCells(pf, vf, state)));
  const ports = pfs.map((pf) => portCells(pf, nic, state));
  return html`${table("ports", portColumns, ports)}
${bondFacts(nic, pfs, state)}
${flows === null ? null : html`<dl class="facts"><div><dt>Flows</dt><dd>${flows}</dd></div></dl>`}
${vfs.length === 0 ? null : folded(count(vfs.length, "VF"), table("vfs", vfColumns, vfs))}`;
}

const portColumns = ["Port", "Address", "Model", "Firmware", "eSwitch", "VFs", "Representors"];
const vfColumns = ["Port", "VF", "Address", "Driver", "Representor", "Held by"];

/** On a narrow screen each row is a block, and each cell says its column. */
function table(kind: string, columns: readonly string[], rows: readonly (readonly string[])[]): Html {
  const head = columns.map((column) => html`<th scope="col">${column}</th>`);
  const body = rows.map((cells) => {
    const row = cells.map((cell, index) => html`<td data-column="${columns[index]}">${cell}</td>`);
    return html`<tr>${row}</tr>`;
  });
  return html`<table class="${kind}"><thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table>`;
}

function portCells(pf: PhysicalFunction, nic: NicSpec, state: HostState): string[] {
  const eswitch = known(pf.eswitch);
  const bound = pf.vfs.filter(({ driver }) => driver !== null).length;
  const held = pf.vfs.filter((vf) => heldBy(vf) !== null).length;
  const representors = state.representors.filter((representor) => representor.pf === pf.address).length;
  return [
    pf.netdev ?? "(no netdev)",
    pf.address,
    pf.model ?? `${pf.vendor}:${pf.product}`,
    isUnknown(pf.firmware) ? "not known" : (pf.firmware ?? "not told"),
    eswitch === undefined ? "not known" : (eswitch?.mode ?? "none"),
    `${pf.sriov?.count ?? 0} of ${nic.vfs}, ${bound} with a driver${held === 0 ? "" : `, ${held} in use`}`,
    nic.mode === "sriov" ? "none in this mode" : String(representors),
  ];
}

function vfCells(pf: PhysicalFunction, vf: VirtualFunction, state: HostState): string[] {
  const representor = state.representors.find(
    (candidate) => candidate.pf === pf.address && candidate.vf === vf.index,
  );
  return [
    pf.netdev ?? pf.address,
    String(vf.index),
    vf.address,
    vf.driver ?? "none",
    representor?.netdev ?? "none",
    heldBy(vf) ?? "nobody",
  ];
}

function bondFacts(nic: NicSpec, pfs: readonly PhysicalFunction[], state: HostState): Html | null {
  if (nic.mode !== "vf-lag" || nic.bond === undefined) return null;
  const bond = state.bonds.find(({ name }) => name === nic.bond);
  return html`<dl class="facts">
<div><dt>Bond</dt><dd>${bond === undefined ? `${nic.bond} is not there` : bondDescription(bond)}</dd></div>
<div><dt>LAG</dt><dd>${lagText(pfs)}</dd></div>
</dl>`;
}

function bondDescription({ name, mode, up, slaves, lacp }: HostState["bonds"][number]): Html {
  const links = slaves.map((slave) => {
    const [mark, word] = slave.up ? ["works", "up"] : ["broken", "down"];
    return html`<span class="slave ${mark}">${slave.netdev} ${word}</span> `;
  });
  const partner = lacp === null ? null : html`, LACP with ${lacp.partner} on ${count(lacp.ports, "port")}`;
  return html`${name}, ${mode}, ${up ? "up" : "down"}${partner} ${links}`;
}

function lagText(pfs: readonly PhysicalFunction[]): string {
  const seen = pfs.map(({ lag }) => lag);
  const lag = seen.flatMap((each) => known(each) ?? []).at(0);
  const unseen = seen.find(isUnknown);
  if (lag === undefined) return unseen === undefined ? "the driver has none" : `not known: ${unseen.unknown}`;
  const parts = [
    lag.type === null ? null : `type ${lag.type}`,
    lag.portSelection,
    lag.mapping.length === 0 ? null : `mapping ${lag.mapping.join(" ")}`,
  ];
  const source = lag.source === "debugfs" ? [] : ["by the kernel log"];
  return [lag.state, ...parts.filter((part) => part !== null), ...source].join(", ");
}
