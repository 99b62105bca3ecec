import assert from "node:assert/strict";
import type { Action } from "../../../src/host/actions/action.ts";
import { observeWorld, SimulatedHost } from "../../../src/host/simulated/host.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { known } from "../../../src/host/state/observed.ts";
import type { BootLoader, Platform } from "../../../src/host/state/platform.ts";
import { reconcile } from "../../../src/reconcile/reconcile.ts";
import { evaluateHost } from "../../../src/requirements/evaluate.ts";
import type { Deviation } from "../../../src/requirements/requirement.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { spec } from "../../support/hosts.ts";

/** What lies beneath the NICs of a host, and specs that speak of it. */

const nic = "version: 1\nnics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2}]\n";
export const withKernel = (keys: string): Spec => spec(`${nic}kernel: {${keys}}`);
export const auto = withKernel("iommu: auto");
export const off = withKernel("iommu: off");
export const pages = withKernel(
  'iommu: auto, hugepages: {size: 1G, count: 16}, maxCstate: 1, arguments: ["pci=realloc"]',
);
export const silent = spec(nic);

/** What all requirements of the stage find, or one of them: a test of one also holds that no other guesses. */
export function found(world: World, wanted: Spec, requirement?: string): Deviation[] {
  const all = evaluateHost(wanted, observeWorld(world), ["platform"]);
  return requirement === undefined ? all : all.filter((deviation) => deviation.requirement === requirement);
}

/** @param killAfter that many actions, the run ends */
export async function apply(world: World, wanted: Spec, killAfter = Number.POSITIVE_INFINITY): Promise<void> {
  const host = new SimulatedHost(world);
  let done = 0;
  const killed = new Error("killed");
  const perform = async (action: Action) => {
    if (done++ >= killAfter) throw killed;
    await host.perform(action);
  };
  await reconcile({ observe: () => host.observe(), perform }, wanted, {
    stages: ["platform", "early"],
  }).catch((error: unknown) => {
    if (error !== killed) throw error;
  });
}

export function platformOf(world: World): Platform {
  const platform = known(world.state.platform);
  assert.ok(platform !== undefined);
  return platform;
}

export function loaderOf(world: World): BootLoader {
  const loader = known(platformOf(world).bootLoader);
  assert.ok(loader !== undefined);
  return loader;
}
