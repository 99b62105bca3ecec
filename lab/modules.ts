import { copyFile, cp } from "node:fs/promises";
import { join } from "node:path";
import { cached, contentsOf } from "./cache.ts";
import { mustRun } from "./exec.ts";
import type { Kernel } from "./kernel.ts";
import type { Tools } from "./tools.ts";

/** Kernel modules that the guest has beyond Debian's. */
export interface LabModules {
  readonly netdevsim: string;
  /** The stand-in NIC driver of lab/nic. */
  readonly mlx5: string;
}

export async function buildModules(kernel: Kernel, tools: Tools): Promise<LabModules> {
  const nic = join(import.meta.dirname, "nic");
  return {
    netdevsim: await buildModule("netdevsim", kernel.netdevsimSource, ["CONFIG_NETDEVSIM=m"], kernel, tools),
    mlx5: await buildModule("mlx5_core", nic, [], kernel, tools),
  };
}

async function buildModule(name: string, source: string, config: readonly string[], kernel: Kernel, tools: Tools): Promise<string> {
  const folder = await cached(`module-${name}`, [kernel.release, ...(await contentsOf(source))], async (into) => {
    const work = join(into, "build");
    await cp(source, work, { recursive: true });
    const options = { env: tools.env };
    await mustRun(["make", "-C", kernel.headers, `M=${work}`, "-j2", ...config, "modules"], options);
    await mustRun(["strip", "--strip-debug", join(work, `${name}.ko`)], options);
    await copyFile(join(work, `${name}.ko`), join(into, `${name}.ko`));
    await mustRun(["rm", "-r", work]);
  });
  return join(folder, `${name}.ko`);
}
