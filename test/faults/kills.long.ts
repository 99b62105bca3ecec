import assert from "node:assert/strict";
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { statusOf } from "../../src/fleet/answers/status.ts";
import { History } from "../../src/fleet/history/history.ts";
import { countFrom } from "../support/count.ts";
import { callsOf, demoSpec, makeHost, onHost, run, runFaulty, type SystemCall } from "../support/faults.ts";
import { noStrace } from "../support/strace.ts";
import { vflag } from "../support/vflag.ts";

/**
 * Commands that write are killed, or the kernel refuses, at one of their system calls. FAULT_ROUNDS=40: 200
 * kills and 200 faults in all. Whatever became of one, no file is half, and the same command, run again, ends
 * as one ends that nothing happened to. (What is written by system calls of an installation in /etc:
 * test/properties/killed-install.long.ts.)
 *
 * Where they strike is one of the calls that the same command made when nothing happened to it, from the
 * first on that has to do with its files. One that did not come to be, because threads do not keep the same
 * pace, is not counted, and another one takes its place.
 */

const rounds = countFrom("FAULT_ROUNDS", 1);

interface Scenario {
  readonly name: string;
  /** Fills a folder with what the command begins with. */
  readonly prepare: (t: TestContext) => string;
  readonly argv: readonly string[];
  readonly env?: (folder: string) => Readonly<Record<string, string>>;
  /** Exit codes of a run to which nothing happened. */
  readonly codes: readonly number[];
  /** Its files, as system calls name them. */
  readonly ours: RegExp;
  /** What is there afterwards, apart from times and names of processes. Throws where something is half. */
  readonly outcome: (folder: string) => unknown;
}

/**
 * A simulated host as it is in its file, and a journal whose every line but one that was cut is an object.
 */
function hostOf(folder: string): unknown {
  const { state, ...rest } = JSON.parse(readFileSync(join(folder, "host.json"), "utf8"));
  return { ...rest, state: { ...state, observedAt: "" }, history: undefined };
}

function afterBoot(t: TestContext): string {
  const folder = makeHost(t);
  run(folder, [vflag, "boot", "early", ...onHost]);
  run(folder, [vflag, "simulate", "network", "host.json"]);
  return folder;
}

function fleet(t: TestContext): string {
  const folder = makeHost(t);
  mkdirSync(join(folder, "states"));
  const state = run(folder, [vflag, "inspect", "--host", "host.json", "-o", "json"]).stdout;
  for (const host of ["h1", "h2", "h3"]) {
    writeFileSync(join(folder, `states/${host}.json`), state);
    writeFileSync(join(folder, `states/${host}.yaml`), demoSpec);
  }
  return folder;
}

/** What the database says of its hosts; it must be whole. */
function databaseOf(folder: string): unknown {
  using history = History.open(join(folder, "fleet.db"), "1");
  assert.deepEqual(history.problems(), []);
  const { hosts } = statusOf(history.known(), Date.now(), Number.MAX_SAFE_INTEGER);
  return hosts.map(({ age: _, ...host }) => host);
}

function kayobe(t: TestContext): string {
  const folder = makeHost(t);
  const spec = {
    version: 1,
    nics: [{ name: "data", mode: "sriov", ports: ["ens1"], vfs: 2, physnet: "physnet2" }],
  };
  const answer = {
    _meta: { hostvars: { h1: { vflag: spec }, h2: { vflag: spec } } },
    all: { children: ["compute"] },
    compute: { hosts: ["h1", "h2"] },
  };
  writeFileSync(join(folder, "answer.json"), JSON.stringify(answer));
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/ansible-inventory"), `#!/bin/sh\ncat ${join(folder, "answer.json")}\n`);
  chmodSync(join(folder, "bin/ansible-inventory"), 0o755);
  mkdirSync(join(folder, "etc/inventory"), { recursive: true });
  writeFileSync(join(folder, "etc/inventory/hosts"), "");
  writeFileSync(join(folder, "etc/kolla.yml"), "---\n# mine\nkolla_base_distro: debian\n");
  return folder;
}

function treeOf(folder: string): Record<string, string> {
  const root = join(folder, "etc");
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter(
    (entry) => !entry.isDirectory(),
  );
  const found = entries.map((entry): [string, string] => {
    const path = join(entry.parentPath, entry.name);
    return [
      path.slice(root.length),
      lstatSync(path).isSymbolicLink() ? `-> ${readlinkSync(path)}` : readFileSync(path, "utf8"),
    ];
  });
  return Object.fromEntries(found.sort());
}

const simulated = { codes: [0], ours: /host\.json/, outcome: hostOf };
const scenarios: readonly Scenario[] = [
  { ...simulated, name: "apply", prepare: afterBoot, argv: ["apply", ...onHost] },
  { ...simulated, name: "boot early", prepare: makeHost, argv: ["boot", "early", ...onHost] },
  { ...simulated, name: "boot late", prepare: afterBoot, argv: ["boot", "late", ...onHost] },
  {
    name: "fleet import",
    prepare: fleet,
    argv: ["fleet", "import", "states", "--db", "fleet.db"],
    codes: [0],
    ours: /fleet\.db/,
    outcome: databaseOf,
  },
  {
    name: "kayobe write",
    prepare: kayobe,
    argv: ["kayobe", "write", "--config", "etc", "--release", "2024.1"],
    env: (folder) => ({ PATH: `${join(folder, "bin")}:${process.env["PATH"]}` }),
    codes: [0],
    ours: /etc\/kolla/,
    outcome: treeOf,
  },
];

const killed = [
  "openat",
  "write",
  "pwrite64",
  "fsync",
  "fdatasync",
  "rename",
  "fchmod",
  "unlink",
  "mkdir",
  "close",
  "statx",
  "ftruncate",
  "flock",
  "futex",
];
const refused = [
  "fsync",
  "fdatasync",
  "rename",
  "fchmod",
  "unlink",
  "mkdir",
  "ftruncate",
  "pwrite64",
  "flock",
  "symlink",
  "getdents64",
];
const errors = ["ENOSPC", "EDQUOT", "EIO", "EROFS", "ENOLCK", "EACCES"];

const noVariables: Readonly<Record<string, string>> = {};

for (const { name, prepare, argv, env = () => noVariables, codes, ours, outcome } of scenarios)
  test(`${name}, killed and refused anywhere, leaves whole files, and ends the same when it is run again`, {
    skip: noStrace(),
  }, (t) => {
    const start = prepare(t);
    const work = `${start}-work`;
    t.after(() => rmSync(work, { recursive: true, force: true }));
    const begin = () => {
      rmSync(work, { recursive: true, force: true });
      cpSync(start, work, { recursive: true, verbatimSymlinks: true });
    };
    const command = [
      ...Object.entries(env(work)).map(([variable, value]) => `${variable}=${value}`),
      vflag,
      ...argv,
    ];
    const traced = command[0] === vflag ? command : ["env", ...command];
    begin();
    const calls = callsOf(work, traced, [...new Set([...killed, ...refused])], ours);
    const wanted = outcome(work);
    const strikes = { kills: 0, refusals: 0, ended: 0 };
    for (let tries = 0; strikes.kills < rounds || strikes.refusals < rounds; tries++) {
      assert.ok(
        tries < 6 * rounds,
        `of ${tries} faults only ${strikes.kills} kills and ${strikes.refusals} refusals came to be`,
      );
      const isKill =
        strikes.kills < rounds && (strikes.kills <= strikes.refusals || strikes.refusals === rounds);
      const fault = isKill ? kill(calls) : refusal(calls);
      begin();
      const before = outcome === databaseOf ? null : outcome(work);
      const { status, stderr, isStruck } = runFaulty(work, traced, [fault]);
      if (isStruck) strikes[isKill ? "kills" : "refusals"] += 1;
      if (isStruck && !isKill && !codes.includes(status ?? -1)) strikes.ended += 1;
      assert.doesNotMatch(stderr, /defect of vflag/, `${fault}: ${stderr}`);
      if (before !== null) assert.doesNotThrow(() => outcome(work), fault);
      const again = run(work, [vflag, ...argv], env(work));
      assert.ok(codes.includes(again.status ?? -1), `${fault}: ${again.stderr}`);
      assert.deepEqual(outcome(work), wanted, fault);
      // What a killed writer left of a file is removed by the next one that writes it.
      if (name === "kayobe write") continue;
      const left = readdirSync(work).filter((entry) => entry.includes(".vflag-"));
      assert.ok(left.length <= 1, `${fault}: ${left.join(", ")}`);
    }
    t.diagnostic(
      `${strikes.kills} kills; ${strikes.refusals} refused calls, ${strikes.ended} of which ended it`,
    );
  });

for (const { name, prepare, argv, codes, outcome } of scenarios.filter(
  (scenario) => scenario.outcome === hostOf,
))
  test(`${name} is kept from nothing by its journal`, { skip: noStrace() }, (t) => {
    const start = prepare(t);
    const folder = `${start}-work`;
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const journal = join(folder, "host.json.journal.jsonl");
    for (let round = 0; round < rounds; round++) {
      rmSync(folder, { recursive: true, force: true });
      cpSync(start, folder, { recursive: true });
      writeFileSync(journal, "");
      const fault = `openat,write,fsync,fstat,pread64:error=${one(errors)}:when=${1 + pick(10)}+`;
      const { status, stderr, isStruck } = runFaulty(folder, [vflag, ...argv], [fault], [journal]);
      assert.ok(codes.includes(status ?? -1), `${fault}: ${stderr}`);
      assert.ok(isStruck, `${fault}: the journal is not written`);
      const before = JSON.stringify(outcome(folder));
      run(folder, [vflag, ...argv]);
      assert.equal(JSON.stringify(outcome(folder)), before, fault);
    }
  });

/** A kill at any of the calls. */
function kill(calls: readonly SystemCall[]): string {
  const { name, nth } = one(calls.filter((call) => killed.includes(call.name)));
  return `${name}:signal=KILL:when=${nth}`;
}

/** Any of the calls is refused, and every other time all of its name that follow. */
function refusal(calls: readonly SystemCall[]): string {
  const { name, nth } = one(calls.filter((call) => refused.includes(call.name)));
  return `${name}:error=${one(errors)}:when=${nth}${pick(2) === 0 ? "+" : ""}`;
}

function one<T>(of: readonly T[]): T {
  const found = of[pick(of.length)];
  if (found === undefined) throw new Error("there is none to pick");
  return found;
}

function pick(below: number): number {
  return Math.floor(Math.random() * below);
}
