import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PrivateApt } from "./apt.ts";
import { removeOthers } from "./cache.ts";
import { buildCard } from "./card.ts";
import { identify, type ModuleIdentity } from "./driver.ts";
import { buildImage, type Image } from "./image.ts";
import { defaultSeries, moduleFile, prepareKernel, type Series } from "./kernel.ts";
import { buildNetdevsim } from "./modules.ts";
import { cache } from "./paths.ts";
import { buildRoot, sshKey } from "./rootfs.ts";
import { prepareTools, type Tools } from "./tools.ts";

/** All that a guest's start needs. */
export interface Build {
  readonly image: Image;
  readonly tools: Tools;
  /** The shared object with the emulated ConnectX. */
  readonly card: string;
  /** mlx5_core as it is in the kernel's package. */
  readonly driver: ModuleIdentity;
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
  if (process.getuid?.() !== 0)
    throw new Error("the lab must be built as root: mmdebstrap and chroot need it");
  await mkdir(cache, { recursive: true });
  const apt = new PrivateApt();
  const update = options.update === true;
  await apt.prepare(update);
  const tools = await prepareTools(apt);
  const series = options.kernel ?? defaultSeries;
  // Each has one processor busy, or the network.
  const [kernel, root, card] = await Promise.all([
    kernelWithNetdevsim(apt, tools, series, update),
    buildRoot(apt, tools),
    buildCard(apt, tools),
  ]);
  const key = await sshKey(tools);
  const image = await buildImage({ root, ...kernel, publicKey: key.public, tools });
  const driver = await identify(
    moduleFile(kernel.kernel, "drivers/net/ethernet/mellanox/mlx5/core/mlx5_core"),
    tools,
  );
  const built: Build = { image, tools, card: card.object, driver, privateKey: key.private };
  await writeFile(recordOf(series), JSON.stringify(built));
  if (options.clean === true)
    await removeOthers([image.folder, tools.root, root, ...card.folders, ...kernel.folders]);
  return built;
}

async function kernelWithNetdevsim(apt: PrivateApt, tools: Tools, series: Series, update: boolean) {
  const kernel = await prepareKernel(apt, tools, series, update);
  const netdevsim = await buildNetdevsim(kernel, tools);
  const folders = [join(kernel.vmlinuz, "../.."), ...(netdevsim === undefined ? [] : [dirname(netdevsim)])];
  return { kernel, netdevsim, folders };
}

/** What the last build for a kernel made; the answer to most commands, without asking apt. */
export async function lastBuild(series: Series = defaultSeries): Promise<Build> {
  try {
    const last = JSON.parse(await readFile(recordOf(series), "utf8")) as Build;
    // It may be gone: only the latest images are kept.
    for (const file of [last.image.disk, last.card]) await access(file);
    return last;
  } catch {
    throw new Error(
      `there is no lab with Linux ${series} in ${cache} yet: run "npm run lab -- build --kernel ${series}"`,
    );
  }
}

function recordOf(series: Series): string {
  return join(cache, series === defaultSeries ? "build.json" : `build-${series}.json`);
}
