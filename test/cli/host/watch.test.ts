import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { runVflag } from "../../support/command.ts";
import { usersEnvironment, vflag } from "../../support/vflag.ts";

/** `vflag watch` as a user runs it, on a simulated host that is changed from another terminal. */
const spec = "version: 1\nnics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 2, bond: bond0}]\n";
const onHost = ["--host", "host.json", "--spec", "vflag.yaml"];
let folder = "";
/** A host that works, with which each case begins, made once. */
const works = mkdtempSync(join(tmpdir(), "vflag-watch-start-"));

before(async () => {
  folder = works;
  writeFileSync(join(folder, "vflag.yaml"), spec);
  await run("simulate", "new", "host.json", "--bond", "bond0");
  await run("boot", "early", ...onHost);
  await run("simulate", "network", "host.json");
  await run("apply", ...onHost);
});
after(() => rmSync(works, { recursive: true }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vflag-watch-"));
  cpSync(works, folder, { recursive: true });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(...words: string[]) {
  return runVflag(folder, words);
}

/** A watch that runs: what it printed, and its end. */
function start(...words: string[]) {
  const child = spawn(vflag, ["watch", ...onHost, ...words], {
    cwd: folder,
    env: usersEnvironment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed = { out: "", err: "" };
  child.stdout.on("data", (bytes) => (printed.out += bytes));
  child.stderr.on("data", (bytes) => (printed.err += bytes));
  const ended = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)));
  const until = async (pattern: RegExp) => {
    for (let n = 0; n < 200 && !pattern.test(printed.out); n++) await sleep(50);
    assert.match(printed.out, pattern);
  };
  return { child, printed, ended, until };
}

/**
 * This machine's kernel, in a network and a mount namespace, with Open vSwitch's database: nothing of this
 * machine is touched.
 */
const realHost = `
set -e
mount -t tmpfs none /run
mkdir /run/openvswitch
export OVS_RUNDIR=/run/openvswitch OVS_LOGDIR=/run/openvswitch
ovsdb-tool create /run/openvswitch/conf.db "\${OVS_PKGDATADIR:-/usr/share/openvswitch}/vswitch.ovsschema"
ovsdb-server --remote=punix:/run/openvswitch/db.sock --pidfile --detach --log-file=/run/db.log /run/openvswitch/conf.db 2> /dev/null
trap 'kill $(cat /run/openvswitch/ovsdb-server.pid)' EXIT
ovs-vsctl --no-wait init
"$0" watch --spec vflag.yaml --flows-every 0 > /run/out 2>&1 &
watch=$!
until_told() { for n in $(seq 200); do grep -q "$1" /run/out && return; sleep 0.05; done; cat /run/out; exit 1; }
until_told 'database is heard'
ip link add v0 type veth peer name v1
ovs-vsctl --no-wait set Open_vSwitch . other_config:hw-offload=true
until_told 'hw-offload: off → on'
follower=$(pgrep -P $watch -x cat || true)
kill -INT $watch
wait $watch
echo "ended with $?"
# It was told to end, and nobody waits for it any more: it is gone, or a zombie, when the kernel has seen to it.
running() { grep -q '^State:[[:space:]]*[^XZ[:space:]]' "/proc/$1/status" 2> /dev/null; }
test -n "$follower" || { echo "nothing followed the kernel log"; exit 1; }
for n in $(seq 100); do running "$follower" || exit 0; sleep 0.05; done
echo "cat is left"
exit 1
`;

/** What is missing on this machine, or false. */
function missing(): string | false {
  if (process.getuid?.() !== 0) return "needs root, to make namespaces";
  for (const program of ["ovsdb-tool", "ovsdb-server", "ovs-vsctl", "unshare", "pgrep"])
    if (spawnSync(program, ["--version"]).error !== undefined) return `needs ${program}`;
  return spawnSync("unshare", ["-nm", "mount", "-t", "tmpfs", "none", "/run"]).status === 0
    ? false
    : "no namespace can be made here";
}

test("this machine's kernel and Open vSwitch's database are watched, and nothing is left behind", {
  skip: missing(),
}, () => {
  const ran = spawnSync("unshare", ["-nm", "sh", "-c", realHost, vflag], {
    cwd: folder,
    env: usersEnvironment,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(ran.status, 0, `${ran.stdout}${ran.stderr}`);
  assert.match(ran.stdout, /ended with 0\n$/);
});

describe("vflag watch", () => {
  test("prints what the host is, then what changes, and ends with Ctrl-C and exit code 0", async () => {
    const { child, printed, ended, until } = start();
    await until(/ data {2}works\n$/);
    await run("simulate", "fault", "host.json", "third-slave");
    await until(/verdict/);
    child.kill("SIGINT");
    assert.equal(await ended, 0);
    assert.equal(printed.err, "");
    const lines = printed.out
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z {2}/, ""));
    assert.equal(lines[0], "data  works");
    assert.match(lines[1] ?? "", /^data {2}eno1: in no bond → in bond0 {2}\(it is no port of this NIC/);
    assert.match(
      lines.at(-1) ?? "",
      /^data {2}verdict: works → does not work {2}\(bond0: eno1 is in it too; `vflag explain bond` says what to do\)$/,
    );
  });

  test("-o json prints one object a line", async () => {
    const { child, printed, ended, until } = start("-o", "json", "--flows-every", "0");
    await until(/"answer":"works"/);
    await run("simulate", "fault", "host.json", "slave-missing");
    await until(/"verdict"/);
    child.kill("SIGTERM");
    assert.equal(await ended, 0);
    const [begin, ...objects] = printed.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      [begin.schema, begin.nics],
      ["vflag/watch/1", [{ nic: "data", answer: "works", reason: null, risk: null }]],
    );
    assert.deepEqual(Object.keys(objects[0]), [
      "schema",
      "time",
      "kind",
      "nic",
      "subjects",
      "before",
      "after",
      "effect",
      "meaning",
    ]);
    assert.ok(
      objects.every(({ schema, time }) => schema === "vflag/change/1" && !Number.isNaN(Date.parse(time))),
    );
    const lag = objects.find(({ kind }) => kind === "lag");
    assert.deepEqual(
      [lag.nic, lag.subjects, lag.before, lag.after, lag.effect],
      ["data", ["LAG"], "active, type switchdev", "disabled", "worse"],
    );
  });

  test("ends quietly when nobody reads it any more, and when its terminal is closed", async () => {
    const read = start();
    await read.until(/works/);
    read.child.stdout.destroy();
    await run("simulate", "fault", "host.json", "third-slave");
    assert.equal(await read.ended, 0);
    assert.equal(read.printed.err, "");
    const closed = start();
    await closed.until(/does not work/);
    closed.child.kill("SIGHUP");
    assert.equal(await closed.ended, 0);
  });

  test("a host's file that is broken for a while is told, and watched on", async () => {
    const { child, ended, until } = start();
    await until(/works/);
    writeFileSync(join(folder, "host.json"), "{");
    await until(/the host cannot be looked at: .*not valid JSON/);
    await run("simulate", "new", "host.json", "--bond", "bond0", "--force");
    await until(/verdict: works → does not work/);
    child.kill("SIGINT");
    assert.equal(await ended, 0);
  });

  test("a saved state is refused, and so is a wrong interval", async () => {
    const state = (await run("inspect", "--host", "host.json", "-o", "json")).stdout;
    writeFileSync(join(folder, "state.json"), state);
    const refused = await run("watch", "--host", "state.json", "--spec", "vflag.yaml");
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      /state\.json is a saved state, which never changes: nothing can be watched there/,
    );
    for (const every of ["-1", "0.5", "x", "1e9"]) {
      const { status, stderr } = await run("watch", ...onHost, `--flows-every=${every}`);
      assert.equal(status, 1);
      assert.match(stderr, /a number of seconds: 0, or 1 to 86400/);
    }
  });
});
