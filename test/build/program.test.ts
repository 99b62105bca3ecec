import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bundle } from "../../scripts/bundle.ts";
import { version } from "../../src/cli/version.ts";
import { runVflag } from "../support/command.ts";
import { sharedProgram } from "../support/program.ts";

/** The shipped program is the same program: what it says is held against what the sources say. */

const folder = mkdtempSync(join(tmpdir(), "vflag-build-"));
after(() => rmSync(folder, { recursive: true }));
const program = await sharedProgram();

writeFileSync(
  join(folder, "vflag.yaml"),
  "version: 1\nnics:\n  - {name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 2, bond: bond0, physnet: physnet2}\n",
);
await ofSources(["simulate", "new", "host.json"]);

/** What the sources say, in this process. */
async function ofSources(args: readonly string[]) {
  return comparable(await runVflag(folder, args));
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return comparable(
    spawnSync(program, args, {
      cwd: folder,
      encoding: "utf8",
      timeout: 60_000,
      env: { ...process.env, ...env },
    }),
  );
}

function comparable({ status, stdout, stderr }: { status: number | null; stdout: string; stderr: string }) {
  return { status, stdout: stdout.replaceAll(/observed \S+/g, "observed then"), stderr };
}

const target = ["--spec", "vflag.yaml", "--host", "host.json"];
for (const args of [
  ["--help"],
  ["plan", ...target],
  ["verify", ...target],
  ["verify", "--spec", "missing.yaml"],
  ["explain", "lag"],
  ["init", "--host", "host.json"],
  ["inspect", "--host", "host.json"],
  ["map", ...target],
  ["render"],
  ["render", "70-vflag.rules", ...target],
  ["nova", "print", "--release", "2024.1", ...target],
  ["neutron", "diff", "ml2_conf.ini", "--release", "zed", ...target],
  ["uninstall", "--dry-run", "--host", "host.json"],
  ["completion", "bash"],
  ["nosuch"],
]) {
  test(`vflag ${args.join(" ")}`, async () => assert.deepEqual(run(args), await ofSources(args)));
}

test("it keeps a fleet's history: SQLite, compression and the page are in it", async () => {
  const { stdout } = await ofSources(["inspect", ...target, "-o", "json", "--with-spec"]);
  writeFileSync(join(folder, "hv1.json"), stdout);
  const db = ["--db", "fleet.db"];
  assert.deepEqual(run(["fleet", "import", "hv1.json", ...db]), {
    status: 0,
    stdout: "1 state stored, 0 not understood.\n",
    stderr: "",
  });
  for (const args of [
    ["status", "--hosts"],
    ["plan"],
    ["diff", "--since", "1h", "-o", "json"],
    ["prune", "--check"],
  ]) {
    const [shipped, plain] = [run(["fleet", ...args, ...db]), await ofSources(["fleet", ...args, ...db])];
    // Ages grow meanwhile, and with them the column.
    const still = (text: string) =>
      text.replaceAll(/\d+ (s|min)\b|"since": "[^"]*"/g, "").replaceAll(/ +/g, " ");
    assert.deepEqual(
      [shipped.status, still(shipped.stdout), shipped.stderr],
      [plain.status, still(plain.stdout), ""],
      args.join(" "),
    );
  }
  assert.equal(run(["fleet", "report", "--write", "fleet.html", ...db]).status, 0);
  assert.match(readFileSync(join(folder, "fleet.html"), "utf8"), /"name":"hv1"/);
});

test("it writes a proposal, once", () => {
  const write = ["init", "--write", "--spec", "proposed.yaml", "--host", "host.json"];
  assert.match(run(write).stdout, /proposed\.yaml is written/);
  assert.match(run(write).stderr, /is there already/);
});

test("no import is left to be made while it runs: a startup snapshot cannot make one", async () => {
  assert.doesNotMatch(await bundle(), /[^.\w]import\(/);
});

test("it says its version, whatever NODE_OPTIONS wants", () => {
  assert.deepEqual(run(["--version"], { NODE_OPTIONS: "--nosuch" }), {
    status: 0,
    stdout: `${version}\n`,
    stderr: "",
  });
});

test("it looks at this machine, without a warning", () => {
  const { status, stderr } = run(["inspect"]);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
});

test("it applies to a simulated host", () => {
  const { status, stdout } = run(["boot", "early", ...target]);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /data {2}settled/);
});
