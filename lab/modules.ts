import { copyFile, cp } from "node:fs/promises";
import { join } from "node:path";
import { cached, contentsOf } from "./cache.ts";
import { mustRun } from "./exec.ts";
import type { Kernel } from "./kernel.ts";
import type { Tools } from "./tools.ts";

/**
 * Builds the one module that the guest has beyond Debian's, netdevsim. Returns its file; nothing, where there
 * is no source of it.
 */
export async function buildNetdevsim(
  { release, netdevsim }: Kernel,
  tools: Tools,
): Promise<string | undefined> {
  if (netdevsim === undefined) return undefined;
  const { headers, source } = netdevsim;
  const folder = await cached("module-netdevsim", [release, ...(await contentsOf(source))], async (into) => {
    const work = join(into, "build");
    await cp(source, work, { recursive: true });
    const options = { env: tools.env };
    await mustRun(["make", "-C", headers, `M=${work}`, "-j2", "CONFIG_NETDEVSIM=m", "modules"], options);
    await mustRun(["strip", "--strip-debug", join(work, "netdevsim.ko")], options);
    await copyFile(join(work, "netdevsim.ko"), join(into, "netdevsim.ko"));
    await mustRun(["rm", "-r", work]);
  });
  return join(folder, "netdevsim.ko");
}
