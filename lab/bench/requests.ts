import type { Action } from "../../src/host/action.ts";
import type { HostState } from "../../src/host/state.ts";

/** What vflag asked of the kernel, as data: the benchmark's floor asks the same, and does nothing else. */
export type Request =
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
  readonly kind: string;
  readonly action?: Action;
}

/**
 * The requests of a vflag run, from its journal. Consecutive bindings were under way together.
 * @param state what vflag saw after that run: it says whose representor a netdev is
 */
export function requestsOf(journal: string, state: HostState): Requests {
  const lines = journal
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as JournalLine);
  const ofLastRun = lines.slice(lines.findLastIndex(({ kind }) => kind === "begin"));
  const groups: Request[][] = [];
  let binding = false;
  for (const { kind, action } of ofLastRun) {
    if (kind !== "action" || action === undefined) continue;
    const request = requestOf(action, state);
    if (binding && action.kind === "bind-vf") groups.at(-1)?.push(request);
    else groups.push([request]);
    binding = action.kind === "bind-vf";
  }
  return groups;
}

function requestOf(action: Action, state: HostState): Request {
  const device = (address: string) => `/sys/bus/pci/devices/${address}`;
  switch (action.kind) {
    case "set-vf-autoprobe":
      return { kind: "write", file: `${device(action.pf)}/sriov_drivers_autoprobe`, text: action.on ? "1" : "0" };
    case "set-vf-count":
      return { kind: "write", file: `${device(action.pf)}/sriov_numvfs`, text: String(action.count) };
    case "bind-vf":
      return { kind: "write", file: `/sys/bus/pci/drivers/${action.driver}/bind`, text: action.vf };
    case "set-eswitch-mode":
      return { kind: "mode", handle: `pci/${action.pf}`, mode: action.mode };
    case "set-tc-offload":
      return { kind: "offload", netdev: netdevOf(action.netdev, state), on: action.on };
    case "set-channels":
      return { kind: "channels", netdev: netdevOf(action.netdev, state), combined: action.combined };
    case "activate-lag":
      return { kind: "lag", file: `/sys/kernel/debug/mlx5/${action.pf}/lag/state` };
    default:
      throw new Error(`the floor knows no ${action.kind}: the benchmark's spec does not ask for it`);
  }
}

function netdevOf(name: string, state: HostState): NetdevOf {
  const representor = state.representors.find(({ netdev }) => netdev === name);
  return representor === undefined ? name : { pf: representor.pf, vf: representor.vf };
}
