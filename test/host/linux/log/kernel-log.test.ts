import assert from "node:assert/strict";
import { test } from "node:test";
import { linesAbout } from "../../../../src/host/linux/log/kernel-log.ts";

const pf = "0000:37:00.0";
const line = (text: string) => `mlx5_core ${pf}: ${text}`;
const start = line("firmware version: 16.35.2000");
const restart = line(
  "mlx5_deactivate_lag:130:(pid 41): Failed to deactivate VF LAG; driver restart required",
);
const failures = [1, 2, 3, 4, 5, 6].map((time) => line(`Failed to create LAG, time ${time}`));

test("the last five lines about a PF or a LAG are told, and none about others", () => {
  const others = ["mlx5_core 0000:99:00.0: firmware version: 16.35.2000", line("ens3f0: renamed from eth4")];
  assert.deepEqual(linesAbout(pf, [start, ...failures, ...others]), failures.slice(1));
  assert.deepEqual(linesAbout(pf, [restart, start]), [restart, start]);
});

test("that the driver must be restarted is told however long ago it was", () => {
  assert.deepEqual(linesAbout(pf, [start, restart, ...failures]), [restart, ...failures.slice(1)]);
});

test("after it was restarted that is over", () => {
  assert.deepEqual(linesAbout(pf, [restart, start, ...failures]), failures.slice(1));
});
