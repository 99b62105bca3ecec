import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { History } from "../../src/fleet/history/history.ts";
import { HostState } from "../../src/host/state/state.ts";
import { countFrom } from "../support/count.ts";
import { makeFleet } from "../support/fleet.ts";

/** Real processes, killed while they write: KILL_ROUNDS=200 for more of it. */

const rounds = countFrom("KILL_ROUNDS", 8);
const folder = mkdtempSync(join(tmpdir(), "vflag-fleet-kill-"));
after(() => rmSync(folder, { recursive: true }));
before(async () => {
  const fleet = await makeFleet();
  mkdirSync(join(folder, "states"));
  for (let host = 0; host < 20; host++)
    writeFileSync(join(folder, "states", fleet.name(host)), fleet.report(host, 1));
});

/**
 * Starts a writer and kills it a while after its first host. @returns what it said is there, and nothing that
 * it may have begun since
 */
async function killedWriter(file: string): Promise<string[]> {
  const argv = [
    "--disable-warning=ExperimentalWarning",
    join(import.meta.dirname, "writer.ts"),
    file,
    join(folder, "states"),
  ];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"], timeout: 60_000 });
  let said = "";
  const first = Promise.withResolvers<void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    first.resolve();
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  await Promise.race([first.promise, ended]);
  await sleep(Math.random() * 250);
  child.kill("SIGKILL");
  await ended;
  return said.split("\n").slice(0, -1);
}

test("writers that are killed lose nothing that was in, and leave no half host", {
  timeout: 300_000,
}, async () => {
  const file = join(folder, "fleet.db");
  const said = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    // Every other time two at once.
    const writers = Array.from({ length: 1 + (round % 2) }, () => killedWriter(file));
    for (const line of (await Promise.all(writers)).flat()) said.add(line);
    using history = History.open(file, "0");
    assert.deepEqual(history.problems(), [], `after kill ${round + 1}`);
  }
  assert.ok(said.size > 20, `${said.size} hosts written`);
  using history = History.open(file, "0");
  const there = new Set<string>();
  for (const { host, observation } of history.known()) {
    assert.ok(observation, `${host} has a state`);
    for (const each of history.observations(host)) {
      HostState.parse(history.state(each));
      assert.equal(each.outcome.nics.length, 1);
      there.add(`${host} ${new Date(each.at).toISOString()}`);
    }
  }
  // One that was killed may have one in that it had no time to tell of; none that it told of is missing.
  const killed = rounds + Math.floor(rounds / 2);
  assert.deepEqual(
    [...said].filter((line) => !there.has(line)),
    [],
  );
  assert.ok(there.size - said.size <= killed, `${there.size} there, ${said.size} told, ${killed} killed`);
});
