import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { backports, type PrivateApt, suite } from "./apt.ts";
import { cached } from "./cache.ts";
import { mustRun } from "./exec.ts";
import type { Tools } from "./tools.ts";

/** Debian 12's own kernel and the one of its backports. */
export type Series = "6.1" | "6.12";
export const defaultSeries: Series = "6.12";

/** A kernel's files, unpacked: what boots, its modules, and what it takes to build more of them. */
export interface Kernel {
  /** As `uname -r` prints it, e.g. `6.12.95+deb12-amd64`. */
  readonly release: string;
  readonly vmlinuz: string;
  readonly modules: string;
  readonly headers: string;
  readonly netdevsimSource: string;
}

/** Not the "cloud" flavour, which has neither igb nor switchdev. */
export async function prepareKernel(apt: PrivateApt, tools: Tools, wanted: Series): Promise<Kernel> {
  const from = wanted === "6.1" ? suite : backports;
  const meta = await apt.show("linux-image-amd64", from);
  const image = meta.depends.find((name) => /^linux-image-\d/.test(name));
  if (image === undefined) throw new Error(`linux-image-amd64 ${meta.version} depends on no kernel`);
  const release = image.replace("linux-image-", "");
  const abi = release.replace(/-amd64$/, "");
  const series = /^\d+\.\d+/.exec(abi)?.[0] ?? "";
  if (series !== wanted) throw new Error(`apt has Linux ${series}, not ${wanted}`);
  const headersPackage = `linux-headers-${release}`;
  // It is linux-kbuild-6.1, but linux-kbuild-6.12.95+deb12.
  const kbuild = (await apt.show(headersPackage, from)).depends.find((name) => name.startsWith("linux-kbuild-"));
  const packages = [
    image,
    headersPackage,
    `linux-headers-${abi}-common`,
    kbuild ?? `linux-kbuild-${abi}`,
    `linux-source-${series}=${meta.version}`,
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
  const modules = ["usr/lib/modules", "lib/modules"].map((path) => join(folder, path, release));
  return {
    release,
    vmlinuz: join(folder, "boot", `vmlinuz-${release}`),
    modules: modules.find((path) => existsSync(path)) ?? "",
    headers,
    netdevsimSource: join(folder, "netdevsim"),
  };
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
  const text = (await readFile(makefile, "utf8")).replace(/^include \S*\/(linux-headers-\S+)$/m, `include ${sources}/$1`);
  await writeFile(makefile, text);
  await rm(join(headers, "vmlinux"), { force: true });
}
