import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { installedProgram } from "../../../../src/host/linux/boot/installed-program.ts";
import { observeWorld } from "../../../../src/host/simulated/host.ts";
import { isUnknown, type Observed, unknown } from "../../../../src/host/state/observed.ts";
import { rehearse } from "../../../../src/reconcile/plan.ts";
import { plain } from "../../../../src/report/terminal/style.ts";
import { planText } from "../../../../src/report/text/plan-text.ts";
import { booted, fresh, vfLagSpec } from "../../../support/hosts.ts";

const needsRoot = process.getuid?.() === 0 ? false : "only root's files can be installed";

/** A folder whose whole path is root's; a temporary one is everybody's. */
function rootsFolder(t: TestContext): string {
  const folder = mkdtempSync("/var/lib/vflag-test-");
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function program(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "");
  chmodSync(path, 0o755);
  return path;
}

function reason(found: Observed<string>): string {
  return isUnknown(found) ? found.unknown : `taken: ${found}`;
}

test("a program whose whole path is root's may be started by units, by its real path", {
  skip: needsRoot,
}, (t) => {
  const folder = rootsFolder(t);
  const path = program(join(folder, "bin/vflag"));
  symlinkSync(path, join(folder, "link"));
  assert.equal(installedProgram(path, true), path);
  assert.equal(installedProgram(join(folder, "link"), true), path);
});

test("any other is refused, with what is wrong on which part of the path, and what to install", {
  skip: needsRoot,
}, (t) => {
  const folder = rootsFolder(t);
  const refused = (path: string, why: RegExp) => {
    assert.match(reason(installedProgram(path, true)), why);
    assert.match(
      reason(installedProgram(path, true)),
      /install the package \(apt install .*then: \/usr\/bin\/vflag apply$/,
    );
  };
  const owned = program(join(folder, "nobodys/vflag"));
  chownSync(owned, 65534, 65534);
  refused(owned, /nobodys\/vflag is user 65534's/);
  const within = program(join(folder, "his/bin/vflag"));
  chownSync(join(folder, "his"), 65534, 65534);
  refused(within, /\/his is user 65534's/);
  const shared = program(join(folder, "shared/vflag"));
  chmodSync(join(folder, "shared"), 0o1777);
  refused(shared, /everybody can write to .*\/shared;/);
  const group = program(join(folder, "group/vflag"));
  chownSync(join(folder, "group"), 0, 50);
  chmodSync(join(folder, "group"), 0o775);
  refused(group, /group 50 can write to .*\/group;/);
  const plainFile = program(join(folder, "plain"));
  chmodSync(plainFile, 0o644);
  refused(plainFile, /plain is not executable/);
  refused(join(folder, "gone"), /cannot be looked at: ENOENT/);
  assert.match(
    reason(installedProgram(program(join(folder, "sources")), false)),
    /runs from its sources .*install the package/,
  );
});

test("no unit is written that starts another program, or a line of its own, and the plan says what to do instead", async () => {
  const state = observeWorld(await booted(vfLagSpec, fresh()));
  const why = "this one is user 65534's; install the package";
  for (const [program, says] of [
    [unknown(why), /this one is user 65534's; install the package/],
    ["/opt/my vflag", /units cannot start "\/opt\/my vflag": .*install the package/],
    ["/opt/vflag\nExecStartPre=/bin/evil", /units cannot start "\/opt\/vflag\\nExecStartPre=\/bin\/evil"/],
    ["/opt/%n/vflag", /units cannot start "\/opt\/%n\/vflag"/],
    ["/opt/../tmp/vflag", /units cannot start "\/opt\/\.\.\/tmp\/vflag"/],
  ] as const) {
    const plan = await rehearse(vfLagSpec, { ...state, program });
    const actions = plan.phases.flatMap(({ steps }) => steps.flatMap((step) => step.actions));
    assert.deepEqual(
      actions.filter((action) => action.kind === "write-file" && action.path.endsWith(".service")),
      [],
    );
    assert.deepEqual(
      actions.filter(({ kind }) => kind === "enable-unit"),
      [],
    );
    assert.match(planText(plan, plain, { full: true }), says);
  }
});
