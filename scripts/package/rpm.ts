import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PackagedFile } from "./files.ts";
import { unitNames } from "./files.ts";
import { licenceTag } from "./licences.ts";
import {
  changelog,
  description,
  maintainer,
  type PackageInfo,
  packageVersion,
  summary,
} from "./package-info.ts";
import { rpmScriptlets } from "./scriptlets.ts";
import { stage } from "./stage.ts";
import { requireTools, run } from "./tools.ts";

export const rpmTools = [{ program: "rpmbuild", what: "makes the .rpm", debian: "rpm", redHat: "rpm-build" }];

/**
 * rpmbuild does nothing to the files: stripping once more would cut Node's part of the executable off, and
 * everything else is as it is to be. No date, host or path of the machine gets into the package.
 */
const macros = (info: PackageInfo, compression: "xz" | "none") => ({
  __os_install_post: "%{nil}",
  debug_package: "%{nil}",
  _build_id_links: "none",
  _build_name_fmt: "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
  _binary_payload: compression === "xz" ? "w9.xzdio" : "w.ufdio",
  _buildhost: "localhost",
  use_source_date_epoch_as_buildtime: "1",
  clamp_mtime_to_source_date_epoch: "1",
  source_date_epoch_from_changelog: "0",
  _target_os: "linux",
  _target_cpu: info.architecture.rpm,
});

/**
 * Makes `vflag-<version>-1.<architecture>.rpm`. @param into the folder for it. @param compression xz, which
 * every rpm reads, or none
 */
export async function makeRpm(
  files: readonly PackagedFile[],
  info: PackageInfo,
  into: string,
  compression: "xz" | "none" = "xz",
): Promise<string> {
  requireTools(rpmTools);
  const folder = join(into, "rpm.tree");
  rmSync(folder, { recursive: true, force: true });
  const ours = files.filter((file) => file.in.includes("rpm"));
  stage(ours, join(folder, "files"), info.epoch);
  mkdirSync(join(folder, "home"));
  writeFileSync(join(folder, "vflag.spec"), await specFile(ours, info));
  const defines = Object.entries({
    ...macros(info, compression),
    _topdir: join(folder, "home"),
    _tmppath: join(folder, "home"),
    _rpmdir: into,
  });
  const argv = [
    "-bb",
    "--quiet",
    `--target=${info.architecture.rpm}-linux`,
    ...defines.flatMap(([name, value]) => ["--define", `${name} ${value}`]),
  ];
  await run("rpmbuild", [...argv, join(folder, "vflag.spec")], {
    SOURCE_DATE_EPOCH: String(info.epoch),
    VFLAG_FILES: join(folder, "files"),
  });
  rmSync(folder, { recursive: true });
  return join(into, `vflag-${packageVersion(info)}-1.${info.architecture.rpm}.rpm`);
}

/**
 * Besides what is required by name, rpmbuild itself requires what the executable is linked with
 * (libc.so.6(GLIBC_2.28) and the like), as it finds it there.
 */
async function specFile(files: readonly PackagedFile[], info: PackageInfo): Promise<string> {
  return [
    "Name: vflag",
    `Version: ${packageVersion(info)}`,
    "Release: 1",
    `Summary: ${summary}`,
    `License: ${await licenceTag()}`,
    `Packager: ${maintainer}`,
    "Group: System Environment/Base",
    "Requires: glibc >= 2.28",
    "Requires: libatomic",
    "Requires: libstdc++",
    "",
    "%description",
    ...description,
    "",
    "%install",
    'mkdir -p "%{buildroot}"',
    'cp -a "$VFLAG_FILES/." "%{buildroot}"',
    "",
    ...[...rpmScriptlets(unitNames())].flatMap(([name, text]) => [`%${name}`, text.replaceAll("%", "%%")]),
    "%files",
    ...files.map(listed),
    "",
    "%changelog",
    ...changelog(info.epoch).flatMap((release) => [
      `* ${rpmDate(release.date)} ${maintainer} - ${packageVersion({ ...info, version: release.version })}-1`,
      ...release.changes.map((change) => `- ${change.replaceAll("%", "%%")}`),
      "",
    ]),
  ].join("\n");
}

function listed(file: PackagedFile): string {
  const mode = file.mode.toString(8).padStart(4, "0");
  const kind = "directory" in file ? "%dir " : file.kind === undefined ? "" : `%${file.kind} `;
  return `%attr(${mode}, root, root) ${kind}${file.path}`;
}

/** Sat Nov 21 2026 */
function rpmDate(seconds: number): string {
  const [day = "", date = "", month = "", year = ""] = new Date(seconds * 1000)
    .toUTCString()
    .replace(",", "")
    .split(" ");
  return `${day} ${month} ${date} ${year}`;
}
