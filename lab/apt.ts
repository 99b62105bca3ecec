import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mustRun } from "./exec.ts";
import { cache } from "./paths.ts";

export const suite = "bookworm";
export const backports = `${suite}-backports`;
export const unstable = "sid";

/** One of the host's package sources, as far as the lab needs it. */
interface Source {
  readonly uri: string;
  readonly suites: readonly string[];
  /** A path to a keyring, or empty for apt's own trusted keys. */
  readonly signedBy: string;
}

/** Reads one-line (`deb [options] uri suite components`) and deb822 sources. */
function parseSources(text: string): Source[] {
  const sources: Source[] = [];
  for (const line of text.split("\n")) {
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)/.exec(line);
    if (match === null) continue;
    const [, options = "", uri = "", name = ""] = match;
    sources.push({ uri, suites: [name], signedBy: /signed-by=(\S+)/.exec(options)?.[1] ?? "" });
  }
  for (const stanza of text.replaceAll(/^#.*\n/gm, "").split(/\n\s*\n/)) {
    const field = (name: string): string[] =>
      (new RegExp(`^${name}:[ \\t]*(\\S.*)$`, "mi").exec(stanza)?.[1] ?? "").split(/\s+/).filter(Boolean);
    if (!field("Types").includes("deb") || field("Enabled").includes("no")) continue;
    for (const uri of field("URIs")) {
      sources.push({ uri, suites: field("Suites"), signedBy: field("Signed-By")[0] ?? "" });
    }
  }
  return sources;
}

async function hostSources(): Promise<Source[]> {
  const folder = "/etc/apt/sources.list.d";
  const names = existsSync(folder) ? await readdir(folder) : [];
  const files = names.filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(folder, name));
  const present = ["/etc/apt/sources.list", ...files].filter((file) => existsSync(file));
  const texts = await Promise.all(present.map((file) => readFile(file, "utf8")));
  return texts.flatMap(parseSources);
}

/**
 * Suites that one apt has package lists of. Those of unstable are apart: nothing of it may be chosen for
 * Debian 12's programs.
 */
export interface Archive {
  readonly folder: string;
  readonly suites: readonly string[];
  readonly security: boolean;
  /** Suites whose source packages are wanted too. */
  readonly sources: readonly string[];
}
const stable: Archive = {
  folder: "apt",
  suites: [suite, `${suite}-updates`, backports],
  security: true,
  sources: [backports],
};
export const newest: Archive = { folder: "apt-unstable", suites: [unstable], security: false, sources: [] };

type Kind = "deb" | "deb-src";

/** The host's own mirror with the suites that the lab needs, as deb822. */
function labSources(host: readonly Source[], archive: Archive, kind: Kind): string {
  const base = host.find((source) => source.suites.includes(suite));
  if (base === undefined) {
    const seen = host.flatMap((source) => source.suites).join(", ");
    throw new Error(
      `apt has no source for ${suite} (it has: ${seen || "none"}); the lab needs Debian 12's packages`,
    );
  }
  const security =
    archive.security && kind === "deb" && host.find((source) => source.suites.includes(`${suite}-security`));
  const stanza = (source: Source, suites: readonly string[]): string =>
    [
      `Types: ${kind}`,
      `URIs: ${source.uri}`,
      `Suites: ${suites.join(" ")}`,
      "Components: main",
      ...(source.signedBy === "" ? [] : [`Signed-By: ${source.signedBy}`]),
      "",
    ].join("\n");
  const stanzas = [stanza(base, kind === "deb" ? archive.suites : archive.sources)];
  if (security) stanzas.push(stanza(security, [`${suite}-security`]));
  return stanzas.join("\n");
}

/** An apt with its own sources, lists and cache. It never touches the host's. */
export class PrivateApt {
  readonly folder: string;
  /** The file that names the suites of binary packages. */
  readonly sources: string;
  readonly #archive: Archive;
  readonly #config: string;

  constructor(archive: Archive = stable) {
    this.#archive = archive;
    this.folder = join(cache, archive.folder);
    this.sources = join(this.folder, "sources.list.d", "lab.sources");
    this.#config = join(this.folder, "apt.conf");
  }

  /** Writes the configuration, and fetches the package lists if there are none yet. */
  async prepare(update: boolean): Promise<void> {
    for (const name of ["sources.list.d", "preferences.d", "lists/partial", "cache/archives/partial"]) {
      await mkdir(join(this.folder, name), { recursive: true });
    }
    const host = await hostSources();
    await writeFile(this.sources, labSources(host, this.#archive, "deb"));
    const sourcePackages = join(this.folder, "sources.list.d", "packages.sources");
    if (this.#archive.sources.length > 0)
      await writeFile(sourcePackages, labSources(host, this.#archive, "deb-src"));
    await writeFile(
      this.#config,
      [
        'Dir::Etc::sourcelist "/dev/null";',
        `Dir::Etc::sourceparts "${join(this.folder, "sources.list.d")}";`,
        'Dir::Etc::preferences "/dev/null";',
        `Dir::Etc::preferencesparts "${join(this.folder, "preferences.d")}";`,
        `Dir::State "${this.folder}";`,
        `Dir::State::lists "${join(this.folder, "lists")}";`,
        'Dir::State::status "/var/lib/dpkg/status";',
        `Dir::Cache "${join(this.folder, "cache")}";`,
        'APT::Sandbox::User "root";',
        'Debug::NoLocking "1";',
        "",
      ].join("\n"),
    );
    const lists = await readdir(join(this.folder, "lists"));
    const wanted = this.#archive.sources.length > 0 ? "_Sources" : "_Packages";
    if (update || !lists.some((name) => name.endsWith(wanted))) await this.#apt(["apt-get", "-qq", "update"]);
  }

  /** The newest version of a package in a suite, e.g. `6.12.95-1~bpo12+1`, and what it depends on. */
  async show(name: string, from: string): Promise<{ version: string; depends: string[] }> {
    const text = await this.#apt(["apt-cache", "show", "--no-all-versions", `${name}/${from}`]);
    const version = /^Version: (\S+)$/m.exec(text)?.[1];
    if (version === undefined) throw new Error(`no package ${name} in ${from}`);
    const depends = (/^Depends: (.*)$/m.exec(text)?.[1] ?? "")
      .split(", ")
      .map((one) => one.replace(/ .*/, ""));
    return { version, depends };
  }

  /** Downloads just these packages (`name` or `name=version`) into a folder. */
  async download(packages: readonly string[], folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await this.#apt(["apt-get", "-qq", "download", ...packages], folder);
  }

  /** Downloads what would have to be installed on this host to have these packages. */
  async downloadMissing(packages: readonly string[], from: string, folder: string): Promise<void> {
    await mkdir(join(folder, "partial"), { recursive: true });
    await this.#apt([
      "apt-get",
      "-qq",
      "-y",
      "--download-only",
      "--no-install-recommends",
      "--no-upgrade",
      "-t",
      from,
      "-o",
      `Dir::Cache::archives=${folder}`,
      "install",
      ...packages,
    ]);
  }

  /**
   * Downloads the upstream part of a source package into a folder, and returns its path. The mirror may lack
   * Debian's own part, so apt-get source would fail.
   */
  async downloadOrig(name: string, version: string, folder: string): Promise<string> {
    const text = await this.#apt([
      "apt-get",
      "source",
      "--print-uris",
      "--download-only",
      "--only-source",
      `${name}=${version}`,
    ]);
    const [, uri, file, hash] = /^'(\S+)' (\S+\.orig\.tar\.\w+) \d+ (\w+:\w+)$/m.exec(text) ?? [];
    if (uri === undefined || file === undefined)
      throw new Error(`source package ${name} ${version} names no upstream archive:\n${text}`);
    await mkdir(folder, { recursive: true });
    await this.#apt([
      "/usr/lib/apt/apt-helper",
      "download-file",
      uri,
      join(folder, file),
      ...(hash === undefined ? [] : [hash]),
    ]);
    return join(folder, file);
  }

  #apt(argv: readonly string[], cwd: string = this.folder): Promise<string> {
    return mustRun(argv, {
      cwd,
      env: { APT_CONFIG: this.#config, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
    });
  }
}
