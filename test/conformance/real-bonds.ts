import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../src/host/linux/system/wait.ts";

/** Bonds of a guest of the lab, as its networking would make them. */

/** Milliseconds between two looks of a bond at its slaves' links. */
const MIIMON = 20;
/** Milliseconds until a slave's link has changed: an emulated machine may be busy. */
const LIMIT = 10_000;

/** Makes a bond, waits until all its links are up, and returns what drivers warned of. */
export async function bondOf(bond: string, mode: string, netdevs: readonly string[]): Promise<string[]> {
  const slaves = netdevs.flatMap((netdev) => [
    `link set ${netdev} down`,
    `link set ${netdev} master ${bond}`,
  ]);
  const warnings = ip(
    `link add ${bond} type bond mode ${mode} miimon ${MIIMON}`,
    ...slaves,
    `link set ${bond} up`,
  );
  for (const netdev of netdevs) await slaveIs(bond, netdev, "up");
  return warnings;
}

/** Takes a bond away, if it is there. Its slaves stay up. */
export async function unbond(bond: string): Promise<void> {
  const slaves = readSlaves(bond).keys();
  ip(`link del ${bond}`, ...[...slaves].map((slave) => `link set ${slave} up`));
}

/** A slave's link goes down, as its bond sees, and comes back. */
export async function linkEvent(netdev: string): Promise<void> {
  const bond = bondAbove(netdev);
  ip(`link set ${netdev} down`);
  if (bond !== null) await slaveIs(bond, netdev, "down");
  else await sleep(5 * MIIMON);
  ip(`link set ${netdev} up`);
  if (bond !== null) await slaveIs(bond, netdev, "up");
}

/**
 * Lines for `ip`, all of them in one process, as starting one takes an emulated machine a tenth of a second.
 * What a driver says to them (extack), which `ip` prints as a warning, is returned.
 */
export function ip(...lines: readonly string[]): string[] {
  const input = `${lines.join("\n")}\n`;
  const { stderr, status } = spawnSync("ip", ["-batch", "-"], { input, encoding: "utf8", timeout: 60_000 });
  if (status !== 0) throw new Error(`ip -batch:\n${input}${stderr}`);
  return stderr
    .split("\n")
    .flatMap((line) => (line.startsWith("Warning: ") ? [line.slice("Warning: ".length)] : []));
}

async function slaveIs(bond: string, netdev: string, link: "up" | "down"): Promise<void> {
  const isSo = () => (readSlaves(bond).get(netdev) ?? link) === link;
  if (await until(isSo, { limit: LIMIT, every: MIIMON })) return;
  throw new Error(`the link of ${netdev} in ${bond} is not ${link} after ${LIMIT / 1000} s`);
}

function bondAbove(netdev: string): string | null {
  const master = `/sys/class/net/${netdev}/master`;
  return existsSync(master) ? basename(readlinkSync(master)) : null;
}

/** The slaves of a bond with their links; none where there is no such bond. */
function readSlaves(bond: string): Map<string, "up" | "down"> {
  const file = `/proc/net/bonding/${bond}`;
  if (!existsSync(file)) return new Map();
  const found = readFileSync(file, "utf8").matchAll(/^Slave Interface: (\S+)\nMII Status: (\w+)/gm);
  return new Map([...found].map(([, name = "", link]) => [name, link === "up" ? "up" : "down"]));
}
