import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { makeDeb } from "../../scripts/package/deb.ts";
import { packagedFiles } from "../../scripts/package/files.ts";
import { type PackageInfo, packageInfo } from "../../scripts/package/package-info.ts";
import { makeRpm } from "../../scripts/package/rpm.ts";
import { maintainerScripts, rpmScriptlets } from "../../scripts/package/scriptlets.ts";
import { isInstalled } from "../../scripts/package/tools.ts";
import { usersEnvironment, vflag } from "../support/vflag.ts";

/**
 * The packages' lives, by dpkg and rpm themselves, in a small root of their own with a shell, and a systemctl
 * that only writes down what it is asked. Both change into that root to run the packages' scripts, so the
 * machine is not touched.
 */

const missing = ["dpkg", "dpkg-deb", "rpmbuild", "rpm", "ldd", "chroot"].filter(
  (program) => !isInstalled(program),
);
const skip =
  missing.length > 0
    ? `${missing.join(" and ")} not installed`
    : process.getuid?.() !== 0
      ? "needs root, to change the root folder"
      : false;

const folder = mkdtempSync(join(tmpdir(), "vflag-install-"));
after(() => rmSync(folder, { recursive: true }));
const info: PackageInfo = packageInfo(1_767_323_045);
const units = ["vflag-early.service", "vflag-late.service"] as const;

function run(program: string, argv: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, argv, {
    encoding: "utf8",
    timeout: 120_000,
    env: { ...usersEnvironment, LC_ALL: "C.UTF-8" },
  });
  assert.equal(status, 0, `${program} ${argv.join(" ")}: ${error ?? ""}${stderr}${stdout}`);
  return stdout;
}

/** A root with a shell, what the scripts run, and what `program` is linked with. */
function smallRoot(name: string, program: string): string {
  const root = join(folder, name);
  for (const each of [
    "usr/bin",
    "usr/lib64",
    "dev",
    "tmp",
    "var/tmp",
    "var/lib/rpm",
    "var/lib/dpkg/info",
    "var/lib/dpkg/updates",
  ])
    mkdirSync(join(root, each), { recursive: true });
  mkdirSync(join(root, "run/systemd/system"), { recursive: true });
  // Folders that other packages have something in.
  for (const each of [
    "usr/lib/systemd/system",
    "usr/share/doc",
    "usr/share/licenses",
    "usr/share/man/man5",
    "usr/share/man/man8",
    "usr/sbin",
  ]) {
    mkdirSync(join(root, each), { recursive: true });
    writeFileSync(join(root, each, "theirs"), "");
  }
  for (const each of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${each}`, join(root, each));
  mkdirSync(join(root, "etc/systemd/system"), { recursive: true });
  for (const each of ["var/lib/dpkg/status", "dev/null"]) writeFileSync(join(root, each), "");
  const place = (from: string, to: string) => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    copyFileSync(realpathSync(from), join(root, to));
  };
  const programs = ["/bin/sh", "/bin/rm", "/bin/rmdir"];
  for (const each of programs) place(each, each);
  for (const each of [...programs, program])
    for (const library of run("ldd", [each]).match(/\/\S+(?= \(0x)/g) ?? []) place(library, library);
  systemctlOf(root, 0);
  return root;
}

/** Puts a systemctl in place that writes down what it is called with, and fails or not. */
function systemctlOf(root: string, status: number): void {
  const file = join(root, "usr/bin/systemctl");
  writeFileSync(file, `#!/bin/sh\necho "$*" >> /systemctl.log\nexit ${status}\n`);
  chmodSync(file, 0o755);
}

/** What systemctl was called with since this was last asked. */
function asked(root: string): string[] {
  const log = join(root, "systemctl.log");
  if (!existsSync(log)) return [];
  const text = readFileSync(log, "utf8");
  rmSync(log);
  return text.trimEnd().split("\n");
}

/** All files and folders that are neither a package manager's own nor the log. */
function everything(root: string): Set<string> {
  const all = globSync(["**/*", "**/.*"], { cwd: root, exclude: ["var/lib/dpkg", "var/lib/rpm", "proc"] });
  return new Set(all.filter((path) => path !== "systemctl.log"));
}

/** Links that enable the units, as `systemctl enable` makes them. */
function enable(root: string): string[] {
  return units.map((unit) => {
    const link = join(root, "etc/systemd/system/multi-user.target.wants", unit);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(`/usr/lib/systemd/system/${unit}`, link);
    return link;
  });
}

const isLink = (path: string) => spawnSync("test", ["-L", path]).status === 0;

const dpkg = (root: string, ...argv: readonly string[]) =>
  run("dpkg", [`--root=${root}`, "--force-depends", "--log=/dev/null", ...argv]);
const rpm = (root: string, ...argv: readonly string[]) =>
  run("rpm", [
    "--root",
    root,
    "--dbpath",
    "/var/lib/rpm",
    "--nodeps",
    "--nosignature",
    ...(existsSync("/etc/debian_version") ? ["--force-debian"] : []),
    ...argv,
  ]);

const formats = {
  deb: {
    make: makeDeb,
    install: (root: string, file: string) => dpkg(root, "--install", file),
    remove: (root: string) => dpkg(root, "--remove", "vflag"),
  },
  rpm: {
    make: makeRpm,
    install: (root: string, file: string) => rpm(root, "--upgrade", file),
    remove: (root: string) => rpm(root, "--erase", "vflag"),
  },
} as const;

for (const [format, { make, install, remove }] of Object.entries(formats)) {
  describe(`a ${format}`, { skip }, () => {
    let file = "";
    let next = "";
    before(async () => {
      const into = join(folder, format);
      mkdirSync(into);
      file = await make(await packagedFiles(vflag, info), info, into, "none");
      // The next version need not be a real one.
      const later = { ...info, version: "99.0.0" };
      next = await make(await packagedFiles("/bin/true", later), later, into, "none");
    });

    test("is installed, runs, is upgraded and removed; the operator's spec and the journal stay", () => {
      const root = smallRoot(`${format}-life`, vflag);
      const before = everything(root);

      install(root, file);
      assert.deepEqual(asked(root), ["daemon-reload"]);
      assert.deepEqual(
        globSync("etc/systemd/system/**", { cwd: root }),
        ["etc/systemd/system"],
        "the units are disabled",
      );
      assert.equal(run("chroot", [root, "/usr/bin/vflag", "--version"]), `${info.version}\n`);

      const links = enable(root);
      mkdirSync(join(root, "var/lib/vflag"));
      writeFileSync(join(root, "etc/vflag/vflag.yaml"), "version: 1\n");
      for (const name of ["journal.jsonl", "journal.jsonl.1"])
        writeFileSync(join(root, "var/lib/vflag", name), "{}\n");

      install(root, next);
      assert.deepEqual(asked(root), ["daemon-reload"], "an upgrade disables nothing");
      assert.deepEqual(links.map(isLink), [true, true]);
      assert.equal(readFileSync(join(root, "etc/vflag/vflag.yaml"), "utf8"), "version: 1\n");

      remove(root);
      const all = [...units, "vflag-verify.service", "vflag-verify.timer"];
      assert.deepEqual(asked(root), [
        "--quiet stop vflag-verify.timer",
        `--quiet --no-reload disable ${all.join(" ")}`,
        "daemon-reload",
      ]);
      assert.deepEqual(links.map(isLink), [false, false]);
      const left = [...everything(root)].filter((path) => !before.has(path)).sort();
      const stays = [
        "etc/vflag",
        "etc/vflag/vflag.yaml",
        "var/lib/vflag",
        "var/lib/vflag/journal.jsonl",
        "var/lib/vflag/journal.jsonl.1",
      ];
      assert.deepEqual(left, ["etc/systemd/system/multi-user.target.wants", ...stays]);
      assert.deepEqual(
        [...before].filter((path) => !existsSync(join(root, path)) && !isLink(join(root, path))),
        [],
        "nothing else has gone",
      );

      if (format !== "deb") return;
      dpkg(root, "--purge", "vflag");
      assert.deepEqual(asked(root), []);
      assert.deepEqual(
        [existsSync(join(root, "var/lib/vflag")), existsSync(join(root, "etc/vflag/vflag.yaml"))],
        [false, true],
      );
    });

    test("without systemd running, it is installed and removed all the same, with the links that enabled the units", () => {
      const root = smallRoot(`${format}-chroot`, vflag);
      rmSync(join(root, "run/systemd"), { recursive: true });
      install(root, next);
      const links = enable(root);
      remove(root);
      assert.deepEqual([asked(root), ...links.map(isLink)], [[], false, false]);
      assert.equal(existsSync(join(root, "etc/vflag")), false, "an empty folder goes");
    });

    test("a systemctl that fails fails neither an installation nor a removal", () => {
      const root = smallRoot(`${format}-failing`, vflag);
      systemctlOf(root, 1);
      install(root, next);
      const links = enable(root);
      remove(root);
      assert.equal(asked(root).length, 4);
      assert.deepEqual(links.map(isLink), [false, false]);
    });
  });
}

test("shellcheck finds nothing wrong with the packages' scripts", {
  skip: isInstalled("shellcheck") ? false : "shellcheck is not installed",
}, () => {
  for (const [name, text] of [...maintainerScripts(units), ...rpmScriptlets(units)]) {
    const file = join(folder, name);
    writeFileSync(file, text);
    run("shellcheck", ["--shell=sh", "--enable=all", "--exclude=SC2250", file]);
    rmSync(file);
  }
});

test("the packages' scripts can be run again and again, and do nothing for what they do not know", () => {
  // On this machine the scripts must not run with what they know. What they do not know are dpkg's other
  // calls.
  for (const [name, text] of maintainerScripts(units)) {
    const file = join(folder, name);
    writeFileSync(file, text);
    for (const call of ["upgrade", "failed-upgrade", "abort-install"])
      assert.equal(run("sh", ["-x", file, call]), "");
    rmSync(file);
  }
});
