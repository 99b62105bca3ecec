import assert from "node:assert/strict";
import type { Ovs, OvsBridge } from "../../../src/host/ovs/ovs.ts";
import type { FaultName } from "../../../src/host/simulated/faults.ts";
import { observeWorld, SimulatedHost } from "../../../src/host/simulated/host.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { known } from "../../../src/host/state/observed.ts";
import { reconcile } from "../../../src/reconcile/reconcile.ts";
import { evaluateHost } from "../../../src/requirements/evaluate.ts";
import type { Allowed, Deviation, HostRequirement } from "../../../src/requirements/requirement.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { booted, fresh, spec, vfLagSpec } from "../../support/hosts.ts";

/** Open vSwitch on a host whose NIC works. */

export const withOvs = (keys = ""): Spec => ({
  ...vfLagSpec,
  ...spec(`{version: 1, nics: [{name: x, mode: sriov, ports: [p], vfs: 1}], ovs: {${keys}}}`),
  nics: vfLagSpec.nics,
});
export const wanted = withOvs();
export const sriov = spec(
  "{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2}], ovs: {}}",
);
export const restart: Allowed = { restartOvs: true };

export function host(...faults: readonly FaultName[]): Promise<World> {
  return booted(vfLagSpec, fresh(), ...faults);
}

export function ovsOf(world: World): Ovs {
  const ovs = known(world.state.ovs);
  assert.ok(ovs != null);
  return ovs;
}

/** The bridge that the bond is in. */
export function bondBridge(world: World): OvsBridge {
  const bridge = ovsOf(world).bridges.find(({ name }) => name === "br-ex");
  assert.ok(bridge !== undefined);
  return bridge;
}

/** What all requirements of the stage find: a test of one also holds that no other guesses. */
export function found(world: World, asked: Spec = wanted, allowed: Allowed = {}): Deviation[] {
  return evaluateHost(asked, observeWorld(world), ["ovs"], allowed);
}

export function brief(deviations: readonly Deviation[]): string[] {
  return deviations.map(
    ({ requirement, severity, remedy, actual }) => `${requirement} ${severity} ${remedy.kind}: ${actual}`,
  );
}

/** `vflag apply` of this stage: what it did. */
export async function apply(world: World, asked: Spec = wanted, allowed: Allowed = {}): Promise<string[]> {
  const outcomes = await reconcile(new SimulatedHost(world), asked, { stages: ["ovs"], allowed });
  return outcomes.flatMap(({ steps }) => steps.flatMap(({ actions }) => actions.map(({ kind }) => kind)));
}

/** Why it is not asked without `ovs` in the spec, without an eSwitch, with `hwOffload: false`, with all. */
export function reasons({ notAsked }: HostRequirement, state = fresh().state): (string | null | undefined)[] {
  return [vfLagSpec, sriov, withOvs("hwOffload: false"), wanted].map((each) => notAsked?.(each, state));
}

export const unlessOvs = [
  "the spec declares no ovs",
  "no NIC has an eSwitch that Open vSwitch could use",
  null,
  null,
];
export const unlessOffload = unlessOvs.with(2, "the spec says ovs.hwOffload: false");
