import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { backports, newest, PrivateApt, suite, unstable } from "./apt.ts";
import { cached } from "./cache.ts";
import { mustRun } from "./exec.ts";
import type { Tools } from "./tools.ts";

/** Debian 12's own kernel, the one of its backports, and the newest that Debian has released. */
export const allSeries = ["6.1", "6.12", "newest"] as const;
export type Series = (typeof allSeries)[number];

/** 6.12 is built without tc offload for mlx5 (MLX5_CLS_ACT). */
export const defaultSeries: Series = "6.1";

/** A kernel's files, unpacked: what boots, and its modules. */
export interface Kernel {
  /** As `uname -r` prints it, e.g. `6.12.95+deb12-amd64`. */
  readonly release: string;
  readonly vmlinuz: string;
  readonly modules: string;
  /**
   * What netdevsim is built of, which Debian does not build. The newest kernel would need a newer compiler.
   */
  readonly netdevsim?: ModuleSource;
}

export interface ModuleSource {
  readonly headers: string;
  readonly source: string;
}

/** Not the "cloud" flavour, which has neither igb nor switchdev. */
export function prepareKernel(
  apt: PrivateApt,
  tools: Tools,
  wanted: Series,
  update: boolean,
): Promise<Kernel> {
  return wanted === "newest" ? prepareNewest(update) : prepareStable(apt, tools, wanted);
}

async function prepareStable(apt: PrivateApt, tools: Tools, wanted: "6.1" | "6.12"): Promise<Kernel> {
  const from = wanted === "6.1" ? suite : backports;
  const { image, version } = await imageOf(apt, from);
  const release = releaseOf(image);
  const abi = release.replace(/-amd64$/, "");
  const series = /^\d+\.\d+/.exec(abi)?.[0] ?? "";
  if (series !== wanted) throw new Error(`apt has Linux ${series}, not ${wanted}`);
  const headersPackage = `linux-headers-${release}`;
  // It is linux-kbuild-6.1, but linux-kbuild-6.12.95+deb12.
  const kbuild = (await apt.show(headersPackage, from)).depends.find((name) =>
    name.startsWith("linux-kbuild-"),
  );
  const packages = [
    image,
    headersPackage,
    `linux-headers-${abi}-common`,
    kbuild ?? `linux-kbuild-${abi}`,
    `linux-source-${series}=${version}`,
  ];
  const folder = await cached("kernel", ["2", ...packages], async (into) => {
    const debs = join(into, "debs");
    await apt.download(packages, debs);
    for (const name of await readdir(debs)) {
      if (!name.startsWith("linux-source")) await mustRun(["dpkg-deb", "--extract", join(debs, name), into]);
    }
    const source = (await readdir(debs)).find((name) => name.startsWith("linux-source")) ?? "";
    await extractNetdevsim(join(debs, source), series, into, tools);
    await rm(debs, { recursive: true });
  });
  const headers = join(folder, "usr/src", `linux-headers-${release}`);
  await relocate(headers, join(folder, "usr/src"));
  return { ...filesIn(folder, release), netdevsim: { headers, source: join(folder, "netdevsim") } };
}

/** Debian has divided its newer kernels' packages. */
async function prepareNewest(update: boolean): Promise<Kernel> {
  const apt = new PrivateApt(newest);
  await apt.prepare(update);
  const { image } = await imageOf(apt, unstable);
  const { depends } = await apt.show(image, unstable);
  const packages = [image, ...depends.filter((name) => /^linux-(base|binary|modules)-\d/.test(name))];
  const folder = await cached("kernel", ["2", ...packages], async (into) => {
    const debs = join(into, "debs");
    await apt.download(packages, debs);
    for (const name of await readdir(debs)) await mustRun(["dpkg-deb", "--extract", join(debs, name), into]);
    await rm(debs, { recursive: true });
  });
  return filesIn(folder, releaseOf(image));
}

/** The kernel's package that the metapackage of a suite leads to. */
async function imageOf(apt: PrivateApt, from: string): Promise<{ image: string; version: string }> {
  const { version, depends } = await apt.show("linux-image-amd64", from);
  const image = depends.find((name) => /^linux-image-\d/.test(name));
  if (image === undefined) throw new Error(`linux-image-amd64 ${version} depends on no kernel`);
  return { image, version };
}

const releaseOf = (image: string): string => image.replace("linux-image-", "");

/** Newer packages have the kernel beside its modules. */
function filesIn(folder: string, release: string): Kernel {
  const modules =
    ["usr/lib/modules", "lib/modules"]
      .map((path) => join(folder, path, release))
      .find((path) => existsSync(path)) ?? "";
  const kernels = [join(folder, "boot", `vmlinuz-${release}`), join(modules, "vmlinuz")];
  return { release, modules, vmlinuz: kernels.find((path) => existsSync(path)) ?? "" };
}

/**
 * The file of one of the kernel's own modules. @param path below the modules' folder, without an ending: some
 * kernels' are compressed
 */
export function moduleFile({ modules }: Kernel, path: string): string {
  const found = [".ko", ".ko.xz", ".ko.zst"]
    .map((ending) => join(modules, "kernel", `${path}${ending}`))
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error(`there is no module ${path} in ${modules}`);
  return found;
}

/** The source package holds one big archive; of it, only netdevsim is wanted. */
async function extractNetdevsim(deb: string, series: string, into: string, tools: Tools): Promise<void> {
  const unpacked = join(into, "source");
  await mkdir(unpacked);
  await mustRun(["dpkg-deb", "--extract", deb, unpacked]);
  const archive = join(unpacked, "usr/src", `linux-source-${series}.tar.xz`);
  const inside = `linux-source-${series}/drivers/net/netdevsim`;
  const extract = ["tar", "--extract", "--xz", "--file", archive, "--directory", unpacked, inside];
  await mustRun(extract, { env: tools.env });
  await rename(join(unpacked, inside), join(into, "netdevsim"));
  await rm(unpacked, { recursive: true });
}

/** The headers' Makefile names /usr/src; with a vmlinux beside it, the build would ask for pahole. */
async function relocate(headers: string, sources: string): Promise<void> {
  const makefile = join(headers, "Makefile");
  const text = (await readFile(makefile, "utf8")).replace(
    /^include \S*\/(linux-headers-\S+)$/m,
    `include ${sources}/$1`,
  );
  await writeFile(makefile, text);
  await rm(join(headers, "vmlinux"), { force: true });
}
