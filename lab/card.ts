import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { backports, type PrivateApt, suite } from "./apt.ts";
import { cached, contentsOf } from "./cache.ts";
import { mustRun } from "./exec.ts";
import type { Tools } from "./tools.ts";

/** The emulated ConnectX of `connectx/`: a shared object that is put into Debian's QEMU. */

/** What it is compiled against, unpacked. */
interface Headers {
  readonly qemu: string;
  readonly kernel: string;
  readonly glib: string;
}

const source = join(import.meta.dirname, "connectx");

/**
 * Compiles the card for the QEMU of the tools: a shared object that serves all kernels. `folders` are the
 * steps' results.
 * @param mode nothing, or `sanitize`: with the sanitizers and the fuzzer
 */
export async function buildCard(
  apt: PrivateApt,
  tools: Tools,
  ...mode: readonly "sanitize"[]
): Promise<{ object: string; folders: readonly string[] }> {
  const headers = await cardHeaders(apt, tools);
  const inputs = [tools.root, ...Object.values(headers), ...mode, ...(await contentsOf(source))];
  const folder = await cached("connectx", inputs, async (into) => {
    await mustRun([join(source, "build.sh"), headers.qemu, headers.kernel, headers.glib, into, ...mode], {
      env: tools.env,
    });
    for (const name of await readdir(into))
      if (name !== "connectx.so") await rm(join(into, name), { recursive: true });
  });
  return { object: join(folder, "connectx.so"), folders: [folder, dirname(headers.qemu)] };
}

/**
 * QEMU's headers must be those of the very QEMU that runs: they say how its structures are laid out. The
 * kernel's headers describe firmware commands; those of 6.12 know all that 6.1's driver asks for.
 */
async function cardHeaders(apt: PrivateApt, tools: Tools): Promise<Headers> {
  const kernelMeta = await apt.show("linux-headers-amd64", backports);
  const kernelHeaders = kernelMeta.depends.find((name) => /^linux-headers-\d/.test(name)) ?? "";
  const common = kernelHeaders.replace(/-amd64$/, "-common");
  const glib = `libglib2.0-dev=${(await apt.show("libglib2.0-dev", suite)).version}`;
  const inputs = ["2", tools.qemu, `${common}=${kernelMeta.version}`, glib];
  const folder = await cached("card-headers", inputs, async (into) => {
    const downloads = join(into, "downloads");
    const archive = await apt.downloadOrig("qemu", tools.qemu, downloads);
    const qemu = join(into, "qemu");
    await mkdir(qemu);
    const wanted = ["*/VERSION", "*/include", "*/scripts", "*/qapi"];
    const extract = ["tar", "--extract", "--file", archive, "--directory", qemu, "--strip-components=1"];
    await mustRun([...extract, "--wildcards", "--no-wildcards-match-slash", ...wanted], { env: tools.env });
    await apt.download([common, glib], downloads);
    for (const name of await readdir(downloads)) {
      if (!name.endsWith(".deb")) continue;
      const part = join(into, name.startsWith("linux-") ? "kernel" : "glib");
      await mustRun(["dpkg-deb", "--extract", join(downloads, name), part]);
    }
    await rm(downloads, { recursive: true });
  });
  return {
    qemu: join(folder, "qemu"),
    kernel: join(folder, "kernel/usr/src", common, "include"),
    glib: join(folder, "glib"),
  };
}
