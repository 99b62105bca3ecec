import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Attempts } from "../../src/host/state/attempts.ts";
import { known } from "../../src/host/state/observed.ts";
import { verdicts } from "../../src/verdict/verdict.ts";
import { readGolden } from "../support/golden.ts";

/** What comes first on this host after its early stage ended in such a refusal. */
function firstRemedy(refused: string | null): {
  readonly requirement: string | undefined;
  readonly kind: string | undefined;
} {
  const { spec, state } = readGolden("boot-rollback-failed");
  const early = (known(state.attempts)?.early ?? []).map((entry) => ({ ...entry, refused }));
  const attempts: Attempts = { early, latest: early };
  const [verdict] = verdicts(spec, { ...state, attempts });
  return { requirement: verdict?.reason?.requirement, kind: verdict?.reason?.remedy.kind };
}

describe("a driver that is half-way in a change of mode", () => {
  test("because the early stage of this boot was refused: another reboot is no remedy", () => {
    assert.deepEqual(firstRemedy("mlx5_core: Failed setting eswitch to offloads."), {
      requirement: "eswitch-mode",
      kind: "person",
    });
  });

  test("and was found so by the early stage, which asked for nothing, as a run before it was killed: a reboot is one", () => {
    const refusal =
      "not done: the driver could not undo a change of mode that failed (mlx5_core 0000:37:00.0 ens3f0: ...): only a reboot ...";
    assert.deepEqual(firstRemedy(refusal), { requirement: "eswitch-mode", kind: "reboot" });
  });

  test("vflag's own refusals for another reason say that another boot ends the same way", () => {
    assert.equal(firstRemedy("not done: ens3f0 is in bond0").kind, "person");
  });
});
