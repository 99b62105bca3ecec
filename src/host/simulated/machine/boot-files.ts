import { driverOf } from "../../../drivers/registry.ts";
import { known } from "../../state/observed.ts";
import type { PhysicalFunction } from "../../state/state.ts";
import { createVfsAtLoad, setVfCount } from "../card/sriov.ts";
import { Refusal, type World } from "../world.ts";

/**
 * What udev and drivers do at a boot because of files: told by the words that they look for, whoever wrote
 * the files.
 */

/** The name that a udev rule gives a port's netdev when it appears. */
export function nameByRule(world: World, pf: PhysicalFunction): string | null {
  return valueByRule(world, pf, /, NAME="([^"]+)"/);
}

/** VFs that a udev rule, or a driver's options, make when the port appears. */
export function makeVfsByFiles(world: World, pf: PhysicalFunction): void {
  if (driverOf(pf.driver).moduleOptions !== null) {
    const options = textsIn(world, "/etc/modprobe.d/").flatMap(
      (text) => text.match(new RegExp(`^options ${pf.driver} .*$`, "gm")) ?? [],
    );
    const count = Number(/\bnum_vfs=(\d+)/.exec(options.join(" "))?.[1] ?? 0);
    if (count > 0) createVfsAtLoad(world, pf, count);
    return;
  }
  const count = Number(valueByRule(world, pf, /, ATTR\{device\/sriov_numvfs\}="(\d+)"/) ?? 0);
  if (count === 0) return;
  try {
    setVfCount(world, pf.address, count);
  } catch (error) {
    // udev writes it into its log, and goes on.
    if (!(error instanceof Refusal)) throw error;
  }
}

function valueByRule(world: World, pf: PhysicalFunction, assignment: RegExp): string | null {
  for (const text of textsIn(world, "/etc/udev/rules.d/")) {
    for (const line of text.split("\n")) {
      const value = line.includes(`DEVPATH=="*/${pf.address}/net/*"`)
        ? assignment.exec(line)?.[1]
        : undefined;
      if (value !== undefined) return value;
    }
  }
  return null;
}

function textsIn(world: World, folder: string): string[] {
  return (known(world.state.files) ?? [])
    .filter((file) => file.path.startsWith(folder))
    .map((file) => file.text);
}
