import { join } from "node:path";
import { bundle } from "../scripts/bundle.ts";
import { makeProgram } from "../scripts/program.ts";
import { cached } from "./cache.ts";
import { mustRun } from "./exec.ts";
import type { Tools } from "./tools.ts";

/**
 * A disk with vflag as it is shipped, a single executable, made of the sources as they are now.
 * `/vflag/bin/vflag` runs the sources themselves; over 9p that starts seconds later.
 */
export async function programDisk(tools: Tools): Promise<string> {
  const script = await bundle();
  const folder = await cached("program", ["2", process.version, script], async (into) => {
    makeProgram(script, join(into, "content"));
    const disk = join(into, "program.ext4");
    await mustRun(["truncate", "-s", "256M", disk]);
    const argv = [
      "mke2fs",
      "-q",
      "-F",
      "-t",
      "ext4",
      "-O",
      "^has_journal",
      "-L",
      "program",
      "-d",
      join(into, "content"),
      disk,
    ];
    await mustRun(argv, { env: tools.env });
  });
  return join(folder, "program.ext4");
}
