import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PackagedFile } from "./files.ts";
import { unitNames } from "./files.ts";
import { description, maintainer, type PackageInfo, packageVersion, summary } from "./package-info.ts";
import { maintainerScripts } from "./scriptlets.ts";
import { sizeOf, stage } from "./stage.ts";
import { requireTools, run } from "./tools.ts";

/**
 * What the executable is linked with. `readelf -d dist/vflag` names libatomic, libstdc++, libgcc_s and the C
 * library's libc, libm, libdl and libpthread; `objdump -T dist/vflag | grep -o 'GLIBC_[0-9.]*' | sort -Vu`
 * ends with GLIBC_2.28, and the same with GLIBCXX_3.4.21 and CXXABI_1.3.11, which libstdc++ has since GCC 7.
 * libgcc_s comes with libstdc++6, under a name that changed. A test holds these figures against the
 * executable.
 */
const depends = "libatomic1, libc6 (>= 2.28), libstdc++6 (>= 7)";

export const debTools = [{ program: "dpkg-deb", what: "makes the .deb", debian: "dpkg", redHat: "dpkg" }];

/**
 * Makes `vflag_<version>_<architecture>.deb`. @param into the folder for it. @param compression xz, which
 * every dpkg reads; zstd is quick
 */
export async function makeDeb(
  files: readonly PackagedFile[],
  info: PackageInfo,
  into: string,
  compression: "xz" | "zstd" | "none" = "xz",
): Promise<string> {
  requireTools(debTools);
  const folder = join(into, "deb.tree");
  rmSync(folder, { recursive: true, force: true });
  const ours = files.filter((file) => file.in.includes("deb"));
  stage(ours, folder, info.epoch);
  const control = controlFiles(ours, folder, info);
  const controlFolder = join(folder, "DEBIAN");
  mkdirSync(controlFolder);
  for (const [name, { text }] of control) writeFileSync(join(controlFolder, name), text);
  // Whatever the umask is.
  for (const [name, mode] of [
    [".", 0o755] as const,
    ...[...control].map(([name, { mode }]) => [name, mode] as const),
  ])
    chmodSync(join(controlFolder, name), mode);
  const deb = join(into, `vflag_${packageVersion(info)}_${info.architecture.deb}.deb`);
  await run("dpkg-deb", ["--root-owner-group", `-Z${compression}`, "-z9", "--build", folder, deb], {
    SOURCE_DATE_EPOCH: String(info.epoch),
  });
  rmSync(folder, { recursive: true });
  return deb;
}

function controlFiles(
  files: readonly PackagedFile[],
  folder: string,
  info: PackageInfo,
): Map<string, { text: string; mode: number }> {
  const control = [
    "Package: vflag",
    `Version: ${packageVersion(info)}`,
    `Architecture: ${info.architecture.deb}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${Math.ceil(sizeOf(folder) / 1024)}`,
    `Depends: ${depends}`,
    "Section: net",
    "Priority: optional",
    `Description: ${summary}`,
    ...description.map((line) => ` ${line}`),
    "",
  ].join("\n");
  const sums = files
    .filter((file) => !("directory" in file))
    .map(
      ({ path }) =>
        `${createHash("md5")
          .update(readFileSync(join(folder, path)))
          .digest("hex")}  ${path.slice(1)}\n`,
    );
  const scripts = [...maintainerScripts(unitNames())].map(
    ([name, text]) => [name, { text, mode: 0o755 }] as const,
  );
  return new Map([
    ["control", { text: control, mode: 0o644 }],
    ["md5sums", { text: sums.join(""), mode: 0o644 }],
    ...scripts,
  ]);
}
