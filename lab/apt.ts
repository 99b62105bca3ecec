import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mustRun } from "./exec.ts";
import { cache } from "./paths.ts";

export const suite = "bookworm";
export const backports = `${suite}-backports`;

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

/** The host's own mirror with the suites that the lab needs, as deb822. */
function labSources(host: readonly Source[]): string {
  const base = host.find((source) => source.suites.includes(suite));
  if (base === undefined) {
    const seen = host.flatMap((source) => source.suites).join(", ");
    throw new Error(`apt has no source for ${suite} (it has: ${seen || "none"}); the lab needs Debian 12's packages`);
  }
  const security = host.find((source) => source.suites.includes(`${suite}-security`));
  const stanza = (source: Source, suites: readonly string[]): string =>
    [
      "Types: deb",
      `URIs: ${source.uri}`,
      `Suites: ${suites.join(" ")}`,
      "Components: main",
      ...(source.signedBy === "" ? [] : [`Signed-By: ${source.signedBy}`]),
      "",
    ].join("\n");
  const stanzas = [stanza(base, [suite, `${suite}-updates`, backports])];
  if (security !== undefined) stanzas.push(stanza(security, [`${suite}-security`]));
  return stanzas.join("\n");
}

/** An apt with its own sources, lists and cache. It never touches the host's. */
export class PrivateApt {
  readonly folder = join(cache, "apt");
  readonly sources = join(this.folder, "sources.list.d", "lab.sources");
  readonly #config = join(this.folder, "apt.conf");

  /** Writes the configuration, and fetches the package lists if there are none yet. */
  async prepare(update: boolean): Promise<void> {
    for (const name of ["sources.list.d", "preferences.d", "lists/partial", "cache/archives/partial"]) {
      await mkdir(join(this.folder, name), { recursive: true });
    }
    await writeFile(this.sources, labSources(await hostSources()));
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
    const fetched = (await readdir(join(this.folder, "lists"))).some((name) => name.endsWith("_InRelease"));
    if (update || !fetched) await this.#apt(["apt-get", "-qq", "update"]);
  }

  /** The newest version of a package in a suite, e.g. `6.12.95-1~bpo12+1`, and what it depends on. */
  async show(name: string, from: string): Promise<{ version: string; depends: string[] }> {
    const text = await this.#apt(["apt-cache", "show", "--no-all-versions", `${name}/${from}`]);
    const version = /^Version: (\S+)$/m.exec(text)?.[1];
    if (version === undefined) throw new Error(`no package ${name} in ${from}`);
    const depends = (/^Depends: (.*)$/m.exec(text)?.[1] ?? "").split(", ").map((one) => one.replace(/ .*/, ""));
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

  #apt(argv: readonly string[], cwd: string = this.folder): Promise<string> {
    return mustRun(argv, { cwd, env: { APT_CONFIG: this.#config, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" } });
  }
}
