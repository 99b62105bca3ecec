import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Outcome, outcomeOf } from "../../src/fleet/answers/outcome.ts";
import { readGolden } from "../support/golden.ts";

describe("what a fleet keeps of a NIC that works and will not", () => {
  test("when, and of what", () => {
    const { spec, state } = readGolden("bond-never-fails-over");
    const [nic] = outcomeOf(spec, state).nics;
    assert.equal(nic?.answer, "works");
    assert.equal(
      nic.risk,
      "at risk at the next link failure: bond0: no miimon and no arp_interval: it never fails over",
    );
    const fine = readGolden("ovs-works");
    assert.equal(outcomeOf(fine.spec, fine.state).nics[0]?.risk, null);
  });

  test("what an earlier version kept is still read", () => {
    const old = {
      nics: [{ nic: "data", mode: "vf-lag", answer: "works", causes: [] }],
      problem: null,
      clean: true,
      reboot: false,
    };
    assert.equal(Outcome.parse(old).nics[0]?.risk, null);
  });
});
