import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action } from "../../../src/host/actions/action.ts";
import { ActionError } from "../../../src/host/host.ts";
import { SimulatedHost } from "../../../src/host/simulated/host.ts";
import { reconcile } from "../../../src/reconcile/reconcile.ts";
import { vfAutoprobe } from "../../../src/requirements/late/vf-autoprobe.ts";
import { afterEarly, spec } from "../../support/hosts.ts";
import { actionsOf, check, pfOf } from "../view.ts";

const sriov = spec("{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0, ens3f1], vfs: 2}]}");

test("autoprobe is turned on where it is off; a port that does not tell is left alone", async () => {
  const world = await afterEarly(sriov);
  const [first, second] = [pfOf(world, 0), pfOf(world, 1)];
  assert.deepEqual(
    actionsOf(check(vfAutoprobe, sriov, world)),
    [first, second].map((pf) => ({ kind: "set-vf-autoprobe", pf: pf.address, on: true })),
  );
  Object.assign(first.sriov ?? {}, { autoprobe: true });
  Object.assign(second.sriov ?? {}, { autoprobe: null });
  assert.deepEqual(check(vfAutoprobe, sriov, world), []);
});

test("no VF is bound while autoprobe cannot be turned on: every bind would fail", async () => {
  const world = await afterEarly(sriov);
  const tried: Action["kind"][] = [];
  const host = new (class extends SimulatedHost {
    override async perform(action: Action): Promise<void> {
      tried.push(action.kind);
      if (action.kind === "set-vf-autoprobe")
        throw new ActionError(action, "EACCES", "read-only file system");
      return super.perform(action);
    }
  })(world);
  const [outcome] = await reconcile(host, sriov, { stages: ["early", "late"] });
  assert.deepEqual(tried, ["set-vf-autoprobe"]);
  assert.equal(outcome?.status, "stopped");
  assert.deepEqual([...new Set(outcome?.left.map(({ requirement }) => requirement))], ["vf-autoprobe"]);
});
