import { existsSync } from "node:fs";
import { readdir, readlink, rm, symlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { backports, type PrivateApt, suite } from "./apt.ts";
import { cached } from "./cache.ts";
import { mustRun } from "./exec.ts";

/** Programs of the build and of the guest's start. What the host has is not downloaded. */
const qemu = ["qemu-system-x86"];
const programs = [
  "mmdebstrap",
  "cpio",
  "kmod",
  "gcc",
  "libc6-dev",
  "make",
  "python3-minimal",
  "xz-utils",
  "e2fsprogs",
  "openssh-client",
];

/** Where a package puts programs. */
const programFolders = ["usr/sbin", "usr/bin", "sbin", "bin"];

const triplet = "x86_64-linux-gnu";

/** The folder that programs missing on the host were unpacked into. */
export interface Tools {
  readonly root: string;
  /** QEMU's package version, e.g. `1:10.0.2+ds-2+deb13u1~bpo12+1`. */
  readonly qemu: string;
  /** PATH and library paths that put them before the host's; the release is the same, so they mix. */
  readonly env: Readonly<Record<string, string>>;
}

export async function prepareTools(apt: PrivateApt): Promise<Tools> {
  const { version } = await apt.show("qemu-system-x86", backports);
  const root = await cached("tools", ["6", version, ...qemu, ...programs], async (folder) => {
    const debs = join(folder, "debs");
    await apt.downloadMissing(qemu, backports, debs);
    await apt.downloadMissing(programs, suite, debs);
    for (const name of await readdir(debs)) {
      // The C library must match the host's loader, so it stays the host's.
      if (!name.endsWith(".deb") || /^(libc6|libc-bin)_/.test(name)) continue;
      await mustRun(["dpkg-deb", "--extract", join(debs, name), folder]);
    }
    await rm(debs, { recursive: true });
    for (const name of programFolders) await relinkInside(folder, name);
  });
  return toolsIn(root, version);
}

/** Packages link with absolute paths (`/sbin/depmod -> /bin/kmod`), which would lead to the host. */
async function relinkInside(root: string, folder: string): Promise<void> {
  const path = join(root, folder);
  if (!existsSync(path)) return;
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const link = join(path, entry.name);
    const target = entry.isSymbolicLink() ? await readlink(link) : "";
    if (!target.startsWith("/") || !existsSync(join(root, target))) continue;
    await rm(link);
    await symlink(relative(path, join(root, target)), link);
  }
}

function toolsIn(root: string, version: string): Tools {
  const under = (...names: readonly string[]): string[] =>
    names.map((name) => join(root, name)).filter((path) => existsSync(path));
  const path = [...under(...programFolders), "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(":");
  const perl = under(
    "usr/share/perl5",
    "usr/share/perl/5.36",
    `usr/lib/${triplet}/perl/5.36`,
    `usr/lib/${triplet}/perl-base`,
  );
  return {
    root,
    qemu: version,
    env: {
      PATH: path,
      PERL5LIB: perl.join(":"),
      LD_LIBRARY_PATH: under(`lib/${triplet}`, `usr/lib/${triplet}`).join(":"),
      QEMU_MODULE_DIR: join(root, `usr/lib/${triplet}/qemu`),
    },
  };
}
