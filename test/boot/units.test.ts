import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { earlyUnit, lateUnit } from "../../src/boot/units.ts";

const noSystemd = spawnSync("systemd-analyze", ["--version"]).error === undefined ? false : "systemd-analyze is not installed";

describe("systemd units", () => {
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

  test("systemd-analyze verify accepts them", { skip: noSystemd }, () => {
    const folder = mkdtempSync(join(tmpdir(), "vflag-units-"));
    try {
      const units = [earlyUnit({ program: "/bin/true" }), lateUnit({ program: "/bin/true" })];
      for (const { name, text } of units) writeFileSync(join(folder, name), text);
      const { status, stderr } = spawnSync("systemd-analyze", ["verify", ...units.map(({ name }) => join(folder, name))], {
        encoding: "utf8",
      });
      assert.equal(status, 0, stderr);
      assert.doesNotMatch(stderr, /vflag-(early|late)/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
