import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FaultName } from "../../src/host/simulated/faults.ts";
import { roundsFrom } from "../support/count.ts";
import { compareHosts } from "./random.ts";
import { connectx, igb, simulatedBed } from "./simulated-bed.ts";

/** Sequences of so many steps, so often: in the lab the second host is the real driver. */
const rounds = roundsFrom("RANDOM_ROUNDS", 4, 20);
const steps = 150;
const bed = (born: readonly FaultName[] = [], nic = connectx) =>
  simulatedBed("simulated", "ConnectX-6 Dx", nic, born);
const quiet = () => {};

describe("two hosts in step", () => {
  test("one that is as the other never differs, whatever is done to both", async () => {
    for (let seed = 1; seed <= rounds; seed++)
      assert.equal(await compareHosts(seed, steps, [bed(), bed()], quiet), null);
  });

  test("nor where there is no eSwitch", async () => {
    const plain = () => simulatedBed("simulated", "82576", igb);
    for (let seed = 1; seed <= rounds; seed++)
      assert.equal(await compareHosts(seed, steps, [plain(), plain()], quiet), null);
  });

  // What two readings of the driver could differ in: each is found within a few sequences.
  const mutants: readonly FaultName[] = [
    ...([
      "no-smfs",
      "no-encap",
      "firmware-takes-encap",
      "firmware-frees-lag",
      "kernel-without-tc-offload",
      "lag-refused",
    ] as const),
    ...([
      "mode-change-fails",
      "eswitch-busy",
      "bind-fails",
      "missing-vf-link",
      "no-mmio",
      "forgets-vf-macs",
      "renames-ports",
    ] as const),
  ];
  for (const mutant of mutants) {
    test(`a host that differs by ${mutant} is found`, async () => {
      // Without faults of its own, which would take the mutant away again.
      const nic = { ...connectx, faults: [] };
      let found = null;
      const seeds = mutant === "renames-ports" ? rounds : 30;
      for (let seed = 1; seed <= seeds && found === null; seed++)
        found = await compareHosts(seed, steps, [bed([], nic), bed([mutant], nic)], quiet);
      if (mutant === "renames-ports") assert.equal(found, null, "names are no difference");
      else assert.ok(found !== null && found.differences.length > 0);
    });
  }

  test("a seed is the same sequence each time, and ends at the same difference", async () => {
    const lines: string[][] = [[], []];
    const found = await Promise.all(
      lines.map((log) =>
        compareHosts(7, steps, [bed(), bed(["firmware-takes-encap"], { ...connectx, faults: [] })], (line) =>
          log.push(line),
        ),
      ),
    );
    assert.deepEqual(lines[0], lines[1]);
    assert.deepEqual(found[0], found[1]);
  });
});
