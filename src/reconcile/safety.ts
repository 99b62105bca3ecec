import type { Action } from "../host/action.ts";
import { known } from "../host/observed.ts";
import type { HostState, PhysicalFunction } from "../host/state.ts";
import { heldVfs, pfName } from "../requirements/virtual-functions.ts";
import { netdevOf } from "../spec/selectors.ts";

/**
 * The last look before an action: why it must not be done on this host, or `null` (DESIGN 6, points 1 and 2).
 * Requirements already avoid what stands here, on the state of their observation; this is asked again right before the
 * action, and the real host asks once more (host/linux/guards.ts), because a guest may start at any time.
 */
export function forbidden(action: Action, state: HostState): string | null {
  switch (action.kind) {
    case "set-vf-autoprobe":
    case "bind-vf":
    // Channels of a bonded port are refused by the host itself, which need not look at everything for that.
    case "set-channels":
    case "set-tc-offload":
    case "set-vf-settings":
    case "activate-lag":
    // The driver refuses it in switchdev mode whatever it can do; in legacy mode nobody asks.
    case "ask-steering":
    // The card goes on with what it runs with.
    case "set-firmware":
    // Nothing that runs notices them before the next boot.
    case "write-file":
    case "remove-file":
    case "enable-unit":
    case "disable-unit":
    // It is done only when the operator said so, and the command says what it interrupts.
    case "restart-ovs":
    case "set-ovs":
    case "update-boot-loader":
    case "set-kernel-arguments":
      return null;
    case "del-ovs-port":
      return neededPort(action.port, state);
    case "unbind-vf": {
      const held = pfAt(state, action.pf).flatMap((pf) => heldVfs({ ...pf, vfs: pf.vfs.filter((vf) => vf.address === action.vf) }));
      return held.length > 0 ? held.join("; ") : null;
    }
    case "set-steering":
    case "set-inline":
    case "set-encap":
      return first(pfAt(state, action.pf), (pf) => enslaved(pf, state));
    // The LAG of a bonded port would be taken down for the question.
    case "ask-eswitch-mode":
      return first(pfAt(state, action.pf), (pf) => enslaved(pf, state) ?? otherMode(pf, action.mode));
    case "set-vf-count":
      return first(pfAt(state, action.pf), (pf) => enslaved(pf, state) ?? inUse(pf));
    case "set-eswitch-mode":
      return first(pfAt(state, action.pf), (pf) => enslaved(pf, state) ?? inUse(pf) ?? sameMode(pf, action.mode));
  }
}

/** Actions for which the host is looked at once more before they are done: those that can cut somebody off. */
export function needsLastLook({ kind }: Action): boolean {
  return (
    kind === "set-vf-count" ||
    kind === "set-eswitch-mode" ||
    kind === "unbind-vf" ||
    kind === "set-steering" ||
    kind === "set-inline" ||
    kind === "set-encap" ||
    kind === "ask-eswitch-mode" ||
    kind === "del-ovs-port"
  );
}

/** Actions that interrupt guests although nothing forbids them: one in a run is enough, whether it helped or not. */
export function interrupts({ kind }: Action): boolean {
  return kind === "restart-ovs";
}

function pfAt(state: HostState, address: string): PhysicalFunction[] {
  return state.pfs.filter((pf) => pf.address === address);
}

function first(pfs: readonly PhysicalFunction[], reason: (pf: PhysicalFunction) => string | null): string | null {
  const pf = pfs[0];
  return pf === undefined ? "it is no longer there" : reason(pf);
}

function enslaved(pf: PhysicalFunction, state: HostState): string | null {
  const master = netdevOf(pf, state)?.master ?? null;
  return master === null ? null : `${pfName(pf)} is in ${master}`;
}

function inUse(pf: PhysicalFunction): string | null {
  const held = heldVfs(pf);
  return held.length === 0 ? null : held.join("; ");
}

/** A port of Open vSwitch through which packets can pass, or that is somebody's. */
function neededPort(port: string, state: HostState): string | null {
  if (state.netdevs.some(({ name }) => name === port)) return `${port} exists`;
  const interfaces = known(state.ovs)?.bridges.flatMap((bridge) => bridge.interfaces) ?? [];
  const owner = interfaces.find((candidate) => candidate.port === port && candidate.ifaceId !== null)?.ifaceId;
  return owner === undefined ? null : `${port} belongs to Neutron port ${owner}`;
}

function otherMode(pf: PhysicalFunction, mode: string): string | null {
  return known(pf.eswitch)?.mode === mode ? null : `the eSwitch of ${pfName(pf)} is not in ${mode} mode any more`;
}

/** mlx5 tears an active LAG down and makes it again even when the mode stays: linux eswitch_offloads.c. */
function sameMode(pf: PhysicalFunction, mode: string): string | null {
  return known(pf.eswitch)?.mode === mode ? `the eSwitch of ${pfName(pf)} is in ${mode} mode already` : null;
}
