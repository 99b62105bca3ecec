import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { HostState } from "../../src/host/state.ts";
import { HostMap } from "../../src/report/map-schema.ts";
import { usersEnvironment, vflag } from "../support/vflag.ts";

/** The command line as a user runs it: real processes, real files, in a folder of its own. */
const spec = `version: 1
nics:
  - name: data
    mode: vf-lag
    ports: [ens3f0, ens3f1]
    vfs: 2
    bond: bond0
`;
const onHost = ["--host", "host.json", "--spec", "vflag.yaml"];
let folder = "";
/** What each case begins with, made once. */
const start = mkdtempSync(join(tmpdir(), "vflag-cli-start-"));

before(() => {
  folder = start;
  writeFileSync(join(folder, "vflag.yaml"), spec);
  expect(0, ["simulate", "new", "host.json", "--bond", "bond0"]);
});
after(() => rmSync(start, { recursive: true }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vflag-cli-"));
  cpSync(start, folder, { recursive: true });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("files for the next boot", () => {
  test("render lists them, prints each, and says which this host does not need", () => {
    expect(0, ["render"], /\/etc\/udev\/rules\.d\/70-vflag\.rules {2}/);
    expect(0, ["render", "vflag-late.service", "--program", "/opt/vflag"], /ExecStart=\/opt\/vflag boot late --hold-udev\n/);
    expect(0, ["render", "70-vflag.rules", ...onHost], /"\*\/0000:37:00\.1\/net\/\*", .*NAME="ens3f1"/);
    expect(2, ["render", "vflag.conf", ...onHost], /this host needs no vflag\.conf/);
    expect(0, ["render", "vflag-verify.service", "--metrics", "/opt/x.prom"], /--write \/opt\/x\.prom\n/);
    expect(0, ["render", "vflag-verify.timer"], /WantedBy=timers\.target\n/);
    expect(1, ["render", "vflag-verify.service", "--metrics", "/opt/x%n"], /--metrics .*an absolute path of plain characters/);
    expect(1, ["render", "vflag-late.service", "--program", "/opt/a b"], /an absolute path of plain characters/);
    writeFileSync(join(folder, "vflag.yaml"), spec.replace("ens3f1", "ens9f9"));
    expect(1, ["render", "70-vflag.rules", ...onHost], /not found: those of data/);
  });

  test("uninstall shows, does, and has nothing left to do", () => {
    expect(2, ["apply", ...onHost]);
    const host = ["--host", "host.json"];
    const before = readFileSync(join(folder, "host.json"), "utf8");
    expect(
      2,
      ["uninstall", "--dry-run", ...host],
      /systemctl disable --no-reload vflag-early\.service\n[\s\S]*2 VFs of ens3f0[\s\S]*Nothing was changed/,
    );
    assert.equal(readFileSync(join(folder, "host.json"), "utf8"), before);
    expect(0, ["uninstall", ...host], /5 actions done/);
    expect(0, ["uninstall", ...host], /Nothing of vflag is left/);
    expect(0, ["uninstall", "--dry-run", ...host], /Nothing of vflag is left/);
    expect(0, ["render", "70-vflag.rules", ...onHost], /NAME="ens3f0"/);
  });
});

describe("map", () => {
  const map = ["map", ...onHost];

  test("a tree, JSON and a picture, of a simulated host and of its saved state", () => {
    for (const command of ["boot early", "simulate network", "boot late", "simulate guests"])
      expect(0, [...command.split(" "), ...(command.startsWith("boot") ? onHost : ["host.json"])]);
    const text = expect(0, map, /data {2}vf-lag {2}LAG active[\s\S]*web-1 \(domain instance-00000001\)/).stdout;
    assert.doesNotMatch(text, /[^\n\x20-\x7e]/);
    const json = expect(0, [...map, "-o", "json"]).stdout;
    assert.equal(HostMap.parse(JSON.parse(json)).nics[0]?.ports.length, 2);
    assert.match(expect(0, [...map, "-o", "svg"]).stdout, /^<svg [\s\S]*web-1[\s\S]*<\/svg>\n$/);
    writeFileSync(join(folder, "state.json"), expect(0, ["inspect", "--host", "host.json", "-o", "json"]).stdout);
    assert.equal(withoutTime(expect(0, [...map, "--host", "state.json"]).stdout), withoutTime(text));
  });

  test("without a spec it shows the cards; --nic takes a name that is there", () => {
    expect(0, ["map", "--host", "host.json"], /0000:37:00 {2}not declared/);
    expect(0, [...map, "--nic", "data"], /data {2}vf-lag/);
    expect(1, [...map, "--nic", "nosuch"], /no NIC is called "nosuch"; there are data/);
    expect(1, ["map", "--host", "host.json", "--spec", "nosuch.yaml"], /nosuch\.yaml: no such file/);
  });

  const withoutTime = (text: string) => text.replace(/observed \S+/, "");
});

describe("the whole way on a simulated host", () => {
  test("plan, boot early, networking, boot late, verify, and nothing left to do", () => {
    expect(2, ["plan", ...onHost], /Plan: \d+ steps, \d+ actions/);
    expect(2, ["verify", ...onHost], /data {2}vf-lag {2}does not work/);
    expect(0, ["boot", "early", "--hold-udev", ...onHost]);
    expect(0, ["simulate", "network", "host.json"]);
    expect(0, ["boot", "late", "--hold-udev", ...onHost]);
    expect(0, ["verify", ...onHost], /boot-units.*not installed[\s\S]*data {2}vf-lag {2}works/);
    expect(2, ["plan", ...onHost], /systemctl enable vflag-late\.service/);
    expect(0, ["apply", ...onHost], /4 actions/);
    expect(0, ["plan", ...onHost], /Nothing to do/);
    expect(0, ["apply", ...onHost], /Nothing was to be done/);
  });

  test("apply stops where networking must make the bond, and says so with exit code 2", () => {
    expect(2, ["apply", ...onHost], /networking makes it/);
    expect(0, ["simulate", "network", "host.json"]);
    expect(0, ["apply", ...onHost]);
  });

  test("plan changes nothing", () => {
    const before = readFileSync(join(folder, "host.json"), "utf8");
    expect(2, ["plan", ...onHost, "--full"]);
    assert.equal(readFileSync(join(folder, "host.json"), "utf8"), before);
    assert.deepEqual(readdirSync(folder).sort(), ["host.json", "vflag.yaml"]);
  });

  test("a kill in the middle of apply, then apply again, ends as without the kill", async () => {
    expect(0, ["boot", "early", ...onHost]);
    expect(0, ["simulate", "network", "host.json"]);
    copyFileSync(join(folder, "host.json"), join(folder, "start.json"));
    for (const milliseconds of [60, 90, 120, 150, 180, 220]) {
      copyFileSync(join(folder, "start.json"), join(folder, "host.json"));
      const child = spawn(vflag, ["apply", ...onHost], { cwd: folder, env: usersEnvironment, stdio: "ignore" });
      const ended = new Promise((resolve) => child.once("exit", resolve));
      await sleep(milliseconds);
      child.kill("SIGKILL");
      await ended;
      JSON.parse(readFileSync(join(folder, "host.json"), "utf8"));
      expect(0, ["apply", ...onHost]);
      expect(0, ["verify", ...onHost]);
    }
  });
});

describe("output", () => {
  test("inspect -o json fits the published schema, and can be rehearsed against anywhere", () => {
    const { stdout } = expect(0, ["inspect", "--host", "host.json", "-o", "json"]);
    HostState.parse(JSON.parse(stdout));
    writeFileSync(join(folder, "state.json"), stdout);
    expect(2, ["plan", "--host", "state.json", "--spec", "vflag.yaml"], /sriov_numvfs/);
    expect(0, ["simulate", "new", "twin.json", "--from", "state.json"]);
    expect(0, ["boot", "early", "--host", "twin.json", "--spec", "vflag.yaml"]);
  });

  test("verify writes a report to a file, whole, for everybody to read, and keeps the exit code", () => {
    for (const [format, begins] of [
      ["text", /^simulated · kernel /],
      ["json", /^\{\n {2}"schema": "vflag\/verdict\/1"/],
      ["junit", /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites /],
      ["prometheus", /^# HELP vflag_build_info /],
      ["html", /^<!doctype html>/],
    ] as const) {
      const { stdout } = expect(2, ["verify", ...onHost, "-o", format, "--write", `report.${format}`]);
      assert.equal(stdout, "data: does not work: ens3f0 (0000:37:00.0): 0 VFs\n");
      const text = readFileSync(join(folder, `report.${format}`), "utf8");
      assert.match(text, begins);
      assert.equal(statSync(join(folder, `report.${format}`)).mode & 0o777, 0o644);
    }
    const names = readdirSync(folder).filter((name) => name.includes("report"));
    assert.deepEqual(names.sort(), ["report.html", "report.json", "report.junit", "report.prometheus", "report.text"]);
    expect(1, ["verify", ...onHost, "--write", "nowhere/x"], /--write nowhere\/x: nowhere is no directory; make it first/);
    expect(1, ["verify", ...onHost, "--write", "."], /--write \.: that is no regular file/);
  });

  test("plan, verify and apply speak JSON", () => {
    const plan = JSON.parse(expect(2, ["plan", ...onHost, "-o", "json"]).stdout);
    assert.equal(plan.schema, "vflag/plan/1");
    assert.ok(plan.phases[0].steps[0].actions[0].commands[0].startsWith("vflag render vflag-early.service > "));
    const verdict = JSON.parse(expect(2, ["verify", ...onHost, "-o", "json"]).stdout);
    assert.deepEqual([verdict.schema, verdict.verdicts[0].answer], ["vflag/verdict/1", "broken"]);
    const applied = JSON.parse(expect(2, ["apply", ...onHost, "-o", "json"]).stdout);
    assert.deepEqual([applied.schema, applied.outcomes[1].status], ["vflag/applied/1", "stopped"]);
  });

  test("there are no colours in a pipe, and control characters of a device do not reach the terminal", () => {
    const state = JSON.parse(expect(0, ["inspect", "--host", "host.json", "-o", "json"]).stdout);
    state.hostname = "evil\u001b[2J\u0007";
    writeFileSync(join(folder, "state.json"), JSON.stringify(state));
    const { stdout } = expect(0, ["inspect", "--host", "state.json"]);
    assert.ok(!stdout.includes("\u001b") && !stdout.includes("\u0007"));
  });

  test("explain tells of one requirement, and lists them all", () => {
    expect(0, ["explain"], /^lag +late +the NIC's LAG is active/m);
    expect(0, ["explain", "lag"], /Put it right by hand/);
    expect(1, ["explain", "leg"], /did you mean lag/);
  });

  test("init proposes a spec that fits the host", () => {
    const { stdout } = expect(0, ["init", "--host", "host.json"]);
    writeFileSync(join(folder, "proposed.yaml"), stdout);
    expect(2, ["plan", "--host", "host.json", "--spec", "proposed.yaml"], /vf-count/);
    expect(0, ["init", "--host", "host.json", "--spec", "new.yaml", "--write"]);
    expect(1, ["init", "--host", "host.json", "--spec", "new.yaml", "--write"], /there already/);
  });

  test("completion scripts name the commands, and bash accepts them", () => {
    for (const shell of ["bash", "zsh", "fish"]) expect(0, ["completion", shell], /simulate/);
    const script = expect(0, ["completion", "bash"]).stdout;
    const completed = (words: string, at: number) => {
      const lines = `${script}\nCOMP_WORDS=(${words}); COMP_CWORD=${at}; _vflag; echo "\${COMPREPLY[@]}"`;
      return spawnSync("bash", ["-c", lines], { encoding: "utf8", cwd: folder, env: usersEnvironment }).stdout;
    };
    assert.match(completed('vflag boot ""', 2), /^early late/);
    assert.equal(completed('vflag verify -o ""', 3), "text json junit prometheus html\n");
    assert.equal(completed("vflag verify --write h", 3), "host.json\n");
  });
});

describe("refusals name what is wrong and what to do", () => {
  test("no spec", () => {
    expect(1, ["plan", "--host", "host.json", "--spec", "none.yaml"], /none\.yaml: no such file\.\n.*vflag init/);
  });
  test("a wrong spec", () => {
    writeFileSync(join(folder, "vflag.yaml"), spec.replace("vf-lag", "vflag"));
    expect(1, ["apply", ...onHost], /vflag\.yaml:4:11: nics\[0\]\.mode: .*did you mean "vf-lag"/);
  });
  test("no host file", () => {
    expect(1, ["inspect", "--host", "none.json"], /none\.json: /);
  });
  test("a host file that is no JSON", () => {
    writeFileSync(join(folder, "host.json"), "{");
    expect(1, ["inspect", "--host", "host.json"], /host\.json: not valid JSON/);
  });
  test("a host file of another kind", () => {
    writeFileSync(join(folder, "host.json"), '{"schema": "other/1"}');
    expect(1, ["verify", ...onHost], /neither a simulated host .* nor a saved state/);
  });
  test("a state that was damaged", () => {
    const state = JSON.parse(expect(0, ["inspect", "--host", "host.json", "-o", "json"]).stdout);
    state.pfs[0].address = "$(reboot)";
    writeFileSync(join(folder, "state.json"), JSON.stringify(state));
    expect(1, ["inspect", "--host", "state.json"], /not a PCI address[\s\S]*pfs\[0\]\.address/);
  });
  test("apply to a saved state", () => {
    const { stdout } = expect(0, ["inspect", "--host", "host.json", "-o", "json"]);
    writeFileSync(join(folder, "state.json"), stdout);
    expect(1, ["apply", "--host", "state.json", "--spec", "vflag.yaml"], /saved state.*\n.*simulate new/);
  });
  test("an unknown command, option, fault and model", () => {
    expect(1, ["aply"], /Did you mean apply/);
    expect(1, ["plan", "--hots", "x"], /Did you mean --host/);
    expect(1, ["simulate", "fault", "host.json", "third-slav"], /did you mean third-slave/);
    expect(1, ["simulate", "new", "other.json", "--nic", "ConnectX-99"], /no NIC model is called "ConnectX-99"/);
    assert.ok(!existsSync(join(folder, "other.json")));
  });
  test("a second run while one holds the lock says who has it", async () => {
    const { acquireLock } = await import("../../src/host/linux/lock.ts");
    const lock = acquireLock(join(folder, "host.json.lock"), "vflag apply");
    try {
      expect(1, ["apply", ...onHost], new RegExp(`${process.pid}`));
    } finally {
      lock.release();
    }
  });
  test("a new simulated host does not replace a file, unless it is told to", () => {
    expect(1, ["simulate", "new", "host.json"], /there already: --force/);
    expect(0, ["simulate", "new", "host.json", "--force"]);
  });
});

describe("Open vSwitch", () => {
  const verdict = (code: number, pattern: RegExp) => expect(code, ["verify", ...onHost], pattern);

  beforeEach(() => {
    writeFileSync(join(folder, "vflag.yaml"), `${spec}ovs: {hwOffload: true}\n`);
    expect(0, ["boot", "early", ...onHost]);
    expect(0, ["simulate", "network", "host.json"]);
  });

  test("it is told to offload; it is restarted only when the operator says so, and the plan says so too", () => {
    expect(0, ["simulate", "fault", "host.json", "ovs-offload-off"]);
    const without = expect(2, ["plan", ...onHost], /ovs-vsctl set Open_vSwitch \. other_config:hw-offload=true/);
    assert.doesNotMatch(without.stdout, /^ +systemctl restart/m);
    expect(2, ["plan", ...onHost, "--restart-ovs"], /^ +systemctl restart openvswitch-switch\.service +# traffic of all guests/m);
    expect(2, ["apply", ...onHost], /ovs-ingress-blocks.*\n[\s\S]*vflag apply --restart-ovs/);
    verdict(2, /data {2}vf-lag {2}does not work: bond0: ingress blocks/);
    expect(0, ["apply", ...onHost, "--restart-ovs"], /systemctl restart openvswitch-switch/);
    verdict(0, /data {2}vf-lag {2}works/);
    expect(0, ["apply", ...onHost, "--restart-ovs"], /Nothing was to be done/);
  });

  test("a restart is asked for at apply and plan only", () => {
    expect(1, ["boot", "late", ...onHost, "--restart-ovs"], /unknown option '--restart-ovs'/);
    expect(1, ["verify", ...onHost, "--restart-ovs"], /unknown option/);
  });

  test("init proposes what it sees of it", () => {
    expect(0, ["init", "--host", "host.json"], /^ovs: .*\n {2}hwOffload: true$/m);
    const world = JSON.parse(readFileSync(join(folder, "host.json"), "utf8"));
    world.state.ovs.source = { kind: "container", engine: "podman", name: "openvswitch_vswitchd" };
    writeFileSync(join(folder, "host.json"), JSON.stringify(world));
    const { stdout } = expect(0, ["init", "--host", "host.json"], /^ {2}engine: podman\n {2}container: openvswitch_vswitchd$/m);
    writeFileSync(join(folder, "proposed.yaml"), stdout);
    expect(2, ["plan", "--host", "host.json", "--spec", "proposed.yaml"]);
  });
});

test("a reader that goes away does not stop apply in the middle", () => {
  const run = spawnSync("bash", ["-c", `set -o pipefail; ${vflag} boot early ${onHost.join(" ")} 2>&1 | head -n 1`], {
    env: usersEnvironment,
    cwd: folder,
    encoding: "utf8",
  });
  assert.equal(run.status, 0, run.stdout);
  expect(2, ["verify", ...onHost], /bond0: it does not exist yet/);
});

test("aliases that lead nowhere, in circles or to too much are errors of the spec", () => {
  for (const text of [
    "nics: *none",
    "nics: &a [*a]",
    `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nnics: [*c,*c]`,
  ]) {
    writeFileSync(join(folder, "vflag.yaml"), text);
    expect(1, ["plan", ...onHost], /vflag\.yaml:\d+:\d+: /);
  }
});

test("the journal tells what was, what was done, and what became", () => {
  expect(0, ["boot", "early", ...onHost]);
  const file = join(folder, "host.json.journal.jsonl");
  const entries = readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual([entries[0].kind, entries[0].command, entries.at(-1).kind], ["begin", "boot early", "end"]);
  HostState.parse(entries[0].before);
  HostState.parse(entries.at(-1).after);
  const done = entries.filter((entry) => entry.kind === "done").map((entry) => entry.action);
  assert.deepEqual(done.slice(0, 2), [
    { kind: "set-vf-autoprobe", pf: "0000:37:00.0", on: false },
    { kind: "set-vf-count", pf: "0000:37:00.0", count: 2 },
  ]);
  assert.equal(statSync(file).mode & 0o007, 0, "others cannot read it");
});

function expect(status: number, words: readonly string[], shows?: RegExp): { stdout: string } {
  const run = spawnSync(vflag, words, { cwd: folder, env: usersEnvironment, encoding: "utf8", timeout: 60_000 });
  const said = `${run.stdout}${run.stderr}`;
  assert.equal(run.status, status, `vflag ${words.join(" ")} ended with ${run.status}:\n${said}`);
  assert.ok(!said.includes("defect of vflag"), said);
  if (shows !== undefined) assert.match(said, shows);
  return { stdout: run.stdout };
}
