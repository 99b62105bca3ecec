import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { HostState } from "../../src/host/state/state.ts";
import { loadSpec } from "../../src/spec/load.ts";
import { verdicts } from "../../src/verdict/verdict.ts";

const golden = join(import.meta.dirname, "..", "golden");

function verdictOf(name: string) {
  const read = (file: string) => readFileSync(join(golden, name, file), "utf8");
  const state = HostState.parse(JSON.parse(read("state.json")));
  const [verdict] = verdicts(loadSpec(read("spec.yaml"), "spec.yaml"), state);
  assert.ok(verdict);
  return verdict;
}

/**
 * One thing went wrong on the host: its name, and what must be told as a consequence of it and not beside it.
 */
const single = [
  ["third-slave", "bond", ["lag"]],
  ["bond-mode-balance-rr", "bond", ["lag"]],
  ["slave-missing", "bond", ["lag"]],
  ["vf-lag-waiting-for-networking", "bond", ["lag", "vf-autoprobe", "vfs-bound"]],
  ["real-6.1-roce-lag", "not-in-bond", ["vf-count", "eswitch-mode", "lag"]],
  ["real-6.1-port-back-to-legacy", "not-in-bond", ["vfs-unbound", "eswitch-mode", "lag"]],
  ["roce-lag", "lag", []],
  ["vf-lag-bonded", "lag", ["vf-autoprobe", "vfs-bound"]],
  ["firmware-sriov-off", "firmware", ["model", "eswitch-mode", "lag"]],
  ["ovs-stopped", "ovs-running", []],
] as const;

describe("causes", () => {
  for (const [name, cause, consequences] of single) {
    test(`${name}: ${cause} is the cause${consequences.length === 0 ? "" : ` of ${consequences.join(", ")}`}`, () => {
      const { causes, reason } = verdictOf(name);
      const found = causes.filter(({ deviation }) => deviation.requirement === cause);
      assert.equal(reason?.requirement, cause);
      const following = found.flatMap((one) => one.consequences.map(({ requirement }) => requirement));
      assert.deepEqual([...new Set(following)], consequences);
      const beside = causes.filter(
        ({ deviation }) => deviation.severity === "error" && deviation.requirement !== cause,
      );
      // What networking has yet to do is a matter of its own on a host that was never set up.
      assert.deepEqual(
        beside.map(({ deviation }) => deviation.requirement).filter((requirement) => requirement !== "bond"),
        [],
      );
    });
  }

  test("a port's trouble explains nothing on the other port", () => {
    const { causes } = verdictOf("vf-link-missing");
    const [first, second] = ["0000:37:00.0", "0000:37:00.1"].map((pf) =>
      causes
        .filter(({ deviation }) => deviation.requirement === "vf-links" && deviation.pf === pf)
        .flatMap(({ consequences }) => consequences.map((each) => `${each.requirement} ${each.pf}`)),
    );
    const ofPort = (pf: string) => ["eswitch-mode", "vf-autoprobe", "vfs-bound"].map((id) => `${id} ${pf}`);
    assert.deepEqual(first?.toSorted(), [...ofPort("0000:37:00.0"), "lag undefined"].toSorted());
    assert.deepEqual(second?.toSorted(), ofPort("0000:37:00.1"));
  });

  test("what is independent of all before it is a cause", () => {
    const { causes } = verdictOf("connectx-4-lx-vf-lag");
    assert.deepEqual(
      causes
        .filter(({ deviation }) => deviation.severity === "error")
        .map(({ deviation, consequences }) => [deviation.requirement, consequences.length]),
      [
        ["vf-count", 1],
        ["vf-count", 1],
        ["bond", 0],
        ["lag", 0],
      ],
    );
  });

  test("in every golden case each deviation is told once", () => {
    for (const { name } of readdirSync(golden, { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    )) {
      const { causes, deviations } = verdictOf(name);
      const told = causes.flatMap(({ deviation, consequences }) => [deviation, ...consequences]);
      assert.deepEqual(new Set(told), new Set(deviations), name);
      assert.equal(told.length, deviations.length, name);
    }
  });
});
