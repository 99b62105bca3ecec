import { describeHolders } from "../../host/in-use.ts";
import type { Guest } from "../../host/state/guests.ts";
import { isUnknown } from "../../host/state/observed.ts";
import type { HostMap, MapFlows, MapNic, MapPort, MapVf } from "../../map/schema.ts";
import { count } from "../terminal/style.ts";

/** What the map says in words, the same on a terminal and in a picture. */

/**
 * A VF that somebody has or that has flows, or all those of a port of which the same is to be told: that they
 * are free.
 */
export interface VfGroup {
  readonly vfs: readonly [MapVf, ...MapVf[]];
  readonly free: boolean;
}

/** The VFs of a port: first those in use, in their order, each for itself, then the others, put together. */
export function groupsOf({ vfs }: MapPort): VfGroup[] {
  const idle = Map.groupBy(vfs.filter(isIdle), likeness).values();
  const together = [...idle].flatMap(([first, ...more]): VfGroup[] =>
    first === undefined ? [] : [{ vfs: [first, ...more], free: true }],
  );
  return [...vfs.filter((vf) => !isIdle(vf)).map((vf): VfGroup => ({ vfs: [vf], free: false })), ...together];
}

/** Nobody has it, and nothing goes through it. */
function isIdle({ guests, holders, representor }: MapVf): boolean {
  const flows = representor?.flows ?? null;
  return (
    guests.length === 0 && !isUnknown(holders) && holders.length === 0 && (flows === null || !hasFlows(flows))
  );
}

function likeness({ driver, representor }: MapVf): string {
  return JSON.stringify([
    driver,
    representor === null,
    representor?.bridgePort?.bridge,
    representor?.bridgePort?.error,
  ]);
}

export function hasFlows({ in: coming, out }: MapFlows): boolean {
  return [coming, out].some((traffic) => Object.values(traffic).some(({ flows }) => flows > 0));
}

/**
 * Who carries what goes through a netdev, the worst first: something in software that need not be there tells
 * most.
 */
export function flowStateOf({
  in: coming,
  out,
}: MapFlows): "software" | "partial" | "hardware" | "exempt" | "none" {
  const order = ["software", "partial", "hardware", "exempt"] as const;
  return order.find((carrier) => coming[carrier].flows + out[carrier].flows > 0) ?? "none";
}

/** `VF 3`, `VF 3 to 9`, `VF 0, 4 to 7 and 9`. */
export function groupName({ vfs }: VfGroup): string {
  const runs: { first: number; last: number }[] = [];
  for (const { index } of vfs) {
    const run = runs.at(-1);
    if (run !== undefined && run.last + 1 === index) run.last = index;
    else runs.push({ first: index, last: index });
  }
  const told = runs.map(({ first, last }) =>
    first === last ? `${first}` : last === first + 1 ? `${first}, ${last}` : `${first} to ${last}`,
  );
  return `VF ${told.join(", ")}`;
}

/**
 * What there is to say of VFs that nobody has. Only in switchdev mode does a VF without a representor lack
 * something.
 */
export function freeText(group: VfGroup, { eswitch }: MapPort): string {
  const [{ driver, representor }] = group.vfs;
  const place =
    representor === null
      ? eswitch === "switchdev"
        ? "without representor"
        : ""
      : representor.bridgePort === null
        ? ""
        : `in ${representor.bridgePort.bridge}`;
  return [
    `${count(group.vfs.length, "VF")} free`,
    driver ?? "unbound",
    ...(place === "" ? [] : [place]),
  ].join(", ");
}

/** Who has a VF, each in a few words: first the name that its owner gave it. */
export function usersOf({ guests, holders }: MapVf): string[] {
  if (guests.length > 0) return guests.map(guestText);
  const held = isUnknown(holders) || holders.length > 0 ? describeHolders(holders) : null;
  return held === null ? [] : [held];
}

export function guestText(guest: Guest): string {
  switch (guest.kind) {
    case "domain": {
      const state = guest.running ? "" : ", not running";
      return guest.title === null
        ? `domain ${guest.name}${state}`
        : `${guest.title} (domain ${guest.name}${state})`;
    }
    case "machine":
      return `QEMU ${guest.name ?? guest.uuid ?? "without a name"} (process ${guest.pid})`;
    case "container": {
      const kind = guest.engine === null ? "container" : `${guest.engine} container`;
      return `${guest.name ?? guest.id.slice(0, 12)} (${kind})`;
    }
    case "namespace":
      return `network namespace ${guest.name}`;
    case "process":
      return `process ${guest.pid} (${guest.command})`;
  }
}

/** Null where there is none, and where none is wanted. */
export function lagText({ lag, mode }: MapNic): string | null {
  if (lag === null) return null;
  const wanted = mode === "vf-lag" || mode === null;
  if (isUnknown(lag)) return wanted ? "LAG not known" : null;
  if (!wanted && lag.state === "disabled") return null;
  return `LAG ${lag.state}${lag.type === null ? "" : `, type ${lag.type}`}`;
}

export function isActiveLag({ lag }: MapNic): boolean {
  return lag !== null && !isUnknown(lag) && lag.state === "active" && lag.type === "switchdev";
}

/** `LAG port 1, leaves by 2` where that is another; null for a port of no LAG. */
export function lagPortText({ lag }: MapPort): string | null {
  if (lag === null) return null;
  const { port, leavesBy } = lag;
  const own = leavesBy.length === 0 || (leavesBy.length === 1 && leavesBy[0] === port);
  return `LAG port ${port}${own ? "" : `, VFs leave by ${leavesBy.join(" and ")}`}`;
}

export function linkText({ up, carrier }: MapPort): string {
  return up ? (carrier ? "up" : "no link") : "down";
}

export function eswitchText({ eswitch }: MapPort): string {
  return isUnknown(eswitch) ? "eSwitch not known" : (eswitch ?? "no eSwitch");
}

/** A NIC's name with what is declared of it. */
export function nicText({ name, mode, physnet }: MapNic): string {
  return [name, mode ?? "not declared", ...(physnet === null ? [] : [physnet])].join("  ");
}

/** How much is on the map: `2 ports, 16 VFs, 2 of them in use`. */
export function sizeText({ nics }: HostMap): string {
  const ports = nics.flatMap((nic) => nic.ports);
  const vfs = ports.flatMap((port) => port.vfs);
  const used = vfs.filter((vf) => usersOf(vf).length > 0).length;
  return `${count(ports.length, "port")}, ${count(vfs.length, "VF")}, ${used} in use`;
}
