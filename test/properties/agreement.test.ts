import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { planOf } from "../../src/fleet/answers/host-plan.ts";
import { outcomeOf } from "../../src/fleet/answers/outcome.ts";
import { observeWorld } from "../../src/host/simulated/host.ts";
import { isEmpty, rehearse } from "../../src/reconcile/plan.ts";
import { rebootReasons } from "../../src/verdict/reboot-due.ts";
import { verdicts } from "../../src/verdict/verdict.ts";
import { numRuns, play, specs, stories } from "./arbitraries.ts";

test("verify, plan and the fleet's screens never contradict each other", async () => {
  await fc.assert(
    fc.asyncProperty(specs, stories, async (spec, story) => {
      const state = observeWorld(await play(story, spec));
      const judged = verdicts(spec, state);
      const plan = await rehearse(spec, state);
      const fleet = outcomeOf(spec, state);
      const fleetPlan = await planOf({ host: "hv1", at: 0 }, spec, state, false);
      const due = rebootReasons(judged).length > 0;
      const planned = plan.phases.some(({ after }) => after === "reboot");
      const now = plan.phases[0]?.steps.length ?? 0;

      assert.equal(fleet.reboot, due, "fleet status and verify on a reboot");
      assert.deepEqual(
        fleet.nics.map(({ answer }) => answer),
        judged.map(({ answer }) => answer),
      );
      assert.equal(fleetPlan?.reboot ?? false, planned, "fleet plan and plan on a reboot");
      // What apply does first may bring a reboot about (a kernel argument), and never takes one away.
      if (due) assert.ok(planned, "verify says reboot, and plan does not");
      if (planned && now === 0) assert.ok(due, "plan says reboot, and verify does not");
      if (fleet.clean)
        assert.ok(isEmpty(plan) && fleetPlan === null, "nothing is off, and there is something to do");
      const toDo = judged.some(({ deviations }) =>
        deviations.some(({ remedy }) => remedy.kind === "actions"),
      );
      if (now > 0) assert.ok(toDo, "plan does something, and verify does not say vflag apply");
    }),
    { numRuns: Math.ceil(numRuns / 20) },
  );
});
