import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action } from "../../src/host/actions/action.ts";
import type { Host } from "../../src/host/host.ts";
import { observeWorld } from "../../src/host/simulated/host.ts";
import type { HostState } from "../../src/host/state/state.ts";
import { pciAddress } from "../../src/host/state/values.ts";
import { Watched } from "../../src/reconcile/watched.ts";
import { fresh } from "../support/hosts.ts";

const state = observeWorld(fresh());
const action: Action = { kind: "set-vf-count", pf: pciAddress("0000:37:00.0"), count: 2 };

/** A host that counts how often it was looked at. */
function counted(perform: () => Promise<void> = async () => {}): { host: Host; looks: () => number } {
  let looks = 0;
  const observe = async (): Promise<HostState> => {
    looks++;
    return structuredClone(state);
  };
  return { host: { observe, perform }, looks: () => looks };
}

test("what was seen is not looked at again, until something was done", async () => {
  const { host, looks } = counted();
  const watched = new Watched(host);
  await watched.current();
  await watched.current();
  assert.equal(looks(), 1);
  await watched.perform(action);
  await watched.current();
  assert.equal(looks(), 2);
});

test("what the caller has just seen counts as seen", async () => {
  const { host, looks } = counted();
  assert.equal(await new Watched(host, state).current(), state);
  assert.equal(looks(), 0);
});

test("a last look is always a look", async () => {
  const { host, looks } = counted();
  const watched = new Watched(host, state);
  await watched.observe();
  await watched.observe();
  assert.equal(looks(), 2);
});

test("what was seen while an action was under way is not trusted after it", async () => {
  const under = Promise.withResolvers<void>();
  const { host, looks } = counted(() => under.promise);
  const watched = new Watched(host);
  const acting = watched.perform(action);
  await watched.observe();
  under.resolve();
  await acting;
  await watched.current();
  assert.equal(looks(), 2);
});

test("after an action that failed the host is looked at too", async () => {
  const { host, looks } = counted(() => Promise.reject(new Error("no")));
  const watched = new Watched(host, state);
  await assert.rejects(watched.perform(action));
  await watched.current();
  assert.equal(looks(), 1);
});
