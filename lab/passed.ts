import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ansibleCore } from "../test/ansible/collection.ts";
import type { Build } from "./build.ts";
import { cached } from "./cache.ts";
import { repository } from "./paths.ts";

/** A task that passed whole. */
export interface Pass {
  /** How many checks. */
  readonly checks: number;
  /** ISO 8601. */
  readonly at: string;
}

/** What a guest runs, sees of the repository, or is tested by. */
const trees = [
  "src",
  "lab",
  "test",
  "scripts",
  "bin",
  "ansible",
  "monitoring",
  "docs/examples",
  "package.json",
  "package-lock.json",
];

/**
 * What passed before with all that it depends on as it is now: images, programs and tests by their content.
 * As with `go test`, it need not be run again to be known; who wants to see it again asks for it (`--all`).
 */
export class Passed {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async with({ image, tools, card }: Build): Promise<Passed> {
    const sources = await Promise.all(trees.map((tree) => digestOf(join(repository, tree))));
    const inputs = [
      basename(image.folder),
      basename(tools.root),
      basename(dirname(card)),
      process.version,
      await versionOf(ansibleCore[0]),
      ...sources,
    ];
    return new Passed(await cached("passed", inputs, async () => {}));
  }

  async find(title: string): Promise<Pass | null> {
    try {
      return JSON.parse(await readFile(this.#file(title), "utf8")) as Pass;
    } catch {
      return null;
    }
  }

  async keep(title: string, checks: number): Promise<void> {
    // Another run, of other sources, may have taken the folder for an old one.
    await mkdir(this.#folder, { recursive: true });
    await writeFile(
      this.#file(title),
      JSON.stringify({ checks, at: new Date().toISOString() } satisfies Pass),
    );
  }

  #file(title: string): string {
    return join(this.#folder, `${title.replaceAll(/[^\w]+/g, "-")}.json`);
  }
}

/** Of a file, or of all files below a folder, with their names. */
async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  if ((await stat(path)).isFile()) return hash.update(await readFile(path)).digest("hex");
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter(
    (entry) => entry.isFile() && !entry.name.endsWith(".md") && !entry.parentPath.includes("__pycache__"),
  );
  for (const file of files.map(({ parentPath, name }) => join(parentPath, name)).sort()) {
    hash.update(`${file.slice(path.length)}\0`).update(await readFile(file));
  }
  return hash.digest("hex");
}

/** Of a program of the machine: what a package manager changes about it. */
async function versionOf(program: string): Promise<string> {
  try {
    const { size, mtimeMs } = await stat(program);
    return `${size} ${mtimeMs}`;
  } catch {
    return "not there";
  }
}
