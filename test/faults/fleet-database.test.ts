import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { History } from "../../src/fleet/history/history.ts";
import { expectVflag } from "../support/command.ts";
import { demoSpec, makeHost, mounted, noMounts, run, runFaulty } from "../support/faults.ts";
import { noStrace } from "../support/strace.ts";
import { vflag } from "../support/vflag.ts";

/**
 * The fleet's database where the machine does not let it be written: nothing of it is lost, and the same
 * command does it later.
 */

const database = ["--db", "db/fleet.db"];

/** A folder with the states of some hosts, and a place for a database. */
async function makeStates(t: TestContext, hosts: number): Promise<string> {
  const folder = makeHost(t);
  mkdirSync(join(folder, "db"));
  mkdirSync(join(folder, "states"));
  const { stdout } = await expectVflag(folder, 0, ["inspect", "--host", "host.json", "-o", "json"]);
  const state = JSON.parse(stdout);
  for (let host = 0; host < hosts; host++) {
    // Each has a text of its own, which takes its own space.
    const own = { ...state, hostname: `hv${host}`, kernel: `6.1.${"x".repeat(20_000)}${host}` };
    writeFileSync(join(folder, `states/hv${host}.json`), JSON.stringify(own));
    writeFileSync(join(folder, `states/hv${host}.yaml`), demoSpec);
  }
  return folder;
}

/** Runs commands of a shell where `db` is a file system of its own. `$V` is the program. */
function onFileSystem(folder: string, options: string, script: string) {
  const mount = `mount -t tmpfs -o ${options} tmpfs db`;
  return run(folder, mounted(mount, ["sh", "-c", script]), { V: vflag });
}

describe("a file system that is full", { skip: noMounts() }, () => {
  test("an import ends with its name and what to do; what was in is whole, and after room was made all of it comes in", async (t) => {
    const hosts = 300;
    const folder = await makeStates(t, hosts);
    const again = `
      $V fleet import states --db db/fleet.db
      echo "full: $?"
      cp db/fleet.db* .
      mount -o remount,size=64m db
      $V fleet import states --db db/fleet.db
      echo "again: $?"
      $V fleet prune --check --db db/fleet.db
      cp db/fleet.db after.db`;
    const { stdout, stderr } = onFileSystem(folder, "size=200k", again);
    assert.match(stdout, /^full: 1\n[\s\S]*\nagain: 0\nThe database is whole\.\n/, stderr);
    assert.match(
      stderr,
      /^vflag: db\/fleet\.db: database or disk is full: there is no space left [^\n]*make room, and try again\n$/,
    );
    // As it was when there was no space.
    using cut = History.open(join(folder, "fleet.db"), "1");
    assert.deepEqual(cut.problems(), []);
    const found = cut.known().length;
    assert.ok(found > 0 && found < hosts, `${found} hosts found room`);
    using after = History.open(join(folder, "after.db"), "1");
    assert.deepEqual(
      after.known().map(({ host, observation }) => [host, observation?.outcome.nics.length]),
      hostsWithOneNic(hosts),
    );
  });

  test("no room for a database at all is an error of the machine", async (t) => {
    const { stdout, stderr } = onFileSystem(
      await makeStates(t, 1),
      "size=4k",
      "$V fleet import states --db db/fleet.db; echo $?",
    );
    assert.equal(stdout, "1\n");
    assert.match(stderr, /^vflag: db\/fleet\.db: [^\n]+\n$/);
    assert.doesNotMatch(stderr, /defect|damaged/);
  });
});

test("a read-only file system is named by every command that opens the database, and nothing else is said", {
  skip: noMounts(),
}, async (t) => {
  const folder = await makeStates(t, 2);
  const commands = [
    "status",
    "plan",
    "diff --since 1d",
    "report --write r.html",
    "prune --older-than 1d",
    "import states",
  ];
  const script = `
    $V fleet import states --db db/fleet.db >made 2>&1 || exit 1
    mount -o remount,ro db
    ${commands.map((words) => `$V fleet ${words} --db db/fleet.db; echo "$?"`).join("\n")}`;
  const { stdout, stderr } = onFileSystem(folder, "size=16m", script);
  assert.equal(stdout, "1\n".repeat(commands.length), stderr);
  const lines = stderr.trimEnd().split("\n");
  assert.equal(lines.length, commands.length, stderr);
  for (const line of lines)
    assert.match(
      line,
      /^vflag: db\/fleet\.db: [^:]+: it[^:]* cannot be [^:]*: (its|is its) file system .*read-only/,
    );
});

describe("a system call that is refused", { skip: noStrace() }, () => {
  /**
   * At its first write, at a later one, and from then on: SQLite writes its log, the database, and the memory
   * that processes share.
   */
  const faults = [
    "pwrite64:error=ENOSPC:when=1",
    "pwrite64:error=EDQUOT:when=3+",
    "pwrite64:error=EROFS:when=2+",
    "fdatasync,fsync:error=EIO:when=1",
    "ftruncate,fallocate:error=ENOSPC:when=1+",
    "openat:error=EROFS:when=2+",
  ];
  for (const fault of faults)
    test(`${fault}: the import says so of the file or does its work, and does it when nothing is refused any more`, async (t) => {
      const folder = await makeStates(t, 4);
      await expectVflag(folder, 0, ["fleet", "import", "states/hv0.json", ...database]);
      const files = ["", "-wal", "-shm"].map((ending) => join(folder, `db/fleet.db${ending}`));
      const { status, stderr, isStruck } = runFaulty(
        folder,
        [vflag, "fleet", "import", "states", ...database],
        [fault],
        files,
      );
      assert.ok(isStruck, "the call was made");
      if (status !== 0) {
        assert.equal(status, 1);
        assert.match(stderr, /^vflag: db\/fleet\.db: [^\n]+\n$/);
        assert.doesNotMatch(stderr, /defect|damaged/);
      }
      {
        using history = History.open(join(folder, "db/fleet.db"), "1");
        assert.deepEqual(history.problems(), []);
        assert.ok(
          history.known().some(({ host }) => host === "hv0"),
          "what was in stays",
        );
      }
      await expectVflag(folder, 0, ["fleet", "import", "states", ...database]);
      using history = History.open(join(folder, "db/fleet.db"), "1");
      assert.deepEqual(
        history.known().map(({ host, observation }) => [host, observation?.outcome.nics.length]),
        hostsWithOneNic(4),
      );
    });
});

function hostsWithOneNic(many: number): (string | number)[][] {
  return Array.from({ length: many }, (_, host) => [`hv${host}`, 1]);
}
