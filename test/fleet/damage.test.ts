import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { diffSince } from "../../src/fleet/answers/diff.ts";
import { judgedAll } from "../../src/fleet/answers/judge.ts";
import { packedMaps } from "../../src/fleet/answers/maps.ts";
import { planFleet } from "../../src/fleet/answers/plan.ts";
import { statusOf } from "../../src/fleet/answers/status.ts";
import { FleetError } from "../../src/fleet/error.ts";
import { History } from "../../src/fleet/history/history.ts";
import { ownFolder } from "../../src/fleet/history/own-folder.ts";
import { Reader } from "../../src/fleet/reading/reader.ts";
import { readReport } from "../../src/fleet/reading/report.ts";
import { runVflag } from "../support/command.ts";
import { roundsFrom } from "../support/count.ts";
import { makeFleet } from "../support/fleet.ts";

/**
 * A damaged database is called that, by every command; and a spool that somebody else made is not touched.
 * DAMAGE_ROUNDS=1000 for more.
 */

const rounds = roundsFrom("DAMAGE_ROUNDS", 7, 20);
const folder = mkdtempSync(join(tmpdir(), "vflag-fleet-damage-"));
after(() => rmSync(folder, { recursive: true }));
const whole = join(folder, "whole.db");
const reader = new Reader();
after(() => reader[Symbol.dispose]());
let report = "";

before(async () => {
  const fleet = await makeFleet();
  report = fleet.report(30, 1);
  using history = History.open(whole, "1");
  for (let host = 0; host < 30; host++)
    history.record(readReport(fleet.name(host), fleet.report(host, 0), null));
  history.fail("hv-gone", "unreachable", "no route to host");
});

/** What each command does with the database. */
const commands: Readonly<Record<string, (history: History) => unknown>> = {
  status: async (history) => statusOf(await judgedAll(history, reader, history.known()), Date.now(), 60),
  judge: (history) => judgedAll(history, reader, history.known(), true),
  diff: (history) => diffSince(history, reader, Date.now() + 1000),
  plan: (history) => planFleet(history, reader, null, {}),
  report: (history) => packedMaps(history, reader, history.known()),
  import: (history) => history.record(readReport("hv30", report, null)),
  fail: (history) => history.fail("hv31", "failed", "words"),
  forget: (history) => history.forget(["hv00001"]),
  prune: (history) => history.prune(Date.now() + 1000),
};

describe("a damaged database", () => {
  test("is named as that by whatever is done with it, and its check says what is wrong", {
    timeout: 300_000,
  }, async () => {
    const bytes = readFileSync(whole);
    let named = 0;
    let seed = 1;
    const random = (most: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor((seed / 2 ** 32) * most);
    };
    for (let round = 0; round < rounds; round++) {
      const damaged = Buffer.from(bytes);
      const from = random(damaged.length);
      if (round % 3 === 0) damaged.fill(random(256), from, Math.min(from + 4096, damaged.length));
      else
        for (let flip = 0; flip < 40; flip++) {
          const at = random(damaged.length);
          damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << random(8)), at);
        }
      const cut = round % 7 === 6 ? damaged.subarray(0, from) : damaged;
      for (const [name, command] of Object.entries(commands)) {
        const file = join(folder, "damaged.db");
        for (const ending of ["", "-wal", "-shm"]) rmSync(`${file}${ending}`, { force: true });
        writeFileSync(file, cut);
        try {
          using history = History.open(file, "1");
          await command(history);
          assert.ok(Array.isArray(history.problems()));
        } catch (error) {
          assert.ok(
            error instanceof FleetError,
            `round ${round}, ${name}: ${error instanceof Error ? error.stack : error}`,
          );
          // What is no longer there is not known, and a host of another name is no host.
          if (name !== "forget") assert.ok(error.message.startsWith(`${file}`), `${name}: ${error.message}`);
          named += 1;
        }
      }
    }
    assert.ok(named > rounds, `${named} times in ${rounds} rounds`);
  });

  test("every command ends with one line that names the file, and not with a stack", {
    timeout: 240_000,
  }, async () => {
    const file = join(folder, "cli.db");
    const states = join(folder, "states");
    mkdirSync(states);
    writeFileSync(join(states, "hv1.json"), report);
    for (const words of [
      ["status"],
      ["diff", "--since", "1h"],
      ["plan"],
      ["report", "--write", join(folder, "page.html")],
      ["import", states],
      ["prune", "--older-than", "1d"],
      ["prune", "--check"],
    ]) {
      const damaged = readFileSync(whole);
      damaged.fill(0xa5, 4096);
      writeFileSync(file, damaged);
      const { status, stdout, stderr } = await runVflag(folder, ["fleet", ...words, "--db", file]);
      assert.equal(status, 1, `${words.join(" ")}: ${stdout}${stderr}`);
      assert.match(`${stdout}${stderr}`, /cli\.db is damaged/, words.join(" "));
      assert.doesNotMatch(stderr, /defect of vflag|\n {4}at /, words.join(" "));
    }
  });
});

describe("the spool", {
  skip: process.getuid?.() === 0 ? false : "needs root, to make folders of another user",
}, () => {
  const made = (name: string, make: (path: string) => void) => {
    const path = join(folder, name);
    make(path);
    return path;
  };

  test("is this user's alone", () => {
    const path = join(folder, "spool");
    ownFolder(path);
    ownFolder(path);
  });

  test("of another user, a link, or what others may write is refused, and nothing in it is run or removed", () => {
    const other = made("other", (path) => {
      mkdirSync(path);
      chownSync(path, 65534, 65534);
    });
    assert.throws(() => ownFolder(other), /other belongs to user 65534: what lies in it is not trusted/);
    const link = made("link", (path) => symlinkSync(join(folder, "spool"), path));
    assert.throws(() => ownFolder(link), /link is a link/);
    const open = made("open", (path) => {
      mkdirSync(path);
      chmodSync(path, 0o777);
    });
    assert.throws(() => ownFolder(open), /open can be written by others/);
    assert.throws(() => ownFolder(join(open, "spool")), /open is not this user's alone/);
    assert.throws(() => ownFolder(join(other, "spool")), /other is not this user's alone/);
    const file = made("file", (path) => writeFileSync(path, ""));
    assert.throws(() => ownFolder(file), /file is no folder/);
    const sticky = made("sticky", (path) => {
      mkdirSync(path);
      chmodSync(path, 0o1777);
    });
    ownFolder(join(sticky, "spool"));
  });
});
