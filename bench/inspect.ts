import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { LinuxHost } from "../src/host/linux/host.ts";
import { line, median, megabytes, milliseconds, program, taken, times } from "./measure.ts";

/**
 * Runs inside a network namespace that has 254 veth devices in the place of representors (bench/main.ts makes
 * it): one observation of vflag against `ip`, `devlink` and `ethtool` started once per device, as the usual
 * scripts do.
 */
const devices = program("ip", ["-br", "link"])
  .split("\n")
  .flatMap((row) => /^(v[ab]\d+)@/.exec(row)?.[1] ?? []);
const vflag = join(import.meta.dirname, "../bin/vflag");

const scripts = await times(1, () => {
  for (const device of devices) {
    for (const [file, ...args] of [
      ["ip", "-j", "-d", "link", "show", "dev", device],
      ["ethtool", "-i", device],
      ["ethtool", "-k", device],
      ["ethtool", "-l", device],
      ["devlink", "-j", "port", "show", device],
    ] as const) {
      // veth has no channels to show and no devlink port: the program fails, after having asked.
      spawnSync(file, args, { stdio: "ignore", timeout: 60_000 });
    }
  }
});
const ethtoolOnly = await times(1, () => {
  for (const device of devices)
    for (const flag of ["-i", "-k", "-l"])
      spawnSync("ethtool", [flag, device], { stdio: "ignore", timeout: 60_000 });
});

using host = LinuxHost.open();
const work = await times(20, () => host.observe());
const state = await host.observe();
if (state.netdevs.filter((netdev) => /^v[ab]\d+$/.test(netdev.name)).length !== devices.length)
  throw new Error("the observation misses devices");
const whole = await times(7, () => program(vflag, ["inspect", "-o", "json"]));

const theirs = median(scripts);
const rows = [
  line(`ip, devlink and 3 x ethtool once per device, ${devices.length} devices`, milliseconds(theirs)),
  line(`  of this, the 3 ethtool calls`, milliseconds(median(ethtoolOnly))),
  line(
    "vflag's observation of the same host (work)",
    milliseconds(median(work)),
    `${(theirs / median(work)).toFixed(0)} times faster (asked: 20)`,
  ),
  line(
    "vflag inspect -o json, as a command",
    milliseconds(median(whole)),
    `${(theirs / median(whole)).toFixed(1)} times faster (asked: 8)`,
  ),
  ...[vflag, ...process.argv.slice(2)].map((command, index) => {
    const { peakMiB } = taken(command, ["inspect", "-o", "json"]);
    const what = index === 0 ? "from the sources" : "as it is shipped";
    return line(`vflag inspect, ${what}: peak memory`, megabytes(peakMiB), "(asked: under 120 MB)");
  }),
];
process.stdout.write(`${rows.join("\n")}\n`);
