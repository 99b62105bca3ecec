import assert from "node:assert/strict";
import type { Action } from "../../src/host/actions/action.ts";
import { observeWorld } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import type { Netdev, PhysicalFunction, VirtualFunction } from "../../src/host/state/state.ts";
import { nicsFound } from "../../src/requirements/evaluate.ts";
import type {
  Allowed,
  Finding,
  HostFinding,
  HostRequirement,
  Requirement,
} from "../../src/requirements/requirement.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { resolvePorts } from "../../src/spec/selectors.ts";

/** One requirement on one NIC or one host, and the parts of a world that a test bends before it looks. */

/** What a requirement finds on the first NIC of a spec. */
export function check(requirement: Requirement, { nics: [nic] }: Spec, world: World): Finding[] {
  assert.ok(nic !== undefined);
  const state = observeWorld(world);
  const resolved = resolvePorts(nic, state);
  assert.ok(!("problem" in resolved), JSON.stringify(resolved));
  return requirement.check({ nic, pfs: resolved.pfs, state });
}

/** What a requirement finds on the host around the NICs of a spec. */
export function checkHost(
  requirement: HostRequirement,
  spec: Spec,
  world: World,
  allowed: Allowed = {},
): HostFinding[] {
  const state = observeWorld(world);
  return requirement.check({ spec, state, nics: nicsFound(spec, state), allowed });
}

/** Why a requirement is not asked of the first NIC of a spec; null where it is asked. */
export function whyNotAsked({ notAsked }: Requirement, { nics: [nic] }: Spec, world: World): string | null {
  assert.ok(nic !== undefined);
  return notAsked?.(nic, observeWorld(world)) ?? null;
}

/** What vflag would do about these findings. */
export function actionsOf(findings: readonly Finding[]): Action[] {
  return findings.flatMap(({ remedy }) => (remedy.kind === "actions" ? remedy.actions : []));
}

/** Findings as short as a table wants them. */
export function brief(findings: readonly Finding[]) {
  return findings.map(({ actual, severity, remedy }) => ({ actual, severity, remedy: remedy.kind }));
}

/** What a finding tells a person, or whoever must act. */
export function adviceOf(findings: readonly Finding[]): string {
  return findings
    .map(({ remedy }) => (remedy.kind === "actions" ? (remedy.otherwise ?? "") : remedy.text))
    .join("\n");
}

/** A port of the world's first card. */
export function pfOf(world: World, port = 0): PhysicalFunction {
  return there(world.state.pfs[port]);
}

export function vfOf(world: World, port: number, index: number): VirtualFunction {
  return there(pfOf(world, port).vfs[index]);
}

export function netdevOf(world: World, name: string | null | undefined): Netdev {
  return there(world.state.netdevs.find((netdev) => netdev.name === name));
}

/** The netdev of a port. */
export function uplinkOf(world: World, port = 0): Netdev {
  return netdevOf(world, pfOf(world, port).netdev);
}

/** The representor of a VF. */
export function representorOf(world: World, port: number, vf: number): Netdev {
  const found = world.state.representors.find(
    (representor) => representor.pf === pfOf(world, port).address && representor.vf === vf,
  );
  return netdevOf(world, found?.netdev);
}

/** A guest has the VF. */
export function hold(vf: VirtualFunction): void {
  vf.driver = "vfio-pci";
  vf.driverOverride = "vfio-pci";
  vf.holders = [{ kind: "process", pid: 4711, command: "qemu-kvm" }];
}

function there<T>(value: T | undefined): T {
  assert.ok(value !== undefined, "it is not in this world");
  return value;
}
