import { lastBuild } from "./build.ts";
import { bonded, data, early, late } from "./faults.ts";
import { allSeries, type Series } from "./kernel.ts";
import { type Report, say, write } from "./operate.ts";
import type { Guest } from "./running.ts";
import type { Task } from "./task.ts";

/**
 * On each kernel: its mlx5_core is the file of Debian's package, and brings up VF-LAG. What the kernels
 * differ in is said by vflag: Debian's kernels after 6.1 are built without offload of rules.
 */
export const kernels: readonly Task[] = allSeries.map((kernel) => ({
  title: `kernel ${kernel}`,
  guest: { nic: "connectx", kernel },
  run: (guest, report) => drivesTheCard(guest, kernel, report),
}));

async function drivesTheCard(guest: Guest, kernel: Series, report: Report): Promise<void> {
  const { driver } = await lastBuild(kernel);
  const file = await say(guest, "sha256sum $(modinfo -n mlx5_core)");
  report(
    file.output.startsWith(driver.sum),
    "the driver's file is that of Debian's package",
    `${driver.sum} in the package, in the guest:\n${file.output}`,
  );
  const note = await say(
    guest,
    "od -An -v -tx1 /sys/module/mlx5_core/notes/.note.gnu.build-id | tr -d ' \\n'",
  );
  report(
    note.output.endsWith(driver.buildId),
    "and that is the one which is loaded",
    `build ID ${driver.buildId} in the package, loaded: ${note.output}`,
  );
  const taint = await say(guest, "cat /sys/module/mlx5_core/taint");
  report(taint.output.trim() === "", "it is not from outside of the kernel's tree", taint.output);

  await write(guest, "/etc/vflag/vflag.yaml", data);
  await say(guest, "ip link set peer0 up; ip link set peer1 up");
  for (const { command } of [early, bonded(), late]) await say(guest, command);
  const { output } = await say(guest, "vflag verify");
  report(/LAG active, type switchdev/.test(output), "VF-LAG comes up, and stays when VFs are bound", output);
  const expected =
    kernel === "6.1"
      ? /data {2}vf-lag {2}works/
      : /cannot offload: its mlx5 has no hw-tc-offload to switch \(built without CONFIG_MLX5_CLS_ACT\)/;
  report(expected.test(output), "vflag says whether rules can be in hardware", output);
}
