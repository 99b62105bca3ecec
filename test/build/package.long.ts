import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { makeDeb } from "../../scripts/package/deb.ts";
import { type PackagedFile, packagedFiles } from "../../scripts/package/files.ts";
import { type PackageInfo, packageInfo } from "../../scripts/package/package-info.ts";
import { makeRpm } from "../../scripts/package/rpm.ts";
import { isInstalled, requireTools } from "../../scripts/package/tools.ts";
import { sharedProgram } from "../support/program.ts";

/**
 * The packages, made of the real executable, without compression to save time: what is in them, and what they
 * say.
 */

const without = (...programs: readonly string[]): string | false => {
  const missing = programs.filter((program) => !isInstalled(program));
  return missing.length === 0 ? false : `${missing.join(" and ")} not installed`;
};
const tools = without("dpkg-deb", "rpmbuild", "rpm");

const folder = mkdtempSync(join(tmpdir(), "vflag-package-"));
after(() => rmSync(folder, { recursive: true }));
const epoch = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000;
const info: PackageInfo = packageInfo(epoch);

/** What both packages have: mode, path. Folders end with a slash. */
const common = [
  "0755 /etc/vflag/",
  "0755 /usr/bin/vflag",
  "0644 /usr/lib/systemd/system/vflag-early.service",
  "0644 /usr/lib/systemd/system/vflag-late.service",
  "0644 /usr/lib/systemd/system/vflag-verify.service",
  "0644 /usr/lib/systemd/system/vflag-verify.timer",
  "0755 /usr/share/bash-completion/",
  "0755 /usr/share/bash-completion/completions/",
  "0644 /usr/share/bash-completion/completions/vflag",
  "0755 /usr/share/doc/vflag/",
  "0644 /usr/share/doc/vflag/changelog.gz",
  "0644 /usr/share/doc/vflag/copyright",
  "0755 /usr/share/doc/vflag/examples/",
  "0644 /usr/share/doc/vflag/examples/vflag.yaml",
  "0755 /usr/share/doc/vflag/monitoring/",
  "0644 /usr/share/doc/vflag/monitoring/alerts.yml",
  "0644 /usr/share/doc/vflag/monitoring/dashboard.json",
  "0644 /usr/share/doc/vflag/monitoring/fleet-dashboard.json",
  "0644 /usr/share/doc/vflag/monitoring/fleet.yml",
  "0644 /usr/share/doc/vflag/node-licence.gz",
  "0755 /usr/share/fish/",
  "0755 /usr/share/fish/vendor_completions.d/",
  "0644 /usr/share/fish/vendor_completions.d/vflag.fish",
  "0644 /usr/share/man/man5/vflag.yaml.5.gz",
  "0644 /usr/share/man/man8/vflag.8.gz",
  "0755 /usr/share/zsh/",
];
const only = {
  deb: ["0644 /usr/share/lintian/overrides/vflag", "0644 /usr/share/zsh/vendor-completions/_vflag"],
  rpm: [
    "0755 /usr/share/licenses/vflag/",
    "0644 /usr/share/licenses/vflag/LICENSE",
    "0755 /usr/share/zsh/site-functions/",
    "0644 /usr/share/zsh/site-functions/_vflag",
  ],
};
const byPath = (one: string, other: string) => (one.slice(5) < other.slice(5) ? -1 : 1);

/** What a program prints. It must succeed. */
function output(program: string, ...argv: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, argv, {
    encoding: "utf8",
    timeout: 300_000,
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: "C.UTF-8", TZ: "UTC" },
  });
  assert.equal(status, 0, `${program} ${argv.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}

test("the list of files is what both packages are made of", async () => {
  const files = await packagedFiles("/bin/true", info);
  for (const format of ["deb", "rpm"] as const) {
    const listed = files
      .filter((file) => file.in.includes(format))
      .map((file) => line(file.mode, file.path, "directory" in file));
    assert.deepEqual(listed, [...common, ...only[format]].sort(byPath));
  }
});

function line(mode: number, path: string, folder: boolean): string {
  return `${mode.toString(8).padStart(4, "0")} ${path}${folder ? "/" : ""}`;
}

describe("the packages", { skip: tools }, () => {
  let deb = "";
  let rpm = "";
  let program = "";
  before(async () => {
    program = await sharedProgram();
    const files = await packagedFiles(program, info);
    [deb, rpm] = await Promise.all([
      makeDeb(files, info, folder, "none"),
      makeRpm(files, info, folder, "none"),
    ]);
  });

  test("are named as their distributions name them, and nothing else is left beside them", () => {
    const { architecture } = info;
    assert.deepEqual(readdirSync(folder).sort(), [
      `vflag-${info.version}-1.${architecture.rpm}.rpm`,
      `vflag_${info.version}_${architecture.deb}.deb`,
    ]);
  });

  test("the deb has the listed files, root's, of the time of the last commit", () => {
    const entries = output("dpkg-deb", "-c", deb).trimEnd().split("\n");
    const rows = entries.map(
      (entry) => /^(\S+) (\S+) +\d+ (\S+ \S+) \.(\/.*)$/.exec(entry)?.slice(1) ?? [entry],
    );
    for (const [, owner, time] of rows) assert.deepEqual([owner, time], ["root/root", "2026-01-02 03:04"]);
    // dpkg lists every folder on the way.
    const wanted = [...common, ...only.deb].sort(byPath);
    const found = rows.map(([mode = "", , , path = ""]) => `${octal(mode)} ${path}`);
    assert.deepEqual(
      found.filter((each) => !each.endsWith("/") || wanted.includes(each)).sort(byPath),
      wanted,
    );
    for (const each of found) if (each.endsWith("/")) assert.match(each, /^0755 /);
  });

  test("the rpm has the listed files, root's, of the time of the last commit", () => {
    const format = "[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEMTIMES} %{FILENAMES}\\n]";
    const rows = output("rpm", "-qp", "--qf", format, rpm)
      .trimEnd()
      .split("\n")
      .map((row) => row.split(" "));
    for (const [, owner, time] of rows) assert.deepEqual([owner, time], ["root:root", String(epoch)]);
    const found = rows.map(
      ([mode = "", , , path = ""]) => `${octal(mode)} ${path}${mode.startsWith("d") ? "/" : ""}`,
    );
    assert.deepEqual(found.sort(byPath), [...common, ...only.rpm].sort(byPath));
  });

  test("the deb's control fields", () => {
    const fields = output(
      "dpkg-deb",
      "-f",
      deb,
      "Package",
      "Version",
      "Architecture",
      "Depends",
      "Section",
      "Priority",
    )
      .trimEnd()
      .split("\n");
    assert.deepEqual(fields, [
      "Package: vflag",
      `Version: ${info.version}`,
      `Architecture: ${info.architecture.deb}`,
      "Depends: libatomic1, libc6 (>= 2.28), libstdc++6 (>= 7)",
      "Section: net",
      "Priority: optional",
    ]);
    const kibibytes = Number(output("dpkg-deb", "-f", deb, "Installed-Size"));
    assert.ok(kibibytes > 50_000 && kibibytes < 200_000, `${kibibytes} KiB`);
  });

  test("the rpm's tags", () => {
    const tags = ["NAME", "VERSION", "RELEASE", "ARCH", "BUILDTIME", "BUILDHOST", "LICENSE"];
    assert.deepEqual(output("rpm", "-qp", "--qf", tags.map((tag) => `%{${tag}}`).join("|"), rpm).split("|"), [
      "vflag",
      info.version,
      "1",
      info.architecture.rpm,
      String(epoch),
      "localhost",
      "Apache-2.0 AND MIT AND BSD-3-Clause AND ISC",
    ]);
    const requires = output("rpm", "-qp", "--requires", rpm).split("\n");
    for (const each of ["glibc >= 2.28", "libatomic", "libstdc++"]) assert.ok(requires.includes(each), each);
    assert.match(output("rpm", "-Kv", "--nosignature", rpm), /Payload SHA256 digest: OK/);
  });

  test("the executable needs what is declared, and nothing newer", {
    skip: without("readelf", "objdump"),
  }, () => {
    const needed = [...output("readelf", "-d", program).matchAll(/NEEDED.*\[(.*)\]/g)].map(
      (match) => match[1] ?? "",
    );
    const libraries = [
      "atomic.so.1",
      "c.so.6",
      "dl.so.2",
      "gcc_s.so.1",
      "m.so.6",
      "pthread.so.0",
      "stdc++.so.6",
    ].map((name) => `lib${name}`);
    assert.deepEqual(needed.filter((name) => !name.startsWith("ld-linux")).sort(), libraries);
    const symbols = output("objdump", "-T", program);
    // libstdc++ of GCC 7, which is what `libstdc++6 (>= 7)` says, ends with these.
    for (const [prefix, newest] of [
      ["GLIBC", "2.28"],
      ["GLIBCXX", "3.4.24"],
      ["CXXABI", "1.3.11"],
    ] as const) {
      const used = [...symbols.matchAll(new RegExp(`\\b${prefix}_([0-9.]+)`, "g"))].map(
        (match) => match[1] ?? "",
      );
      assert.ok(used.length > 0, prefix);
      const newer = used.filter((version) => version.localeCompare(newest, "en", { numeric: true }) > 0);
      assert.deepEqual(newer, [], `${prefix}, newer than ${newest}`);
    }
  });

  test("no path of the machine is in them", () => {
    for (const file of [deb, rpm]) {
      const bytes = readFileSync(file);
      for (const path of [process.cwd(), folder, join(import.meta.dirname, "../..")])
        assert.equal(bytes.indexOf(path), -1, `${path} is in ${file}`);
    }
  });

  const untrueHere = ["uses-no-compression-for-control-tarball", "uses-no-compression-for-data-tarball"];
  test("lintian finds nothing wrong, but for what lintian-overrides says why", {
    skip: without("lintian"),
  }, () => {
    assert.equal(
      output("lintian", "--fail-on", "error,warning", "--suppress-tags", untrueHere.join(","), deb),
      "",
    );
  });
});

test("a tool that is missing is named, with what to do", () => {
  const tool = { program: "no-such-packager", what: "makes the .rpm", debian: "rpm", redHat: "rpm-build" };
  assert.throws(
    () => requireTools([tool]),
    /^Error: no-such-packager, which makes the \.rpm, is not installed: apt-get install rpm \(Debian, Ubuntu\), dnf install rpm-build/,
  );
});

test("two builds of one tree are the same, byte for byte, whatever the umask", { skip: tools }, async () => {
  const files = await packagedFiles("/bin/true", info);
  const built = [];
  for (const name of ["one", "other"]) {
    const into = join(folder, name);
    mkdirSync(into);
    const umask = process.umask(name === "one" ? 0o022 : 0o077);
    const packages = await Promise.all([makeDeb(files, info, into), makeRpm(files, info, into)]);
    process.umask(umask);
    built.push(packages.map((file) => readFileSync(file)));
    rmSync(into, { recursive: true });
  }
  assert.ok(built[0]?.[0]?.equals(built[1]?.[0] ?? Buffer.alloc(0)), "the deb");
  assert.ok(built[0]?.[1]?.equals(built[1]?.[1] ?? Buffer.alloc(0)), "the rpm");
});

describe("what is in the list of files", () => {
  const text = (files: readonly PackagedFile[], path: string) => {
    const file = files.find((each) => each.path === path);
    assert.ok(file !== undefined && "content" in file, path);
    return file.content.toString();
  };

  for (const [shell, path] of [
    ["bash", "/usr/share/bash-completion/completions/vflag"],
    ["zsh", "/usr/share/zsh/vendor-completions/_vflag"],
    ["fish", "/usr/share/fish/vendor_completions.d/vflag.fish"],
  ] as const) {
    test(`${shell} accepts its completions`, { skip: without(shell) }, async () => {
      const file = join(folder, `completion.${shell}`);
      writeFileSync(file, text(await packagedFiles("/bin/true", info), path));
      output(shell, "-n", file);
      rmSync(file);
    });
  }

  test("the licences of all packages in the program are there", async () => {
    const copyright = text(await packagedFiles("/bin/true", info), "/usr/share/doc/vflag/copyright");
    const { dependencies } = JSON.parse(
      readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"),
    );
    const parts = copyright.split(`${"-".repeat(72)}\n`);
    for (const [name, version] of [...Object.entries(dependencies), ["xmlchars", "2.2.0"]]) {
      const part = parts.find((each) => each.startsWith(`${name} ${version} (`)) ?? "";
      assert.match(part, /^\S+ \S+ \((?:MIT|ISC|BSD-3-Clause)\)\n.*\bcopyright\b/is, `${name} ${version}`);
    }
  });
});

/** -rwxr-xr-x as 0755. */
function octal(perms: string): string {
  const bits = [...perms.slice(1)].map((bit) => (bit === "-" ? "0" : "1")).join("");
  return Number.parseInt(bits, 2).toString(8).padStart(4, "0");
}
