import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PrivateApt } from "./apt.ts";
import { removeOthers } from "./cache.ts";
import { buildImage, type Image } from "./image.ts";
import { defaultSeries, type Kernel, prepareKernel, type Series } from "./kernel.ts";
import { buildModules, type LabModules } from "./modules.ts";
import { cache } from "./paths.ts";
import { buildRoot, sshKey } from "./rootfs.ts";
import { prepareTools, type Tools } from "./tools.ts";

/** All that a guest's start needs. */
export interface Build {
  readonly image: Image;
  readonly tools: Tools;
  readonly privateKey: string;
}

export interface BuildOptions {
  readonly kernel?: Series;
  /** Fetch the package lists anew, and with them newer packages. */
  readonly update?: boolean;
  /** Remove the results of earlier builds afterwards. */
  readonly clean?: boolean;
}

/** Makes the guest's image, or finds it made. Takes minutes the first time, then about a second. */
export async function build(options: BuildOptions = {}): Promise<Build> {
  if (process.getuid?.() !== 0) throw new Error("the lab must be built as root: mmdebstrap and chroot need it");
  await mkdir(cache, { recursive: true });
  const apt = new PrivateApt();
  await apt.prepare(options.update === true);
  const tools = await prepareTools(apt);
  const series = options.kernel ?? defaultSeries;
  // Each has one processor busy, or the network.
  const [{ kernel, modules }, root] = await Promise.all([kernelWithModules(apt, tools, series), buildRoot(apt, tools)]);
  const key = await sshKey(tools);
  const image = await buildImage({ root, kernel, modules, publicKey: key.public, tools });
  await writeFile(recordOf(series), JSON.stringify({ image, tools, privateKey: key.private } satisfies Build));
  if (options.clean === true) {
    const folders = [image.folder, tools.root, root, join(kernel.netdevsimSource, "..")];
    await removeOthers([...folders, ...Object.values(modules).map((file) => join(file, ".."))]);
  }
  return { image, tools, privateKey: key.private };
}

async function kernelWithModules(apt: PrivateApt, tools: Tools, series: Series): Promise<{ kernel: Kernel; modules: LabModules }> {
  const kernel = await prepareKernel(apt, tools, series);
  return { kernel, modules: await buildModules(kernel, tools) };
}

/** What the last build for a kernel made; the answer to most commands, without asking apt. */
export async function lastBuild(series: Series = defaultSeries): Promise<Build> {
  try {
    const last = JSON.parse(await readFile(recordOf(series), "utf8")) as Build;
    // It may be gone: only the latest images are kept.
    await access(last.image.disk);
    return last;
  } catch {
    throw new Error(`there is no lab with Linux ${series} in ${cache} yet: run "npm run lab -- build --kernel ${series}"`);
  }
}

function recordOf(series: Series): string {
  return join(cache, series === defaultSeries ? "build.json" : `build-${series}.json`);
}
