import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action } from "../../src/host/actions/action.ts";
import { reloadingOnce } from "../../src/host/actions/reloads.ts";

const write = (path: string, reload: "systemd" | "udev" | null): Action => ({
  kind: "write-file",
  path,
  text: "",
  render: path,
  reload,
});
const enable = (unit: string, reload = true): Action => ({ kind: "enable-unit", unit, reload });

test("systemd and udev are each told once, after the last of their files", () => {
  const rules = write("/etc/udev/rules.d/70-vflag.rules", "udev");
  const asked = [
    write("a", "systemd"),
    enable("a"),
    rules,
    write("b", "systemd"),
    enable("b"),
    write("c", null),
  ];
  const wanted = [
    write("a", null),
    enable("a", false),
    rules,
    write("b", null),
    enable("b"),
    write("c", null),
  ];
  assert.deepEqual(reloadingOnce(asked), wanted);
});

test("a file whose unit is enabled already tells systemd itself, and who is not to tell stays silent", () => {
  const actions = [enable("a", false), write("b", "systemd"), enable("c", false)];
  assert.deepEqual(reloadingOnce(actions), actions);
  assert.deepEqual(reloadingOnce([]), []);
});
