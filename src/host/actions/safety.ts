import { describeHolders, describeUsers, mayBeInUse } from "../in-use.ts";
import { known } from "../state/observed.ts";
import type { Eswitch, HostState, PhysicalFunction, VirtualFunction } from "../state/state.ts";
import { type PciAddress, slotOf } from "../state/values.ts";
import type { Action } from "./action.ts";
import { type ActionOf, has, type KindsWith } from "./action-table.ts";
import { halfWayLine } from "./driver-restart.ts";

/**
 * What must never be done to a host (DESIGN 6, points 1 to 3). Requirements avoid it already, on the state of
 * their observation; a host asks here again inside `perform`, right before the effect: between the two a
 * guest may have started, or networking may have made a bond.
 */

/**
 * What a host looks at right before an action, and no more: it may take long, and hundreds of actions follow
 * one another.
 */
export interface Look {
  /** The PF; null where it is not there, or the action is about none. */
  readonly port: LookedPort | null;
  /** The VFs that the action would hit. */
  readonly vfs: readonly LookedVf[];
  /** The netdev of that name; null where there is none. */
  readonly netdev: { readonly bonded: boolean } | null;
  /** The Neutron port that a port of Open vSwitch belongs to. */
  readonly owner: string | null;
}

export interface LookedPort {
  /** As messages name it: `ens3f0 (0000:37:00.0)`. */
  readonly name: string;
  readonly master: string | null;
  readonly vfCount: number | null;
  readonly eswitch: Pick<Eswitch, "mode" | "inline" | "encap" | "steering"> | null;
  /** The kernel's line about a change of mode that the driver could not undo. */
  readonly halfWay: string | null;
  /** What of the host's own traffic it carries. */
  readonly users: string | null;
}

export type LookedVf = Pick<VirtualFunction, "index" | "address" | "driver" | "holders">;

export const nothingSeen: Look = { port: null, vfs: [], netdev: null, owner: null };

/** The actions that are looked at before they are done. */
type Looked = ActionOf<KindsWith<"sight", "port" | "vfs" | "vf" | "netdev" | "ovs-port">>;

function isLookedAt(action: Action): action is Looked {
  return has(action, "sight", "port", "vfs", "vf", "netdev", "ovs-port");
}

/** Whether the host is already as this action would make it: it is left alone then, whoever uses it. */
export function isThere(action: Action, look: Pick<Look, "port" | "vfs">): boolean {
  return isLookedAt(action) && isSo(action, look);
}

function isSo(action: Looked, { port, vfs: [vf] }: Pick<Look, "port" | "vfs">): boolean {
  switch (action.kind) {
    case "set-vf-count":
      return port?.vfCount === action.count;
    case "unbind-vf":
      return vf?.driver === null;
    case "set-steering":
      return port?.eswitch?.steering === action.steering;
    case "set-inline":
      return port?.eswitch?.inline === action.inline;
    case "set-encap":
      return port?.eswitch?.encap === action.encap;
    case "set-eswitch-mode":
      return port?.eswitch?.mode === action.mode;
    case "ask-eswitch-mode":
    case "set-channels":
    case "del-ovs-port":
      return false;
  }
}

/**
 * Why an action must not be done on a host that looks like this, or null. What is not there, the host itself
 * refuses.
 */
export function forbidden(action: Action, look: Look): string | null {
  return !isLookedAt(action) || isSo(action, look) ? null : reasonAgainst(action, look);
}

function reasonAgainst(action: Looked, { port, vfs, netdev, owner }: Look): string | null {
  switch (action.kind) {
    case "set-channels":
      return netdev?.bonded === true
        ? `${action.netdev} is in a bond by now, and its carrier would drop`
        : null;
    case "del-ovs-port":
      if (netdev !== null) return `the netdev ${action.port} is there`;
      return owner === null ? null : `${action.port} belongs to Neutron port ${owner}`;
    case "unbind-vf": {
      const [vf] = vfs;
      if (vf !== undefined && vf.driver !== action.driver)
        return `VF ${vf.address} is bound to ${vf.driver} by now, not to ${action.driver}`;
      return inUse(vfs);
    }
    case "set-steering":
    case "set-inline":
    case "set-encap":
      return enslaved(port);
    case "ask-eswitch-mode":
      // The LAG of a bonded port would be taken down for the question.
      return enslaved(port) ?? otherMode(port, action.mode);
    case "set-vf-count":
      return enslaved(port) ?? inUse(vfs);
    case "set-eswitch-mode":
      return enslaved(port) ?? inUse(vfs) ?? halfWay(port) ?? carries(port);
  }
}

/** The look of a host that is seen as a whole. */
export function lookAt(
  action: Action,
  state: Pick<HostState, "pfs" | "netdevs" | "bonds" | "ovs" | "kernelLog">,
): Look {
  const netdevNamed = (name: string | null) => state.netdevs.find((netdev) => netdev.name === name);
  const pf = "pf" in action ? state.pfs.find(({ address }) => address === action.pf) : undefined;
  const name = action.kind === "del-ovs-port" ? action.port : "netdev" in action ? action.netdev : null;
  const netdev = netdevNamed(name);
  const interfaces = known(state.ovs)?.bridges.flatMap((bridge) => bridge.interfaces) ?? [];
  return {
    port:
      pf === undefined ? null : { ...lookedPort(pf, state), master: netdevNamed(pf.netdev)?.master ?? null },
    vfs: pf?.vfs.filter(({ address }) => !("vf" in action) || action.vf === address) ?? [],
    netdev: netdev === undefined ? null : { bonded: state.bonds.some((bond) => bond.name === netdev.master) },
    owner: interfaces.find(({ port, ifaceId }) => port === name && ifaceId !== null)?.ifaceId ?? null,
  };
}

function lookedPort(
  pf: PhysicalFunction,
  { kernelLog }: Pick<HostState, "kernelLog">,
): Omit<LookedPort, "master"> {
  const log = known(kernelLog)?.lines.map(({ text }) => text) ?? [];
  return {
    name: pf.netdev === null ? pf.address : `${pf.netdev} (${pf.address})`,
    vfCount: pf.sriov?.count ?? null,
    eswitch: known(pf.eswitch) ?? null,
    halfWay: halfWayLine(pf.driver, log, functionsOf(pf.address)),
    users: describeUsers(pf.users),
  };
}

/** All functions that the PF's card can have. */
export function functionsOf(pf: PciAddress): string[] {
  return Array.from({ length: 8 }, (_, port) => `${slotOf(pf)}.${port}`);
}

function enslaved(port: LookedPort | null): string | null {
  return port === null || port.master === null ? null : `${port.name} is in ${port.master}`;
}

/** A change of mode drops the port's link, and on old kernels makes its netdev anew. */
function carries(port: LookedPort | null): string | null {
  return port === null || port.users === null
    ? null
    : `${port.name} carries the host's own traffic: ${port.users}`;
}

function inUse(vfs: readonly LookedVf[]): string | null {
  const held = vfs
    .filter(mayBeInUse)
    .map((vf) => `VF ${vf.index} (${vf.address}) is ${describeHolders(vf.holders)}`);
  return held.length === 0 ? null : held.join("; ");
}

function otherMode(port: LookedPort | null, mode: string): string | null {
  if (port === null || port.eswitch?.mode === mode) return null;
  return `the eSwitch of ${port.name} is in ${port.eswitch?.mode ?? "an unknown"} mode by now`;
}

/** How a refusal of vflag's own begins, to tell it from the kernel's. */
export const notDone = "not done: ";

const couldNotUndo = "the driver could not undo a change of mode that failed";

/**
 * Whether a refusal is vflag's own because the driver was half-way already: the kernel was asked for nothing.
 */
export function foundHalfWay(refusal: string): boolean {
  return refusal.startsWith(`${notDone}${couldNotUndo}`);
}

/** A second change can crash the kernel: linux commit 4dadc4077e3f. */
function halfWay(port: LookedPort | null): string | null {
  if (port === null || port.halfWay === null) return null;
  return `${couldNotUndo} (${port.halfWay}): only a reboot makes it safe to ask again`;
}
