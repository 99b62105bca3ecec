import assert from "node:assert/strict";
import { test } from "node:test";
import { allRequirements, requirementById, requirements, stages } from "../../src/requirements/stages.ts";

/**
 * The order is what the firmware and the drivers demand: whoever changes it changes this table, and says why.
 */
const table = [
  ["early", "ports", "gate"],
  ["early", "link-type", "gate"],
  ["early", "model", "gate"],
  ["early", "not-in-bond", "gate"],
  ["early", "vf-count", "gate"],
  ["early", "vf-links", "gate"],
  ["early", "vfs-unbound", "gate"],
  ["early", "steering", "-"],
  ["early", "eswitch-inline", "-"],
  ["early", "eswitch-encap", "-"],
  ["early", "eswitch-mode", "gate"],
  ["early", "representors", "-"],
  ["early", "pf-name", "-"],
  ["early", "tc-offload", "-"],
  ["early", "channels", "-"],
  ["late", "bond", "gate"],
  ["late", "bond-links", "-"],
  ["late", "bond-failover", "-"],
  ["late", "mtu", "-"],
  ["late", "lag", "gate"],
  ["late", "vf-settings", "-"],
  ["late", "vf-autoprobe", "gate"],
  ["late", "vfs-bound", "-"],
  // Evidence: nothing is brought about for it.
  ["traffic", "flows-in-hardware", "-"],
];

test("requirements stand in the order in which a host is brought to fulfil them", () => {
  assert.deepEqual(
    requirements.map(({ stage, id, gate }) => [stage, id, gate ? "gate" : "-"]),
    table,
  );
});

test("the stages are those of the boot", () => {
  assert.deepEqual(stages, ["platform", "firmware", "persistence", "early", "late", "ovs"]);
});

test("each follows from such as there are, and none from itself over others", () => {
  const origins = (id: string, over: readonly string[] = []): void => {
    assert.ok(!over.includes(id), [...over, id].join(" <- "));
    for (const cause of requirementById(id)?.follows ?? assert.fail(`there is no ${id}`))
      origins(cause, [...over, id]);
  };
  for (const { id } of allRequirements) origins(id);
});

test("each is found by its id, and no id stands for two", () => {
  for (const requirement of allRequirements) assert.equal(requirementById(requirement.id), requirement);
  assert.equal(new Set(allRequirements.map(({ id }) => id)).size, allRequirements.length);
  assert.equal(requirementById("nosuch"), undefined);
});
