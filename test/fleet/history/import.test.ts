import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { History } from "../../../src/fleet/history/history.ts";
import { importFiles } from "../../../src/fleet/history/import.ts";
import { Reader } from "../../../src/fleet/reading/reader.ts";
import { makeFleet } from "../../support/fleet.ts";

/** Saved states of many hosts: what is in the database is what was in each file. */

const hosts = 450;
const folder = mkdtempSync(join(tmpdir(), "vflag-fleet-import-"));
after(() => rmSync(folder, { recursive: true }));
const reader = new Reader();
after(() => reader[Symbol.dispose]());
const states = join(folder, "states");
const at = Date.UTC(2026, 0, 1, 12);

before(async () => {
  const fleet = await makeFleet();
  mkdirSync(states);
  for (let host = 0; host < hosts; host++) {
    const file = join(states, `${fleet.name(host)}.json`);
    const { state } = JSON.parse(fleet.report(host, 0));
    // Answers of every size, so that one comes where a longer and a shorter one were before it; and words that
    // are not ASCII, other JSON than vflag writes, and what is no state at all.
    const more = "x".repeat((host % 13) ** 4 * 10);
    const title = host % 7 === 0 ? `Größe ${more} 😀` : more;
    const told = { ...state, guests: state.guests.map((guest: object) => ({ ...guest, title })) };
    const text = host % 11 === 0 ? JSON.stringify(told, null, 1) : JSON.stringify(told);
    writeFileSync(file, host % 50 === 49 ? text.slice(0, -1) : text);
    utimesSync(file, at / 1000, at / 1000);
  }
});

function check(history: History, wrong: ReadonlySet<number>): void {
  const known = history.known();
  assert.equal(known.length, hosts);
  for (const [index, { host, observation, failure }] of known.entries()) {
    if (wrong.has(index)) {
      assert.match(failure?.message ?? "", /not valid JSON/, host);
      continue;
    }
    assert.ok(observation !== null && failure === null, host);
    assert.equal(observation.at, Math.min(observation.clock, at), host);
    const { observedAt: _, ...found } = history.state(observation);
    const { observedAt: __, ...told } = JSON.parse(readFileSync(join(states, `${host}.json`), "utf8"));
    assert.deepEqual(found, told, host);
  }
}

describe("an import of many files", () => {
  const wrong = new Set(Array.from({ length: hosts }, (_, host) => host).filter((host) => host % 50 === 49));
  const database = join(folder, "fleet.db");

  test("keeps of each host what its file has, whatever came before it", async () => {
    using history = History.open(database, "1");
    const { stored, known, failed } = await importFiles(history, reader, [states]);
    assert.deepEqual([stored, known, failed.length], [hosts - wrong.size, 0, wrong.size]);
    check(history, wrong);
    assert.deepEqual(history.problems(), []);
  });

  test("changes nothing the second time, also by a process that knows nothing of the first", async () => {
    using history = History.open(database, "1");
    const { stored, known } = await importFiles(history, reader, [states]);
    assert.deepEqual([stored, known], [0, hosts - wrong.size]);
    check(history, wrong);
  });

  test("a state is not newer than its file, whatever the host's clock says", async () => {
    const late = join(folder, "late");
    mkdirSync(late);
    const text = readFileSync(join(states, "hv00001.json"), "utf8");
    const file = join(late, "hv00001.json");
    writeFileSync(file, text.replace(/"observedAt":"[^"]*"/, '"observedAt":"2099-01-01T00:00:00.000Z"'));
    utimesSync(file, at / 1000, at / 1000);
    using history = History.open(join(folder, "late.db"), "1");
    await importFiles(history, reader, [late]);
    assert.deepEqual(
      history.known().map(({ observation }) => observation?.at),
      [at],
    );
  });
});
