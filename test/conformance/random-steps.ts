import type { Action } from "../../src/host/actions/action.ts";
import { known } from "../../src/host/state/observed.ts";
import type { HostState, PhysicalFunction, VfSettings } from "../../src/host/state/state.ts";
import { type BedFault, portsOf, type Testbed } from "./testbed.ts";

/** The steps of a random sequence, by numbers of ports and VFs. */
export type Step =
  | { readonly kind: "set-vf-autoprobe"; readonly port: number; readonly on: boolean }
  | { readonly kind: "set-vf-count"; readonly port: number; readonly count: number }
  | {
      readonly kind: "unbind-vf" | "bind-vf";
      readonly port: number;
      readonly vf: number;
      readonly driver: string;
    }
  | {
      readonly kind: "set-steering" | "ask-steering";
      readonly port: number;
      readonly steering: "dmfs" | "smfs";
    }
  | { readonly kind: "set-inline"; readonly port: number }
  | { readonly kind: "set-encap"; readonly port: number; readonly encap: boolean }
  | {
      readonly kind: "set-eswitch-mode" | "ask-eswitch-mode";
      readonly port: number;
      readonly mode: "legacy" | "switchdev";
    }
  | { readonly kind: "set-tc-offload"; readonly port: number; readonly on: boolean }
  | { readonly kind: "set-channels"; readonly port: number; readonly combined: number }
  | {
      readonly kind: "set-vf-settings";
      readonly port: number;
      readonly vf: number;
      readonly settings: Partial<VfSettings>;
    }
  | { readonly kind: "activate-lag"; readonly port: number }
  | { readonly kind: "bond"; readonly mode: string; readonly ports: readonly (number | "third")[] }
  | { readonly kind: "release" | "link-event"; readonly port: number }
  | { readonly kind: "unbond" }
  | { readonly kind: "fault"; readonly name: BedFault; readonly on: boolean }
  /**
   * vflag brings the NIC to VF-LAG; before that it began to, and was killed when so many actions had begun.
   */
  | { readonly kind: "converge"; readonly killed: number | null };

type Random = () => number;
type Choice = readonly [weight: number, make: () => Step | null];

/**
 * The next step: one that means something on the host as it is. What is so already is not asked for: a host
 * may answer that before it looks whether the port is in a bond, or after.
 * @param faulty the faults that there are now
 */
export function nextStep(
  random: Random,
  state: HostState,
  one: Testbed,
  other: Testbed,
  faulty: ReadonlySet<BedFault>,
): Step {
  for (;;) {
    const choices = choicesOf(random, state, one, other, faulty);
    let at = random() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, make] of choices) {
      at -= weight;
      if (at > 0) continue;
      const step = make();
      if (step !== null) return step;
      break;
    }
  }
}

function choicesOf(
  random: Random,
  state: HostState,
  one: Testbed,
  other: Testbed,
  faulty: ReadonlySet<BedFault>,
): Choice[] {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T | undefined => list[below(list.length)];
  const ports = portsOf(state);
  const port = below(ports.length);
  const pf = ports[port];
  if (pf === undefined) throw new Error("there is no port");
  const vf = below(Math.max(1, pf.vfs.length));
  const eswitch = known(pf.eswitch) ?? null;
  const bonded = state.bonds.find(({ name }) => name === "bond0");
  const driver = one.nic.vfDriver;
  const plain: Choice[] = [
    [2, () => ({ kind: "set-vf-autoprobe", port, on: pf.sriov?.autoprobe === false })],
    [5, () => vfCount(pf, port, vfsOf(random, Math.min(one.nic.totalVfs, other.nic.totalVfs)))],
    [3, () => (pf.vfs[vf]?.driver === driver ? { kind: "unbind-vf", port, vf, driver } : null)],
    [4, () => (pf.vfs[vf]?.driver === null ? { kind: "bind-vf", port, vf, driver } : null)],
    // mlx5 keeps what is set of a VF that is still to come.
    [
      3,
      () =>
        pf.vfs.length === 0
          ? null
          : { kind: "set-vf-settings", port, vf, settings: settingsOf(below(4), vf) },
    ],
    [1, () => ({ kind: "set-channels", port, combined: pick([0, 1, 2, 100_000]) ?? 1 })],
  ];
  if (eswitch === null) return plain;
  const away = eswitch.mode === "legacy" ? "switchdev" : "legacy";
  const switching: Choice[] = [
    [8, () => ({ kind: "set-eswitch-mode", port, mode: away })],
    [2, () => ({ kind: "ask-eswitch-mode", port, mode: eswitch.mode })],
    [2, () => ({ kind: "set-encap", port, encap: eswitch.encap !== true })],
    [1, () => ({ kind: "set-inline", port })],
    [2, () => ({ kind: "set-steering", port, steering: eswitch.steering === "smfs" ? "dmfs" : "smfs" })],
    [1, () => ({ kind: "ask-steering", port, steering: "smfs" })],
    [2, () => ({ kind: "set-tc-offload", port, on: random() < 0.7 })],
  ];
  if (!one.nic.lag || !other.nic.lag) return [...plain, ...switching];
  const faults = one.nic.faults.filter((name) => other.nic.faults.includes(name));
  const bonding: Choice[] = [
    [12, () => towardsLag(state, ports, driver)],
    [5, () => (bonded === undefined ? bondOf(random) : null)],
    [
      2,
      () =>
        bonded?.slaves.some(({ netdev }) => netdev === pf.netdev) === true ? { kind: "release", port } : null,
    ],
    [3, () => (bonded === undefined ? null : { kind: "unbond" })],
    [
      2,
      () =>
        bonded?.slaves.some(({ netdev }) => netdev === pf.netdev) === true
          ? { kind: "link-event", port }
          : null,
    ],
    [2, () => (bonded === undefined ? null : { kind: "activate-lag", port })],
    [1, () => fault(pick(faults.filter((name) => !faulty.has(name))), true, state)],
    [3, () => fault(pick([...faulty]), false, state)],
    [1, () => ({ kind: "converge", killed: random() < 0.6 ? below(12) : null })],
  ];
  return [...plain, ...switching, ...bonding];
}

/**
 * The next step on the way to VFs under an active LAG, which chance alone seldom reaches; null where the host
 * is there.
 */
function towardsLag(state: HostState, ports: readonly PhysicalFunction[], driver: string): Step | null {
  const bond = state.bonds.find(({ name }) => name === "bond0");
  for (const [port, pf] of ports.entries()) {
    if (bond !== undefined) break;
    if ((pf.sriov?.count ?? 0) === 0 && pf.sriov?.autoprobe === true)
      return { kind: "set-vf-autoprobe", port, on: false };
    if (pf.sriov?.count === 0) return { kind: "set-vf-count", port, count: 2 };
    const bound = pf.vfs.findIndex((vf) => vf.driver === driver);
    if (bound !== -1) return { kind: "unbind-vf", port, vf: bound, driver };
    if (known(pf.eswitch)?.mode === "legacy") return { kind: "set-eswitch-mode", port, mode: "switchdev" };
  }
  if (bond === undefined) return { kind: "bond", mode: "active-backup", ports: [0, 1] };
  const [first] = ports;
  const free = first?.vfs.findIndex((vf) => vf.driver === null) ?? -1;
  if (known(first?.lag ?? null)?.state !== "active" || free === -1) return null;
  if (first?.sriov?.autoprobe === false) return { kind: "set-vf-autoprobe", port: 0, on: true };
  return { kind: "bind-vf", port: 0, vf: free, driver };
}

function vfCount(pf: PhysicalFunction, port: number, count: number): Step | null {
  return pf.sriov === null || pf.sriov.count === count ? null : { kind: "set-vf-count", port, count };
}

/** All VFs are seldom asked for: an emulated machine takes its time for each. */
function vfsOf(random: Random, all: number): number {
  return [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, all][Math.floor(random() * 12)] ?? 0;
}

function settingsOf(which: number, vf: number): Partial<VfSettings> {
  const all: readonly Partial<VfSettings>[] = [
    { mac: `02:5d:00:00:00:${(0x10 + vf).toString(16)}` },
    { trust: true },
    { spoofCheck: true },
    { linkState: "enable" },
  ];
  return all[which] ?? {};
}

function bondOf(random: Random): Step {
  const modes = ["active-backup", "802.3ad", "balance-xor", "balance-rr"] as const;
  const sets = [[0, 1], [0, 1], [0, 1], [0, 1], [0], [1], [0, 1, "third"]] as const;
  const mode = modes[Math.floor(random() * modes.length)] ?? "active-backup";
  return { kind: "bond", mode, ports: sets[Math.floor(random() * sets.length)] ?? [0, 1] };
}

/** Rules are in the hardware only of a port with hw-tc-offload. */
function fault(name: BedFault | undefined, on: boolean, state: HostState): Step | null {
  if (name === undefined) return null;
  const [first] = portsOf(state);
  const offload = state.netdevs.find((netdev) => netdev.name === first?.netdev)?.tcOffload;
  if (name === "eswitch-busy" && on && known(offload)?.on !== true) return null;
  return { kind: "fault", name, on };
}

/**
 * A step as the action that it is on this host; null where the host has no such port or VF.
 * @param seconds how long a LAG is waited for
 */
export function actionOf(
  step: Exclude<Step, { kind: "bond" | "release" | "unbond" | "link-event" | "fault" | "converge" }>,
  state: HostState,
  seconds: number,
): Action | null {
  const pf = portsOf(state)[step.port];
  if (pf === undefined) return null;
  const { address } = pf;
  const netdev = pf.netdev ?? "none";
  switch (step.kind) {
    case "set-vf-autoprobe":
      return { kind: step.kind, pf: address, on: step.on };
    case "set-vf-count":
      return { kind: step.kind, pf: address, count: step.count };
    case "unbind-vf":
    case "bind-vf": {
      const vf = pf.vfs[step.vf];
      return vf === undefined ? null : { kind: step.kind, pf: address, vf: vf.address, driver: step.driver };
    }
    case "set-steering":
    case "ask-steering":
      return { kind: step.kind, pf: address, steering: step.steering };
    case "set-inline":
      return { kind: step.kind, pf: address, inline: "transport" };
    case "set-encap":
      return { kind: step.kind, pf: address, encap: step.encap };
    case "set-eswitch-mode":
    case "ask-eswitch-mode":
      return { kind: step.kind, pf: address, mode: step.mode };
    case "set-tc-offload":
      return { kind: step.kind, netdev, on: step.on };
    case "set-channels":
      return { kind: step.kind, netdev, combined: step.combined };
    case "set-vf-settings":
      return { kind: step.kind, netdev, vf: step.vf, settings: step.settings };
    case "activate-lag":
      return { kind: step.kind, pf: address, seconds };
  }
}

/** Whether a driver may still be at work when the step is done: it looks at its LAG in a work queue. */
export function leavesWork({ kind }: Step): boolean {
  switch (kind) {
    case "bond":
    case "release":
    case "unbond":
    case "link-event":
    case "set-vf-count":
    case "set-eswitch-mode":
    case "ask-eswitch-mode":
    case "activate-lag":
    case "converge":
      return true;
    default:
      return false;
  }
}

/** A step in a line, so that a log of them can be read. */
export function wordsOf({ kind, ...rest }: Step): string {
  const words = Object.entries(rest).map(
    ([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`,
  );
  return [kind, ...words].join(" ");
}
