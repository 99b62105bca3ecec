import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isMap, isScalar, LineCounter, parseDocument } from "yaml";

/** Whose variables a file has; `extra`: those that beat all others. */
export type Level = { readonly kind: "group" | "host"; readonly name: string } | { readonly kind: "extra" };

/** A file of variables, as text. */
export interface VariableFile {
  readonly path: string;
  readonly level: Level;
  readonly text: string;
}

/** One place where a variable is set. */
export interface Setting {
  readonly file: VariableFile;
  readonly line: number;
  readonly value: unknown;
}

const extensions = ["yml", "yaml", "json"];

/** The group_vars and host_vars beside an inventory. */
export interface VariableFiles {
  readonly files: readonly VariableFile[];
  /** Files that Ansible does not read, because a directory of that name goes before them. */
  readonly hidden: readonly string[];
}

/**
 * The files of variables beside an inventory that Ansible reads: a directory `NAME`, or else a file `NAME`,
 * `NAME.yml`, ... Source: ansible-core 2.14.18, ansible/parsing/dataloader.py, find_vars_files().
 */
export function variableFiles(inventory: string): VariableFiles {
  const [files, hidden]: [VariableFile[], string[]] = [[], []];
  for (const kind of ["group", "host"] as const) {
    const folder = join(inventory, `${kind}_vars`);
    const entries = list(folder);
    const names = new Set(entries.map(({ name }) => name));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      const extension = extensions.find((one) => entry.name.endsWith(`.${one}`));
      const name =
        extension === undefined || isFolder(entry, path)
          ? entry.name
          : entry.name.slice(0, -extension.length - 1);
      const level = { kind, name };
      if (isFolder(entry, path))
        files.push(...inside(path).map((file) => ({ path: file, level, text: read(file) })));
      else if (
        name !== entry.name &&
        [
          name,
          ...extensions.slice(0, extensions.indexOf(extension ?? "")).map((one) => `${name}.${one}`),
        ].some((one) => names.has(one))
      )
        hidden.push(path);
      else files.push({ path, level, text: read(path) });
    }
  }
  return { files, hidden };
}

/**
 * All settings of some variables in files. A file that is encrypted, or no YAML, has none: ansible-inventory
 * tells what is wrong with it.
 */
export function settingsOf(
  files: readonly VariableFile[],
  variables: readonly string[],
): Map<string, Setting[]> {
  const found = new Map(variables.map((name): [string, Setting[]] => [name, []]));
  for (const file of files) {
    if (!variables.some((name) => file.text.includes(name))) continue;
    const lines = new LineCounter();
    const document = parseDocument(file.text, {
      lineCounter: lines,
      logLevel: "silent",
      prettyErrors: false,
      uniqueKeys: false,
    });
    if (document.errors.length > 0 || !isMap(document.contents)) continue;
    for (const { key } of document.contents.items) {
      const name = isScalar(key) ? String(key.value) : "";
      const value: unknown = document.toJS({ maxAliasCount: 100 })[name];
      const offset = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
      found.get(name)?.push({ file, line: lines.linePos(offset).line, value });
    }
  }
  return found;
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((one, other) =>
      one.name < other.name ? -1 : 1,
    );
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return [];
    throw error;
  }
}

/** Ansible's own choice of a directory's files. Source: dataloader.py, _get_dir_vars_files(). */
function inside(folder: string): string[] {
  return list(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name.startsWith(".") || entry.name.endsWith("~")) return [];
    if (isFolder(entry, path)) return entry.name.includes(".") ? [] : inside(path);
    return !entry.name.includes(".") || extensions.some((one) => entry.name.endsWith(`.${one}`))
      ? [path]
      : [];
  });
}

function isFolder(entry: Dirent, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function read(path: string): string {
  return readFileSync(path, "utf8");
}
