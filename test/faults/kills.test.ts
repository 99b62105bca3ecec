import assert from "node:assert/strict";
import { chmodSync, cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { demoSpec, makeHost, noStrace, onHost, run, runFaulty, vflag } from "../support/faults.ts";

/**
 * Commands that write are killed, or the kernel refuses, at one of their system calls. FAULT_ROUNDS=40: 200 kills and 200 faults in all.
 * Whatever became of one, no file is half, and the same command, run again, ends as one ends that nothing happened to. (What is written
 * by system calls of an installation in /etc: test/properties/killed-install.test.ts.)
 */

const rounds = Number(process.env["FAULT_ROUNDS"] ?? 1);

interface Scenario {
  readonly name: string;
  /** Fills a folder with what the command begins with. */
  readonly prepare: (t: TestContext) => string;
  readonly argv: readonly string[];
  readonly env?: (folder: string) => Readonly<Record<string, string>>;
  /** Exit codes of a run to which nothing happened. */
  readonly codes: readonly number[];
  /** What is there afterwards, apart from times and names of processes. Throws where something is half. */
  readonly outcome: (folder: string) => unknown;
}

/** A simulated host as it is in its file, and a journal whose every line but one that was cut is an object. */
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
  const check = run(folder, [vflag, "fleet", "prune", "--check", "--db", "fleet.db"]);
  assert.equal(check.stdout, "The database is whole.\n", check.stderr);
  const { hosts } = JSON.parse(run(folder, [vflag, "fleet", "status", "--db", "fleet.db", "-o", "json", "--stale", "9999w"]).stdout);
  return hosts.map(({ age: _, ...host }: { age: number }) => host);
}

function kayobe(t: TestContext): string {
  const folder = makeHost(t);
  const spec = { version: 1, nics: [{ name: "data", mode: "sriov", ports: ["ens1"], vfs: 2, physnet: "physnet2" }] };
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
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  const found = entries.map((entry): [string, string] => {
    const path = join(entry.parentPath, entry.name);
    return [path.slice(root.length), lstatSync(path).isSymbolicLink() ? `-> ${readlinkSync(path)}` : readFileSync(path, "utf8")];
  });
  return Object.fromEntries(found.sort());
}

const scenarios: readonly Scenario[] = [
  { name: "apply", prepare: afterBoot, argv: ["apply", ...onHost], codes: [0], outcome: hostOf },
  { name: "boot early", prepare: makeHost, argv: ["boot", "early", ...onHost], codes: [0], outcome: hostOf },
  { name: "boot late", prepare: afterBoot, argv: ["boot", "late", ...onHost], codes: [0], outcome: hostOf },
  { name: "fleet import", prepare: fleet, argv: ["fleet", "import", "states", "--db", "fleet.db"], codes: [0], outcome: databaseOf },
  {
    name: "kayobe write",
    prepare: kayobe,
    argv: ["kayobe", "write", "--config", "etc", "--release", "2024.1"],
    env: (folder) => ({ PATH: `${join(folder, "bin")}:${process.env["PATH"]}` }),
    codes: [0],
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
const refused = ["fsync", "fdatasync", "rename", "fchmod", "unlink", "mkdir", "ftruncate", "pwrite64", "flock", "symlink", "getdents64"];
const errors = ["ENOSPC", "EDQUOT", "EIO", "EROFS", "ENOLCK", "EACCES"];

const noVariables: Readonly<Record<string, string>> = {};

for (const { name, prepare, argv, env = () => noVariables, codes, outcome } of scenarios)
  test(`${name}, killed and refused anywhere, leaves whole files, and ends the same when it is run again`, { skip: noStrace() }, (t) => {
    const start = prepare(t);
    const reference = `${start}-reference`;
    const work = `${start}-work`;
    t.after(() => {
      for (const folder of [reference, work]) rmSync(folder, { recursive: true, force: true });
    });
    const begin = (folder: string) => {
      rmSync(folder, { recursive: true, force: true });
      cpSync(start, folder, { recursive: true, verbatimSymlinks: true });
    };
    begin(reference);
    assert.ok(codes.includes(run(reference, [vflag, ...argv], env(reference)).status ?? -1));
    const wanted = outcome(reference);
    let [cut, failed] = [0, 0];
    for (let round = 0; round < 2 * rounds; round++) {
      const isKill = round % 2 === 0;
      const call = isKill ? killed[pick(killed.length)] : refused[pick(refused.length)];
      const many = pick(2) === 0 ? "+" : "";
      const fault = isKill
        ? `${call}:signal=KILL:when=${1 + pick(60)}`
        : `${call}:error=${errors[pick(errors.length)]}:when=${1 + pick(6)}${many}`;
      begin(work);
      const before = outcome === databaseOf ? null : outcome(work);
      const path = Object.entries(env(work)).flatMap(([variable, value]) => ["env", `${variable}=${value}`]);
      const first = runFaulty(work, [...path, vflag, ...argv], [fault]);
      if (first.status === null || first.status === 137) cut++;
      else if (!codes.includes(first.status)) failed++;
      assert.doesNotMatch(first.stderr, /defect of vflag/, `${fault}: ${first.stderr}`);
      if (before !== null) assert.doesNotThrow(() => outcome(work), fault);
      const again = run(work, [vflag, ...argv], env(work));
      assert.ok(codes.includes(again.status ?? -1), `${fault}: ${again.stderr}`);
      assert.deepEqual(outcome(work), wanted, fault);
      // What a killed writer left of a file is removed by the next one that writes it.
      if (name === "kayobe write") continue;
      const left = readdirSync(work).filter((entry) => entry.includes(".vflag-"));
      assert.ok(left.length <= 1, `${fault}: ${left.join(", ")}`);
    }
    t.diagnostic(`${rounds} kills, ${cut} in time; ${rounds} faults, ${failed} of them ended it`);
  });

for (const { name, prepare, argv, codes, outcome } of scenarios.filter((scenario) => scenario.outcome === hostOf))
  test(`${name} is kept from nothing by its journal`, { skip: noStrace() }, (t) => {
    for (let round = 0; round < rounds; round++) {
      const folder = prepare(t);
      const journal = join(folder, "host.json.journal.jsonl");
      writeFileSync(journal, "");
      const fault = `openat,write,fsync,fstat,pread64:error=${errors[pick(errors.length)]}:when=${1 + pick(10)}+`;
      const { status, stderr } = runFaulty(folder, [vflag, ...argv], [fault], [journal]);
      assert.ok(codes.includes(status ?? -1), `${fault}: ${stderr}`);
      const before = JSON.stringify(outcome(folder));
      run(folder, [vflag, ...argv]);
      assert.equal(JSON.stringify(outcome(folder)), before, fault);
    }
  });

function pick(below: number): number {
  return Math.floor(Math.random() * below);
}
