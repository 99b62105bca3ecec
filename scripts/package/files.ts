import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as z from "zod";
import { metricsFile } from "../../src/boot/metrics-file.ts";
import { earlyUnit, lateUnit } from "../../src/boot/units.ts";
import { verifyTimer, verifyUnit } from "../../src/boot/verify-units.ts";
import { completionScript, furtherWords } from "../../src/cli/completion.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { Spec } from "../../src/spec/schema.ts";
import { copyright, nodeLicence } from "./licences.ts";
import { changelog, dateOf, maintainer, type PackageInfo, packageVersion } from "./package-info.ts";
import { programPage } from "./program-page.ts";
import { specPage } from "./spec-page.ts";

export type Format = "deb" | "rpm";

/** One thing in the packages; all of it is root's. */
export type PackagedFile = {
  readonly path: string;
  readonly mode: number;
  readonly in: readonly Format[];
  /** What rpm calls it: documentation can be left out of an installation, and a licence never is. */
  readonly kind?: "doc" | "license";
} & ({ readonly content: string | Buffer } | { readonly copyOf: string } | { readonly directory: true });

const root = join(import.meta.dirname, "../..");
const both = ["deb", "rpm"] as const;

/**
 * Files of vflag's own that a host needs at boot, as src/boot renders them: by the path at which they are
 * installed. Whatever else it comes to render is added here.
 */
function bootFiles(): ReadonlyMap<string, string> {
  const options = { program: "/usr/bin/vflag" };
  const units = [
    earlyUnit(options),
    lateUnit(options),
    verifyUnit({ ...options, metrics: metricsFile }),
    verifyTimer,
  ];
  return new Map(units.map(({ name, text }) => [`/usr/lib/systemd/system/${name}`, text]));
}

/** The names of the packaged units. */
export function unitNames(): string[] {
  return [...bootFiles().keys()]
    .filter((path) => path.startsWith("/usr/lib/systemd/system/"))
    .map((path) => path.split("/").at(-1) ?? "");
}

/**
 * Folders that nothing else on a host may have, and that go with the package when they are empty: rpm has to
 * be told of each.
 */
const folders = [
  "/usr/share/bash-completion",
  "/usr/share/bash-completion/completions",
  "/usr/share/doc/vflag",
  "/usr/share/doc/vflag/examples",
  "/usr/share/doc/vflag/monitoring",
  "/usr/share/fish",
  "/usr/share/fish/vendor_completions.d",
  "/usr/share/licenses/vflag",
  "/usr/share/zsh",
  "/usr/share/zsh/site-functions",
].map(
  (path): PackagedFile => ({
    path,
    mode: 0o755,
    in: /licenses|site-functions/.test(path) ? ["rpm"] : both,
    directory: true,
  }),
);

/** All that is in the packages, sorted by path. @param program the executable of `npm run build` */
export async function packagedFiles(program: string, info: PackageInfo): Promise<PackagedFile[]> {
  const text = (
    path: string,
    content: string | Buffer,
    more: Partial<Pick<PackagedFile, "in" | "kind">> = {},
  ): PackagedFile => ({
    path,
    mode: 0o644,
    in: both,
    content,
    ...more,
  });
  const doc = (name: string, content: string | Buffer): PackagedFile =>
    text(`/usr/share/doc/vflag/${name}`, content, { kind: "doc" });
  const example = readFileSync(join(root, "docs/examples/vflag.yaml"), "utf8");
  const words = await furtherWords();
  const files: PackagedFile[] = [
    { path: "/usr/bin/vflag", mode: 0o755, in: both, copyOf: program },
    // The operator's: no file in it is the package's, so none is ever replaced or removed with it.
    { path: "/etc/vflag", mode: 0o755, in: both, directory: true },
    ...[...bootFiles()].map(([path, content]) => text(path, content)),
    text("/usr/share/bash-completion/completions/vflag", completion("bash", words)),
    text("/usr/share/fish/vendor_completions.d/vflag.fish", completion("fish", words)),
    text("/usr/share/zsh/vendor-completions/_vflag", completion("zsh", words), { in: ["deb"] }),
    text("/usr/share/zsh/site-functions/_vflag", completion("zsh", words), { in: ["rpm"] }),
    text("/usr/share/man/man8/vflag.8.gz", compressed(programManual(info)), { kind: "doc" }),
    text("/usr/share/man/man5/vflag.yaml.5.gz", compressed(specManual(info, example)), { kind: "doc" }),
    doc("copyright", await copyright()),
    doc("node-licence.gz", compressed(nodeLicence())),
    doc("changelog.gz", compressed(debianChangelog(info))),
    doc("examples/vflag.yaml", example),
    ...["alerts.yml", "dashboard.json", "fleet.yml", "fleet-dashboard.json"].map((name) =>
      doc(`monitoring/${name}`, readFileSync(join(root, "monitoring", name))),
    ),
    text("/usr/share/licenses/vflag/LICENSE", readFileSync(join(root, "LICENSE")), {
      in: ["rpm"],
      kind: "license",
    }),
    text("/usr/share/lintian/overrides/vflag", readFileSync(join(import.meta.dirname, "lintian-overrides")), {
      in: ["deb"],
    }),
  ];
  files.push(...folders);
  return files.sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** vflag(8). */
export function programManual(info: PackageInfo): string {
  const operating = readFileSync(join(root, "docs/operating.md"), "utf8");
  return programPage(buildProgram(info.version), {
    version: info.version,
    date: dateOf(info),
    files: table(operating, "Files"),
    exitCodes: table(operating, "Exit codes"),
  });
}

/** vflag.yaml(5). */
export function specManual(info: PackageInfo, example: string): string {
  return specPage({
    version: info.version,
    date: dateOf(info),
    schema: z.toJSONSchema(Spec, { io: "input" }),
    example,
  });
}

function completion(shell: "bash" | "zsh" | "fish", words: Awaited<ReturnType<typeof furtherWords>>): string {
  const script = completionScript(shell, buildProgram(""), words);
  // zsh runs the file when the first completion is asked for. It then has to answer that one, too.
  return shell === "zsh" ? `#compdef vflag\n${script}_bash_complete -o filenames -F _vflag\n` : script;
}

/**
 * The rows of the table under a heading: what stands in the first column, without backquotes, and in the
 * second.
 */
function table(markdown: string, heading: string): [string, string][] {
  const part = markdown.split(/^## /m).find((each) => each.startsWith(`${heading}\n`));
  const rows = (part ?? "")
    .split("\n")
    .flatMap((row) => /^\| ([^|]+) \| (.+) \|$/.exec(row.replaceAll("\\|", "/")) ?? []);
  const cells = rows.filter((_, index) => index % 3 !== 0);
  const pairs = cells.flatMap((cell, index): [string, string][] =>
    index % 2 === 0 ? [[cell.replaceAll("`", ""), cells[index + 1] ?? ""]] : [],
  );
  if (pairs.length < 2) throw new Error(`docs/operating.md has no table under "## ${heading}"`);
  return pairs.slice(1);
}

/**
 * The changelog in Debian's form (policy, 4.4): a native package's, for there is no packaging apart from
 * vflag's own.
 */
function debianChangelog(info: PackageInfo): string {
  return changelog(info.epoch)
    .map(({ version, date, changes }) =>
      [
        `vflag (${packageVersion({ ...info, version })}) unstable; urgency=medium`,
        "",
        ...changes.map((change) => wrapped(change, 76).join("\n    ").replace(/^/, "  * ")),
        "",
        ` -- ${maintainer}  ${rfc2822(date)}`,
        "",
      ].join("\n"),
    )
    .join("\n");
}

/** Lines of at most so many characters, at white space. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function rfc2822(seconds: number): string {
  return new Date(seconds * 1000).toUTCString().replace("GMT", "+0000");
}

/** As gzip -9n: neither a name nor a time is in it. */
function compressed(text: string): Buffer {
  return gzipSync(text, { level: 9 });
}
