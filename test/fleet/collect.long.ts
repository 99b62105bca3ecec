import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { isInstalled } from "../../scripts/package/tools.ts";
import { argvOf, type CollectOptions, collect, type RunAnsible } from "../../src/fleet/collect/ansible.ts";
import { History } from "../../src/fleet/history/history.ts";
import { Reader } from "../../src/fleet/reading/reader.ts";
import type { RunProgram } from "../../src/host/linux/system/program.ts";
import { fleetSpec, makeFleet } from "../support/fleet.ts";
import { usersEnvironment, vflag } from "../support/vflag.ts";

/** `vflag fleet collect`, with a made-up ansible and with the real one. */

const root = mkdtempSync(join(tmpdir(), "vflag-fleet-collect-"));
after(() => rmSync(root, { recursive: true }));
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(root, "x"));
});
const inRoot = (name: string) => join(folder, name);
const open = () => History.open(inRoot("fleet.db"), "0");
const reader = new Reader();
after(() => reader[Symbol.dispose]());

function options(more: Partial<CollectOptions> = {}): CollectOptions {
  const how = { forks: 5, connectSeconds: 5, taskSeconds: 20, become: false, program: "vflag" };
  return { inventories: [inRoot("inventory.yml")], pattern: "all", ...how, spool: inRoot("spool"), ...more };
}

/** Answers as `ansible --list-hosts` and `ansible-inventory --list` do. */
function inventoryOf(hosts: Readonly<Record<string, object>>): RunProgram {
  writeFileSync(inRoot("inventory.yml"), "");
  return async ([program]) => ({
    code: 0,
    stderr: "",
    stdout:
      program === "ansible"
        ? `  hosts (${Object.keys(hosts).length}):\n${Object.keys(hosts)
            .map((host) => `    ${host}\n`)
            .join("")}`
        : JSON.stringify({ _meta: { hostvars: hosts } }),
  });
}

/** What the plugin writes of a host that has answered. */
function told(spool: string, name: string, host: string, answer: string): void {
  writeFileSync(join(spool, `${name}.out`), answer);
  writeFileSync(join(spool, `${name}.json`), JSON.stringify({ host, status: "ok", rc: 0 }));
}

describe("a made-up ansible", () => {
  test("a host of which nothing is told is recorded as that, with what ansible said", async () => {
    using history = open();
    const ansible: RunAnsible = async (_argv, env) => {
      const spool = env["VFLAG_FLEET_SPOOL"] ?? "";
      writeFileSync(
        join(spool, "1-1.json"),
        JSON.stringify({ host: "hv1", status: "unreachable", msg: "no route to host" }),
      );
      writeFileSync(join(spool, "1-2.json.part"), "{");
      return "it was ended at its time limit";
    };
    const result = await collect(history, reader, options(), {
      run: inventoryOf({ hv1: {}, hv2: {} }),
      ansible,
    });
    assert.deepEqual(result.failures, [
      { host: "hv1", kind: "unreachable", message: "no route to host" },
      {
        host: "hv2",
        kind: "no-answer",
        message: "ansible told nothing of it: it was ended at its time limit",
      },
    ]);
    const told = history.known().map(({ host, failure }) => [host, failure?.kind, failure?.message]);
    assert.deepEqual(told, [
      ["hv1", "unreachable", "no route to host"],
      ["hv2", "no-answer", "ansible told nothing of it: it was ended at its time limit"],
    ]);
    assert.equal(existsSync(inRoot("spool")) && readdirSync(inRoot("spool")).length > 0, false);
  });

  test("what a killed run had on disk is taken in by the next one", async () => {
    using history = open();
    const fleet = await makeFleet();
    const dead = spawnSync("true").pid;
    mkdirSync(inRoot(`spool/${dead}`), { recursive: true });
    told(inRoot(`spool/${dead}`), "7-1", "hv9", fleet.report(9, 0));
    const result = await collect(history, reader, options(), {
      run: inventoryOf({ hv1: {} }),
      ansible: async () => "",
    });
    assert.deepEqual(
      [result.recovered, result.failures],
      [1, [{ host: "hv1", kind: "no-answer", message: "ansible told nothing of it" }]],
    );
    assert.equal(
      history.known().find(({ host }) => host === "hv9")?.observation?.outcome.nics[0]?.nic,
      "data",
    );
    assert.deepEqual(readdirSync(inRoot(`spool/${dead}`)), []);
  });

  test("the inventory's spec counts before the host's own; a template is not guessed at", async () => {
    using history = open();
    const fleet = await makeFleet();
    const declared = { version: 1, nics: [{ name: "other", mode: "sriov", ports: ["ens3f0"], vfs: 16 }] };
    const ansible: RunAnsible = async (_argv, env) => {
      for (const host of ["hv1", "hv2", "hv3"])
        told(env["VFLAG_FLEET_SPOOL"] ?? "", host, host, fleet.report(1, 0));
      return "";
    };
    const run = inventoryOf({ hv1: { vflag: declared }, hv2: { vflag: "{{ other }}" }, hv3: {} });
    const result = await collect(history, reader, options(), { run, ansible });
    assert.deepEqual(
      result.failures.map(({ host, kind }) => [host, kind]),
      [["hv2", "invalid"]],
    );
    const [hv1, hv2, hv3] = history.known();
    assert.deepEqual(
      [hv1?.observation?.specFrom, hv1?.observation?.outcome.nics[0]?.nic],
      ["hv1: variable vflag", "other"],
    );
    assert.match(hv2?.failure?.message ?? "", /Jinja template/);
    assert.deepEqual(
      [hv3?.observation?.specFrom, hv3?.observation?.outcome.nics[0]?.nic],
      ["hv3:/etc/vflag/vflag.yaml", "data"],
    );
  });

  test("a pattern without hosts, and an inventory that is not there, are said", async () => {
    using history = open();
    await assert.rejects(
      collect(history, reader, options(), { run: inventoryOf({}) }),
      /no host of the inventory matches "all"/,
    );
    await assert.rejects(
      collect(history, reader, options({ inventories: ["/nosuch/inventory"] }), {}),
      /\/nosuch\/inventory: no such inventory/,
    );
  });

  test("nothing of the command line can be taken for an option, and no shell reads it", () => {
    const argv = argvOf(options({ pattern: "--playbook-dir=/x", program: 'v"; rm' }));
    assert.deepEqual(argv.slice(-2), ["--", "--playbook-dir=/x"]);
    const args = JSON.parse(argv.find((word) => word.startsWith("--args="))?.slice(7) ?? "") as {
      argv: string[];
    };
    assert.deepEqual(args.argv.slice(1), ["inspect", "-o", "json", "--with-spec"]);
    assert.match(args.argv[0] ?? "", /default\("v\\"; rm", true\)/);
  });
});

const skip = isInstalled("ansible") ? false : "ansible is not installed (Debian: ansible-core)";

describe("the real ansible", { skip, timeout: 240_000 }, () => {
  /** A host that is this machine, with a simulated host as what vflag sees there. */
  function script(name: string, text: string): string {
    const file = inRoot(name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  function simulated(name: string): string {
    const run = (...args: string[]) => {
      const { status, stderr } = spawnSync(vflag, args, {
        cwd: folder,
        env: usersEnvironment,
        encoding: "utf8",
        timeout: 60_000,
      });
      assert.equal(status, 0, stderr);
    };
    run("simulate", "new", `${name}.json`, "--bond", "bond0");
    writeFileSync(inRoot(`${name}.yaml`), fleetSpec);
    return script(
      name,
      `shift; exec ${vflag} inspect --host ${inRoot(`${name}.json`)} --spec ${inRoot(`${name}.yaml`)} "$@"`,
    );
  }

  test("each host of the inventory is recorded: its state and spec, or why there is none", () => {
    const local = "ansible_connection: local";
    const hosts = [
      `fine: {${local}, vflag_program: ${simulated("fine")}}`,
      `declared: {${local}, vflag_program: ${simulated("declared")}, vflag: {version: 1, nics: [{name: inventory, mode: sriov, ports: [ens3f0], vfs: 4}]}}`,
      `broken: {${local}, vflag_program: ${script("broken", "echo it does not start >&2; exit 3")}}`,
      `babbling: {${local}, vflag_program: ${script("babbling", "echo hello")}}`,
      `slow: {${local}, vflag_program: ${script("slow", "sleep 100")}}`,
      `missing: {${local}, vflag_program: ${inRoot("nosuch")}}`,
      `away: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}`,
    ];
    writeFileSync(
      inRoot("inventory.yml"),
      `all:\n  vars: {ansible_python_interpreter: /usr/bin/python3}\n  hosts:\n${hosts.map((line) => `    ${line}\n`).join("")}`,
    );
    const words = [
      "fleet",
      "collect",
      "-i",
      "inventory.yml",
      "--task-timeout",
      "15",
      "--timeout",
      "5",
      "--db",
      "fleet.db",
    ];
    const { status, stdout, stderr } = spawnSync(vflag, words, {
      cwd: folder,
      encoding: "utf8",
      timeout: 200_000,
      env: { ...usersEnvironment, HOME: folder },
    });
    assert.equal(status, 2, `${stdout}${stderr}`);
    assert.match(stdout, /7 hosts asked: 2 answered, 5 did not\./);
    using history = open();
    const known = new Map(history.known().map((each) => [each.host, each]));
    assert.equal(known.size, 7);
    const fine = known.get("fine")?.observation;
    assert.ok(fine);
    assert.deepEqual(
      [fine.specFrom, fine.outcome.nics.map(({ nic }) => nic)],
      [`fine:${inRoot("fine.yaml")}`, ["data"]],
    );
    assert.equal(history.specText(fine.specId ?? 0), fleetSpec);
    assert.equal(history.state(fine).pfs.length, 2);
    assert.deepEqual(
      known.get("declared")?.observation?.outcome.nics.map(({ nic }) => nic),
      ["inventory"],
    );
    const failure = (host: string) =>
      `${known.get(host)?.failure?.kind}: ${known.get(host)?.failure?.message}`;
    assert.match(failure("broken"), /^failed: exit code 3: it does not start$/);
    assert.match(failure("babbling"), /^invalid: not valid JSON/);
    assert.match(failure("slow"), /^failed: .*(expected time frame|timed out|timeout)/i);
    assert.match(failure("missing"), /^failed: .*(No such file|not found)/);
    assert.match(failure("away"), /^unreachable: .*(refused|Failed to connect)/);
    assert.equal(
      existsSync(inRoot("fleet.db.spool")) && readdirSync(inRoot("fleet.db.spool")).length > 0,
      false,
    );
  });
});
