import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { metricsFile } from "../../src/boot/metrics-file.ts";
import { earlyUnit, lateUnit } from "../../src/boot/units.ts";
import { verifyTimer, verifyUnit } from "../../src/boot/verify-units.ts";

const noSystemd =
  spawnSync("systemd-analyze", ["--version"]).error === undefined
    ? false
    : "systemd-analyze is not installed";

const options = { program: "/bin/true", metrics: metricsFile };
const services = [earlyUnit(options), lateUnit(options), verifyUnit(options)];

describe("systemd units", () => {
  test("the verdict is no failure of its unit, writes to one folder only, and is missed when that is missing", () => {
    const { text } = verifyUnit({ program: "/usr/bin/vflag", metrics: "/srv/metrics/vflag.prom" });
    assert.match(
      text,
      /^ExecStart=\/usr\/bin\/vflag verify -o prometheus --write \/srv\/metrics\/vflag\.prom$/m,
    );
    assert.match(text, /^SuccessExitStatus=2$/m);
    assert.match(text, /^ProtectSystem=strict$/m);
    assert.match(
      text,
      /^AssertPathIsDirectory=\/srv\/metrics\n[\s\S]*^ReadWritePaths=\/srv\/metrics -\/tmp$/m,
    );
    assert.doesNotMatch(text, /StateDirectory|RuntimeDirectory/);
  });

  test("early stands before network-pre.target, late after network-online.target and before what starts guests", () => {
    const early = earlyUnit({ program: "/usr/bin/vflag" }).text;
    assert.match(early, /^Before=network-pre\.target /m);
    assert.match(early, /^Wants=network-pre\.target$/m);
    const late = lateUnit({ program: "/usr/bin/vflag" }).text;
    assert.match(late, /^After=network-online\.target vflag-early\.service$/m);
    for (const service of ["docker", "podman", "libvirtd", "virtqemud"])
      assert.match(late, new RegExp(`^Before=.*\\b${service}\\.service`, "m"));
  });

  test("nothing requires them: their failure stops nothing", () => {
    for (const { text } of [earlyUnit({ program: "/x" }), lateUnit({ program: "/x" })])
      assert.doesNotMatch(text, /Requi(red|res|site)|BindsTo|OnFailure/);
  });

  test("late stands before kolla's containers, the distribution's OpenStack services, and not before Open vSwitch's own", () => {
    const late = lateUnit({ program: "/usr/bin/vflag" }).text;
    for (const service of [
      "kolla-nova_compute-container",
      "kolla-openvswitch_vswitchd-container",
      "nova-compute",
      "neutron-sriov-agent",
    ])
      assert.match(late, new RegExp(`^Before=(.* )?${service}\\.service( |$)`, "m"));
    // It comes before networking, on hosts whose bridges it makes: that would be a circle.
    assert.doesNotMatch(late, /Before=(.* )?(openvswitch-switch|ovs-vswitchd|openvswitch)\.service/);
  });

  test("what they need is not taken from them: /sys, other processes, the kernel log, the host's network namespace", () => {
    for (const { name, text } of services) {
      assert.doesNotMatch(
        text,
        /ProtectKernelTunables|ProtectKernelLogs|ProtectProc|ProcSubset|PrivateDevices|DevicePolicy|PrivateNetwork|MemoryDenyWriteExecute|PrivateTmp|PrivateUsers|DynamicUser/,
      );
      // Two runs would hold two locks of one name; to look takes none.
      if (name !== "vflag-verify.service") assert.match(text, /^RuntimeDirectoryPreserve=yes$/m);
    }
  });

  test("a program in somebody's home is still found", () => {
    assert.match(earlyUnit({ program: "/usr/bin/vflag" }).text, /^ProtectHome=yes$/m);
    assert.match(earlyUnit({ program: "/root/vflag/bin/vflag" }).text, /^ProtectHome=read-only$/m);
  });

  test("systemd-analyze finds them little exposed", { skip: noSystemd || noOffline() }, () => {
    const folder = mkdtempSync(join(tmpdir(), "vflag-units-"));
    try {
      for (const { name, text } of services) {
        writeFileSync(join(folder, name), text);
        const argv = ["security", "--offline=yes", "--no-pager", "--threshold=45", join(folder, name)];
        const { status, stdout, stderr } = spawnSync("systemd-analyze", argv, { encoding: "utf8" });
        assert.equal(status, 0, stderr + stdout);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("vflag makes no system call that they forbid", { skip: noSystemd || noStrace() }, () => {
    const argv = [
      "-f",
      "-qq",
      "-e",
      "signal=none",
      process.execPath,
      ...execArgv,
      main,
      "inspect",
      "-o",
      "json",
    ];
    const { stdout, stderr } = spawnSync("strace", argv, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
    assert.match(stdout, /"schema": "vflag\/state\/1"/);
    const made = new Set(
      [...stderr.matchAll(/^(?:\d+ +)?(?:\[pid +\d+\] )?([a-z_0-9]+)\(/gm)].map(([, name = ""]) => name),
    );
    const filter = /^SystemCallFilter=(.*)$/m.exec(earlyUnit({ program: "/x" }).text)?.[1]?.split(" ") ?? [];
    const allowed = systemCalls(filter);
    assert.ok(made.has("openat") && made.has("socket") && allowed.has("openat"));
    assert.deepEqual(
      [...made].filter((name) => !allowed.has(name)),
      [],
    );
  });

  test("systemd-analyze verify accepts them", { skip: noSystemd }, () => {
    const folder = mkdtempSync(join(tmpdir(), "vflag-units-"));
    try {
      const units = [...services, verifyTimer];
      for (const { name, text } of units) writeFileSync(join(folder, name), text);
      const { status, stderr } = spawnSync(
        "systemd-analyze",
        ["verify", ...units.map(({ name }) => join(folder, name))],
        {
          encoding: "utf8",
        },
      );
      assert.equal(status, 0, stderr);
      assert.doesNotMatch(stderr, /vflag-(early|late|verify)/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const main = join(import.meta.dirname, "../../src/cli/main.ts");
const execArgv = ["--disable-warning=ExperimentalWarning"];

/** The system calls of systemd's sets, as this machine's systemd knows them. */
function systemCalls(sets: readonly string[]): Set<string> {
  const { stdout } = spawnSync("systemd-analyze", ["--no-pager", "syscall-filter", ...sets], {
    encoding: "utf8",
  });
  const lines = stdout.split("\n").filter((line) => line.startsWith("    ") && !line.trim().startsWith("#"));
  const names = lines.map((line) => line.trim());
  const inner = names.filter((name) => name.startsWith("@"));
  const own = names.filter((name) => !name.startsWith("@"));
  return new Set([...own, ...(inner.length === 0 ? [] : systemCalls(inner))]);
}

function noOffline(): string | false {
  const { stdout } = spawnSync("systemd-analyze", ["--help"], { encoding: "utf8" });
  return stdout.includes("--offline") ? false : "this systemd-analyze knows no --offline (systemd < 250)";
}

function noStrace(): string | false {
  return spawnSync("strace", ["-o", "/dev/null", "true"]).status === 0
    ? false
    : "strace is not installed, or cannot trace here";
}
