import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildProgram } from "../../src/cli/program.ts";
import { HostState } from "../../src/host/state/state.ts";
import { HostMap } from "../../src/map/schema.ts";
import { expectVflag } from "../support/command.ts";
import { usersEnvironment, vflag } from "../support/vflag.ts";

/**
 * The command line as a user runs it: real files, in a folder of its own; in this process, where the process
 * is not what is tested.
 */
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

before(async () => {
  folder = start;
  writeFileSync(join(folder, "vflag.yaml"), spec);
  await expect(0, ["simulate", "new", "host.json", "--bond", "bond0"]);
});
after(() => rmSync(start, { recursive: true }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vflag-cli-"));
  cpSync(start, folder, { recursive: true });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("files for the next boot", () => {
  test("render lists them, prints each, and says which this host does not need", async () => {
    await expect(0, ["render"], /\/etc\/udev\/rules\.d\/70-vflag\.rules {2}/);
    await expect(
      0,
      ["render", "vflag-late.service", "--program", "/opt/vflag"],
      /ExecStart=\/opt\/vflag boot late --hold-udev\n/,
    );
    await expect(0, ["render", "70-vflag.rules", ...onHost], /"\*\/0000:37:00\.1\/net\/\*", .*NAME="ens3f1"/);
    await expect(2, ["render", "vflag.conf", ...onHost], /this host needs no vflag\.conf/);
    await expect(
      0,
      ["render", "vflag-verify.service", "--metrics", "/opt/x.prom"],
      /--write \/opt\/x\.prom\n/,
    );
    await expect(0, ["render", "vflag-verify.timer"], /WantedBy=timers\.target\n/);
    await expect(
      1,
      ["render", "vflag-verify.service", "--metrics", "/opt/x%n"],
      /--metrics .*an absolute path of plain characters/,
    );
    await expect(
      1,
      ["render", "vflag-late.service", "--program", "/opt/a b"],
      /an absolute path of plain characters/,
    );
    writeFileSync(join(folder, "vflag.yaml"), spec.replace("ens3f1", "ens9f9"));
    await expect(1, ["render", "70-vflag.rules", ...onHost], /not found: those of data/);
  });

  test("uninstall shows, does, and has nothing left to do", async () => {
    await expect(2, ["apply", ...onHost]);
    const host = ["--host", "host.json"];
    const before = readFileSync(join(folder, "host.json"), "utf8");
    await expect(
      2,
      ["uninstall", "--dry-run", ...host],
      /systemctl disable --no-reload vflag-early\.service\n[\s\S]*2 VFs of ens3f0[\s\S]*Nothing was changed/,
    );
    assert.equal(readFileSync(join(folder, "host.json"), "utf8"), before);
    await expect(0, ["uninstall", ...host], /5 actions done/);
    await expect(0, ["uninstall", ...host], /Nothing of vflag is left/);
    await expect(0, ["uninstall", "--dry-run", ...host], /Nothing of vflag is left/);
    await expect(0, ["render", "70-vflag.rules", ...onHost], /NAME="ens3f0"/);
  });
});

describe("map", () => {
  const map = ["map", ...onHost];

  test("a tree, JSON and a picture, of a simulated host and of its saved state", async () => {
    for (const command of ["boot early", "simulate network", "boot late", "simulate guests"])
      await expect(0, [...command.split(" "), ...(command.startsWith("boot") ? onHost : ["host.json"])]);
    const text = (
      await expect(0, map, /data {2}vf-lag {2}LAG active[\s\S]*web-1 \(domain instance-00000001\)/)
    ).stdout;
    assert.doesNotMatch(text, /[^\n\x20-\x7e]/);
    const json = (await expect(0, [...map, "-o", "json"])).stdout;
    assert.equal(HostMap.parse(JSON.parse(json)).nics[0]?.ports.length, 2);
    assert.match((await expect(0, [...map, "-o", "svg"])).stdout, /^<svg [\s\S]*web-1[\s\S]*<\/svg>\n$/);
    writeFileSync(
      join(folder, "state.json"),
      (await expect(0, ["inspect", "--host", "host.json", "-o", "json"])).stdout,
    );
    assert.equal(withoutTime((await expect(0, [...map, "--host", "state.json"])).stdout), withoutTime(text));
  });

  test("without a spec it shows the cards; --nic takes a name that is there", async () => {
    await expect(0, ["map", "--host", "host.json"], /0000:37:00 {2}not declared/);
    await expect(0, [...map, "--nic", "data"], /data {2}vf-lag/);
    await expect(1, [...map, "--nic", "nosuch"], /no NIC is called "nosuch"; there are data/);
    await expect(1, ["map", "--host", "host.json", "--spec", "nosuch.yaml"], /nosuch\.yaml: no such file/);
  });

  const withoutTime = (text: string) => text.replace(/observed \S+/, "");
});

describe("the whole way on a simulated host", () => {
  test("plan, boot early, networking, boot late, verify, and nothing left to do", async () => {
    await expect(2, ["plan", ...onHost], /Plan: \d+ steps, \d+ actions/);
    await expect(2, ["verify", ...onHost], /data {2}vf-lag {2}does not work/);
    await expect(0, ["boot", "early", "--hold-udev", ...onHost]);
    await expect(0, ["simulate", "network", "host.json"]);
    await expect(0, ["boot", "late", "--hold-udev", ...onHost]);
    await expect(0, ["verify", ...onHost], /boot-units.*not installed[\s\S]*data {2}vf-lag {2}works/);
    await expect(2, ["plan", ...onHost], /systemctl enable vflag-late\.service/);
    await expect(0, ["apply", ...onHost], /4 actions/);
    await expect(0, ["plan", ...onHost], /Nothing to do/);
    const written = () => statSync(join(folder, "host.json"), { bigint: true }).mtimeNs;
    const before = written();
    await expect(0, ["apply", ...onHost], /Nothing was to be done/);
    assert.equal(written(), before);
  });

  test("apply stops where networking must make the bond, and says so with exit code 2", async () => {
    await expect(2, ["apply", ...onHost], /networking makes it/);
    await expect(0, ["simulate", "network", "host.json"]);
    await expect(0, ["apply", ...onHost]);
  });

  test("plan changes nothing", async () => {
    const before = readFileSync(join(folder, "host.json"), "utf8");
    await expect(2, ["plan", ...onHost, "--full"]);
    assert.equal(readFileSync(join(folder, "host.json"), "utf8"), before);
    assert.deepEqual(readdirSync(folder).sort(), ["host.json", "vflag.yaml"]);
  });

  test("a kill in the middle of apply, then apply again, ends as without the kill", async () => {
    await expect(0, ["boot", "early", ...onHost]);
    await expect(0, ["simulate", "network", "host.json"]);
    copyFileSync(join(folder, "host.json"), join(folder, "start.json"));
    for (const milliseconds of [60, 90, 120, 150, 180, 220]) {
      copyFileSync(join(folder, "start.json"), join(folder, "host.json"));
      const child = spawn(vflag, ["apply", ...onHost], {
        cwd: folder,
        env: usersEnvironment,
        stdio: "ignore",
      });
      const ended = new Promise((resolve) => child.once("exit", resolve));
      await sleep(milliseconds);
      child.kill("SIGKILL");
      await ended;
      JSON.parse(readFileSync(join(folder, "host.json"), "utf8"));
      await expect(0, ["apply", ...onHost]);
      await expect(0, ["verify", ...onHost]);
    }
  });
});

describe("output", () => {
  test("inspect -o json fits the published schema, and can be rehearsed against anywhere", async () => {
    const { stdout } = await expect(0, ["inspect", "--host", "host.json", "-o", "json"]);
    HostState.parse(JSON.parse(stdout));
    writeFileSync(join(folder, "state.json"), stdout);
    await expect(2, ["plan", "--host", "state.json", "--spec", "vflag.yaml"], /sriov_numvfs/);
    await expect(0, ["simulate", "new", "twin.json", "--from", "state.json"]);
    await expect(0, ["boot", "early", "--host", "twin.json", "--spec", "vflag.yaml"]);
  });

  test("verify writes a report to a file, whole, for everybody to read, and keeps the exit code", async () => {
    for (const [format, begins] of [
      ["text", /^simulated · kernel /],
      ["json", /^\{\n {2}"schema": "vflag\/verdict\/1"/],
      ["junit", /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites /],
      ["prometheus", /^# HELP vflag_build_info /],
      ["html", /^<!doctype html>/],
    ] as const) {
      const { stdout } = await expect(2, ["verify", ...onHost, "-o", format, "--write", `report.${format}`]);
      assert.equal(stdout, "data: does not work: ens3f0 (0000:37:00.0): 0 VFs\n");
      const text = readFileSync(join(folder, `report.${format}`), "utf8");
      assert.match(text, begins);
      assert.equal(statSync(join(folder, `report.${format}`)).mode & 0o777, 0o644);
    }
    const names = readdirSync(folder).filter((name) => name.includes("report"));
    assert.deepEqual(names.sort(), [
      "report.html",
      "report.json",
      "report.junit",
      "report.prometheus",
      "report.text",
    ]);
    await expect(
      1,
      ["verify", ...onHost, "--write", "nowhere/x"],
      /--write nowhere\/x: nowhere is no directory; make it first/,
    );
    await expect(1, ["verify", ...onHost, "--write", "."], /--write \.: that is no regular file/);
  });

  test("plan, verify and apply speak JSON", async () => {
    const plan = JSON.parse((await expect(2, ["plan", ...onHost, "-o", "json"])).stdout);
    assert.equal(plan.schema, "vflag/plan/1");
    assert.ok(
      plan.phases[0].steps[0].actions[0].commands[0].startsWith("vflag render vflag-early.service > "),
    );
    const verdict = JSON.parse((await expect(2, ["verify", ...onHost, "-o", "json"])).stdout);
    assert.deepEqual([verdict.schema, verdict.verdicts[0].answer], ["vflag/verdict/1", "broken"]);
    const applied = JSON.parse((await expect(2, ["apply", ...onHost, "-o", "json"])).stdout);
    assert.deepEqual([applied.schema, applied.outcomes[1].status], ["vflag/applied/1", "stopped"]);
  });

  test("there are no colours in a pipe, and control characters of a device do not reach the terminal", async () => {
    const state = JSON.parse((await expect(0, ["inspect", "--host", "host.json", "-o", "json"])).stdout);
    state.hostname = "evil\u001b[2J\u0007";
    writeFileSync(join(folder, "state.json"), JSON.stringify(state));
    const { stdout } = await expect(0, ["inspect", "--host", "state.json"]);
    assert.ok(!stdout.includes("\u001b") && !stdout.includes("\u0007"));
  });

  test("explain tells of one requirement, and lists them all", async () => {
    await expect(0, ["explain"], /^lag +late +the NIC's LAG is active/m);
    await expect(
      0,
      ["explain", "lag"],
      /^lag {2}\(stage late\)\nthe NIC's LAG is active.*\n\nWhy\n[\s\S]*\nPut it right by hand\n/,
    );
    await expect(1, ["explain", "leg"], /did you mean lag/);
  });

  test("init proposes a spec that fits the host", async () => {
    const { stdout } = await expect(0, ["init", "--host", "host.json"]);
    writeFileSync(join(folder, "proposed.yaml"), stdout);
    await expect(2, ["plan", "--host", "host.json", "--spec", "proposed.yaml"], /vf-count/);
    await expect(0, ["init", "--host", "host.json", "--spec", "new.yaml", "--write"]);
    await expect(1, ["init", "--host", "host.json", "--spec", "new.yaml", "--write"], /there already/);
  });

  test("completion scripts name the commands, and bash accepts them", async () => {
    const scripts: string[] = [];
    for (const shell of ["bash", "zsh", "fish"])
      scripts.push((await expect(0, ["completion", shell])).stdout);
    const [script = "", zsh, fish = ""] = scripts;
    assert.equal(zsh, `autoload -U +X bashcompinit && bashcompinit\n${script}`);
    const completed = (words: string, at: number) => {
      const lines = `${script}\nCOMP_WORDS=(${words}); COMP_CWORD=${at}; _vflag; echo "\${COMPREPLY[@]}"`;
      return spawnSync("bash", ["-c", lines], { encoding: "utf8", cwd: folder, env: usersEnvironment })
        .stdout;
    };
    const commands = buildProgram("").commands.flatMap((command) =>
      command.name() === "help" ? [] : command.name(),
    );
    assert.deepEqual(completed('vflag ""', 1).trimEnd().split(" "), [
      ...commands,
      "--version",
      "-V",
      "--help",
    ]);
    const ofFish = /^complete -c vflag -n 'not [^']+' -a '([^']+)'$/m.exec(fish)?.[1];
    assert.deepEqual(ofFish?.split(" "), commands);
    const options = buildProgram("").commands.find((command) => command.name() === "plan")?.options;
    assert.deepEqual(
      completed("vflag plan --", 2).trimEnd().split(" ").toSorted(),
      [...(options ?? []).flatMap(({ long }) => long ?? []), "--help"].toSorted(),
    );
    assert.match(completed('vflag boot ""', 2), /^early late/);
    assert.equal(completed('vflag verify -o ""', 3), "text json junit prometheus html\n");
    assert.equal(completed("vflag verify --write h", 3), "host.json\n");
  });
});

describe("refusals name what is wrong and what to do", () => {
  test("no spec", async () => {
    await expect(
      1,
      ["plan", "--host", "host.json", "--spec", "none.yaml"],
      /none\.yaml: no such file\.\n.*vflag init/,
    );
  });
  test("a wrong spec", async () => {
    writeFileSync(join(folder, "vflag.yaml"), spec.replace("vf-lag", "vflag"));
    await expect(1, ["apply", ...onHost], /vflag\.yaml:4:11: nics\[0\]\.mode: .*did you mean "vf-lag"/);
  });
  test("no host file", async () => {
    await expect(1, ["inspect", "--host", "none.json"], /none\.json: /);
  });
  test("a host file that is no JSON", async () => {
    writeFileSync(join(folder, "host.json"), "{");
    await expect(1, ["inspect", "--host", "host.json"], /host\.json: not valid JSON/);
  });
  test("a host file of another kind", async () => {
    writeFileSync(join(folder, "host.json"), '{"schema": "other/1"}');
    await expect(1, ["verify", ...onHost], /neither a simulated host .* nor a saved state/);
  });
  test("a state that was damaged", async () => {
    const state = JSON.parse((await expect(0, ["inspect", "--host", "host.json", "-o", "json"])).stdout);
    state.pfs[0].address = "$(reboot)";
    writeFileSync(join(folder, "state.json"), JSON.stringify(state));
    await expect(1, ["inspect", "--host", "state.json"], /not a PCI address[\s\S]*pfs\[0\]\.address/);
  });
  test("apply to a saved state", async () => {
    const { stdout } = await expect(0, ["inspect", "--host", "host.json", "-o", "json"]);
    writeFileSync(join(folder, "state.json"), stdout);
    await expect(
      1,
      ["apply", "--host", "state.json", "--spec", "vflag.yaml"],
      /saved state.*\n.*simulate new/,
    );
  });
  test("an unknown command, option, fault and model", async () => {
    await expect(1, ["aply"], /Did you mean apply/);
    await expect(1, ["plan", "--hots", "x"], /Did you mean --host/);
    await expect(1, ["simulate", "fault", "host.json", "third-slav"], /did you mean third-slave/);
    await expect(
      1,
      ["simulate", "new", "other.json", "--nic", "ConnectX-99"],
      /no NIC model is called "ConnectX-99"/,
    );
    assert.ok(!existsSync(join(folder, "other.json")));
  });
  test("a second run while one holds the lock says who has it", async () => {
    const { acquireLock } = await import("../../src/host/linux/system/lock.ts");
    const lock = acquireLock(join(folder, "host.json.lock"), "vflag apply");
    try {
      await expect(1, ["apply", ...onHost], new RegExp(`${process.pid}`));
    } finally {
      lock.release();
    }
  });
  test("a new simulated host does not replace a file, unless it is told to", async () => {
    await expect(1, ["simulate", "new", "host.json"], /there already: --force/);
    await expect(0, ["simulate", "new", "host.json", "--force"]);
  });
});

describe("Open vSwitch", () => {
  const verdict = async (code: number, pattern: RegExp) => await expect(code, ["verify", ...onHost], pattern);

  beforeEach(async () => {
    writeFileSync(join(folder, "vflag.yaml"), `${spec}ovs: {hwOffload: true}\n`);
    await expect(0, ["boot", "early", ...onHost]);
    await expect(0, ["simulate", "network", "host.json"]);
  });

  test("it is told to offload; it is restarted only when the operator says so, and the plan says so too", async () => {
    await expect(0, ["simulate", "fault", "host.json", "ovs-offload-off"]);
    const without = await expect(
      2,
      ["plan", ...onHost],
      /ovs-vsctl set Open_vSwitch \. other_config:hw-offload=true/,
    );
    assert.doesNotMatch(without.stdout, /^ +systemctl restart/m);
    await expect(
      2,
      ["plan", ...onHost, "--restart-ovs"],
      /^ +systemctl restart openvswitch-switch\.service +# traffic of all guests/m,
    );
    await expect(2, ["apply", ...onHost], /ovs-ingress-blocks.*\n[\s\S]*vflag apply --restart-ovs/);
    await verdict(2, /data {2}vf-lag {2}does not work: bond0: ingress blocks/);
    await expect(0, ["apply", ...onHost, "--restart-ovs"], /systemctl restart openvswitch-switch/);
    await verdict(0, /data {2}vf-lag {2}works/);
    await expect(0, ["apply", ...onHost, "--restart-ovs"], /Nothing was to be done/);
  });

  test("a restart is asked for at apply and plan only", async () => {
    await expect(1, ["boot", "late", ...onHost, "--restart-ovs"], /unknown option '--restart-ovs'/);
    await expect(1, ["verify", ...onHost, "--restart-ovs"], /unknown option/);
  });

  test("init proposes what it sees of it", async () => {
    await expect(0, ["init", "--host", "host.json"], /^ovs: .*\n {2}hwOffload: true$/m);
    const world = JSON.parse(readFileSync(join(folder, "host.json"), "utf8"));
    world.state.ovs.source = { kind: "container", engine: "podman", name: "openvswitch_vswitchd" };
    writeFileSync(join(folder, "host.json"), JSON.stringify(world));
    const { stdout } = await expect(
      0,
      ["init", "--host", "host.json"],
      /^ {2}engine: podman\n {2}container: openvswitch_vswitchd$/m,
    );
    writeFileSync(join(folder, "proposed.yaml"), stdout);
    await expect(2, ["plan", "--host", "host.json", "--spec", "proposed.yaml"]);
  });
});

test("a reader that goes away does not stop apply in the middle", async () => {
  const run = spawnSync(
    "bash",
    ["-c", `set -o pipefail; ${vflag} boot early ${onHost.join(" ")} 2>&1 | head -n 1`],
    {
      env: usersEnvironment,
      cwd: folder,
      encoding: "utf8",
    },
  );
  assert.equal(run.status, 0, run.stdout);
  await expect(2, ["verify", ...onHost], /bond0: it does not exist yet/);
});

test("aliases that lead nowhere, in circles or to too much are errors of the spec", async () => {
  for (const [text, error] of [
    ["nics: *none", /^vflag: vflag\.yaml:1:7: the alias \*none stands before what it is an alias of\n$/],
    ["nics: &a [*a]", /^vflag: vflag\.yaml:1:11: the alias \*a stands before/],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nnics: [*c,*c]`,
      /^vflag: .*\n {2}vflag\.yaml:1:1: a: unknown key\n[\s\S]* {2}vflag\.yaml:4:8: nics\[0\]: must be a mapping, found .{1,90}\n/,
    ],
  ] as const) {
    writeFileSync(join(folder, "vflag.yaml"), text);
    await expect(1, ["plan", ...onHost], error);
  }
});

test("the journal tells what was, what was done, and what became", async () => {
  await expect(0, ["boot", "early", ...onHost]);
  const file = join(folder, "host.json.journal.jsonl");
  const entries = readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    [entries[0].kind, entries[0].command, entries.at(-1).kind],
    ["begin", "boot early", "end"],
  );
  HostState.parse(entries[0].before);
  HostState.parse(entries.at(-1).after);
  const done = entries.filter((entry) => entry.kind === "done").map((entry) => entry.action);
  assert.deepEqual(done.slice(0, 2), [
    { kind: "set-vf-autoprobe", pf: "0000:37:00.0", on: false },
    { kind: "set-vf-count", pf: "0000:37:00.0", count: 2 },
  ]);
  assert.equal(statSync(file).mode & 0o007, 0, "others cannot read it");
});

function expect(status: number, words: readonly string[], shows?: RegExp) {
  return expectVflag(folder, status, words, shows);
}
