import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Host } from "../../../src/host/host.ts";
import { observeWorld } from "../../../src/host/simulated/host.ts";
import type { HostState } from "../../../src/host/state/state.ts";
import { awaitBonds } from "../../../src/operations/host/await-bonds.ts";
import { booted, vfLagSpec } from "../../support/hosts.ts";

/**
 * At boot the late stage waits for what networking and the switch bring by themselves, and for nothing else.
 */

const complete = observeWorld(await booted(vfLagSpec));

function changed(change: (state: HostState) => void): HostState {
  const state = structuredClone(complete);
  change(state);
  return state;
}

function firstBond(state: HostState): HostState["bonds"][number] {
  const [bond] = state.bonds;
  assert.ok(bond !== undefined);
  return bond;
}

/**
 * How often the host is looked at until the wait is over, when it is `first` at the beginning and complete
 * after that.
 */
async function looks(first: HostState, seconds: number): Promise<number> {
  let count = 0;
  const host: Host = {
    observe: async () => (count++ === 0 ? first : complete),
    perform: () => assert.fail("waiting changes nothing"),
  };
  await awaitBonds(host, vfLagSpec, seconds);
  return count;
}

const coming = {
  "a bond that is not there yet": changed((state) => state.bonds.splice(0)),
  "a bond without one of its ports": changed((state) => firstBond(state).slaves.pop()),
  "a bond without a link": changed((state) => {
    for (const slave of firstBond(state).slaves) slave.up = false;
  }),
  "an LACP partner": changed((state) => {
    firstBond(state).lacp = null;
  }),
};

describe("the late stage waits for", () => {
  for (const [what, state] of Object.entries(coming))
    test(what, async () => assert.equal(await looks(state, 10), 2));
});

test("it does not wait for a bond that is ready, nor for another mode", async () => {
  assert.equal(await looks(complete, 10), 1);
  const otherMode = changed((state) => {
    firstBond(state).mode = "balance-rr";
  });
  assert.equal(await looks(otherMode, 10), 1);
});

test("it ends when the time is over", async () => {
  const never = coming["a bond that is not there yet"];
  const host: Host = { observe: async () => never, perform: () => assert.fail("waiting changes nothing") };
  assert.equal(await awaitBonds(host, vfLagSpec, 0.1), never);
});
