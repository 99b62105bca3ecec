import type { Action } from "../../src/host/actions/action.ts";
import type { HostState } from "../../src/host/state/state.ts";

/** What vflag asked of the kernel, as data: the benchmark's floor asks the same, and does nothing else. */
export type Request = { readonly action: Action["kind"] } & Asked;

type Asked =
  | { readonly kind: "write"; readonly file: string; readonly text: string }
  | { readonly kind: "mode"; readonly handle: string; readonly mode: "legacy" | "switchdev" }
  | { readonly kind: "offload"; readonly netdev: NetdevOf; readonly on: boolean }
  | { readonly kind: "channels"; readonly netdev: NetdevOf; readonly combined: number }
  | { readonly kind: "lag"; readonly file: string };

/** A PF's netdev by its name, or a VF's representor, whose name and index are others each time. */
export type NetdevOf = string | { readonly pf: string; readonly vf: number };

/** Requests that are under way together, then the next. */
export type Requests = readonly (readonly Request[])[];

interface JournalLine {
  /** ISO 8601, to the millisecond. */
  readonly at: string;
  readonly kind: string;
  readonly action?: Action;
}

/**
 * The requests of a vflag run, from its journal. What began while its like was under way goes together with
 * it.
 * @param state what vflag saw after that run: it says whose representor a netdev is
 */
export function requestsOf(journal: string, state: HostState): Requests {
  const groups: Request[][] = [];
  let under = 0;
  for (const { kind, action } of linesOf(journal)) {
    if (action === undefined) continue;
    if (kind !== "action") {
      under--;
      continue;
    }
    const request = { action: action.kind, ...requestOf(action, state) };
    const last = groups.at(-1);
    if (under > 0 && last?.[0]?.action === action.kind) last.push(request);
    else groups.push([request]);
    under++;
  }
  return groups;
}

function requestOf(action: Action, state: HostState): Asked {
  const device = (address: string) => `/sys/bus/pci/devices/${address}`;
  switch (action.kind) {
    case "set-vf-autoprobe":
      return {
        kind: "write",
        file: `${device(action.pf)}/sriov_drivers_autoprobe`,
        text: action.on ? "1" : "0",
      };
    case "set-vf-count":
      return { kind: "write", file: `${device(action.pf)}/sriov_numvfs`, text: String(action.count) };
    case "bind-vf":
      return { kind: "write", file: `/sys/bus/pci/drivers/${action.driver}/bind`, text: action.vf };
    case "set-eswitch-mode":
      return { kind: "mode", handle: `pci/${action.pf}`, mode: action.mode };
    case "set-tc-offload":
      return { kind: "offload", netdev: netdevOf(action, state), on: action.on };
    case "set-channels":
      return { kind: "channels", netdev: netdevOf(action, state), combined: action.combined };
    case "activate-lag":
      return { kind: "lag", file: `/sys/kernel/debug/mlx5/${action.pf}/lag/state` };
    default:
      throw new Error(`the floor knows no ${action.kind}: the benchmark's spec does not ask for it`);
  }
}

/** By the index: when vflag acted, udev may not have given the name yet that is seen now. */
function netdevOf(
  { netdev, index }: { readonly netdev: string; readonly index?: number },
  state: HostState,
): NetdevOf {
  const name = state.netdevs.find((candidate) => candidate.index === index)?.name ?? netdev;
  const representor = state.representors.find((candidate) => candidate.netdev === name);
  return representor === undefined ? name : { pf: representor.pf, vf: representor.vf };
}

/**
 * How long actions of each kind took, in ms, from the first one's beginning to the last one's end where they
 * were together.
 */
export function durationsOf(journal: string): Record<string, number> {
  const took: Record<string, number> = {};
  let under = 0;
  let begun = 0;
  for (const { at, kind, action } of linesOf(journal)) {
    if (action === undefined) continue;
    const time = Date.parse(at);
    if (kind === "action" && under++ === 0) begun = time;
    if (kind !== "action" && --under === 0) took[action.kind] = (took[action.kind] ?? 0) + time - begun;
  }
  return took;
}

/** The last run's lines. */
function linesOf(journal: string): JournalLine[] {
  const lines = journal
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as JournalLine);
  return lines.slice(lines.findLastIndex(({ kind }) => kind === "begin"));
}
