import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { isNode, LineCounter, parseDocument } from "yaml";
import type { RunProgram } from "../host/linux/program.ts";
import { treeFiles, treeLinks } from "../openstack/deployment-tree.ts";
import { type Declaration, type HostValues, HostValuesMaker } from "../openstack/host-values.ts";
import type { Conflict } from "../openstack/outcome.ts";
import { isOwnFile, ownFile, ownFileName, ownLines, withOwnPart } from "../openstack/own-values.ts";
import { membersOf, type Place, placements } from "../openstack/placement.ts";
import type { Release } from "../openstack/releases.ts";
import { type TreeFacts, treeVariables } from "../openstack/tree.ts";
import type { NicSpec } from "../spec/schema.ts";
import { DeploymentError, type Inventory, readInventory } from "./ansible-inventory.ts";
import { States } from "./states.ts";
import { type Setting, settingsOf, type VariableFile, variableFiles } from "./variable-files.ts";

/** A configuration tree, and where its hosts come from. */
export interface TreeRequest {
  readonly kind: "kayobe" | "kolla";
  /** etc/kayobe, or /etc/kolla. */
  readonly config: string;
  readonly release: Release;
  /** Kayobe's environment; `null`: none. */
  readonly environment: string | null;
  /** Kolla-Ansible's inventory; Kayobe's is in its tree. */
  readonly inventory: string | null;
  /** The folder of saved states. */
  readonly states: string | null;
  readonly vaultPasswordFile: string | null;
  /** The group whose hosts matter; `null`: all hosts that have a variable. */
  readonly hosts: string | null;
}

/** What is to be done with one file; `before` and `after` are `null` where it is not there. */
export interface TreeChange {
  readonly path: string;
  /** As it is shown: relative to the tree where it is inside. */
  readonly name: string;
  readonly kind: "file" | "link";
  readonly before: string | null;
  readonly after: string | null;
}

export interface TreeConflict extends Conflict {
  readonly name: string;
}

/** Something that is wrong with, or to be known of, hosts. */
export interface HostRemark {
  readonly hosts: readonly string[];
  readonly text: string;
}

export interface TreePlan {
  readonly changes: readonly TreeChange[];
  readonly conflicts: readonly TreeConflict[];
  readonly problems: readonly HostRemark[];
  readonly notes: readonly HostRemark[];
  readonly hosts: ReadonlyMap<string, HostValues>;
}

const inputs = ["vflag", "sriov_physnet_mappings"] as const;
const outputs = [treeVariables.rules, treeVariables.mappings];

/** Reads a tree and its inventory, and works out every change in it. Nothing is written. */
export async function planTree(request: TreeRequest, run: RunProgram): Promise<TreePlan> {
  const { config } = request;
  if (statSync(config, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new DeploymentError(`--config ${config}: no such directory`);
  const sources = inventorySources(request);
  const target = sources.at(-1) ?? "";
  const folder = statSync(target).isDirectory() ? target : dirname(target);
  const own = join(config, "ansible.cfg");
  const states = new States(request.states);
  const configuration = process.env["ANSIBLE_CONFIG"] === undefined && existsSync(own) ? own : null;
  // It takes a second or more, and another processor: the states are read meanwhile.
  const [inventory] = await Promise.all([
    readInventory({ sources, configuration, vaultPasswordFile: request.vaultPasswordFile }, run),
    states.load(),
  ]);
  return new Planner(
    request,
    inventory,
    states,
    sources.map((source) => (statSync(source).isDirectory() ? source : dirname(source))),
    folder,
  ).plan();
}

/** What `-i` names, in the order of Kayobe. Source: kayobe, kayobe/ansible.py, _get_inventories_paths(). */
function inventorySources({ kind, config, environment, inventory }: TreeRequest): string[] {
  if (inventory !== null) {
    if (!existsSync(inventory)) throw new DeploymentError(`--inventory ${inventory}: no such file or directory`);
    return [inventory];
  }
  if (kind === "kolla") throw new DeploymentError("name the inventory with --inventory");
  const shared = join(config, "inventory");
  if (environment === null) {
    if (!existsSync(shared))
      throw new DeploymentError(`${shared}: no such directory; --config has to name a Kayobe configuration (etc/kayobe)`);
    return [shared];
  }
  const folder = join(config, "environments", environment);
  if (!/^[\w.-]+$/.test(environment) || environment.startsWith(".") || !existsSync(folder))
    throw new DeploymentError(`--environment ${environment}: there is no ${folder}`);
  const sources = [shared, join(folder, "inventory")].filter((path) => existsSync(path));
  if (!existsSync(join(folder, "inventory")))
    throw new DeploymentError(`${join(folder, "inventory")}: no such directory; the environment's values are written there`);
  return sources;
}

class Planner {
  readonly #request: TreeRequest;
  readonly #inventory: Inventory;
  readonly #folder: string;
  readonly #folders: readonly string[];
  readonly #states: States;
  /** The hosts that matter. */
  readonly #hosts: readonly string[];
  readonly #values = new Map<string, HostValues>();
  readonly #problems = new Map<string, string[]>();
  readonly #notes = new Map<string, string[]>();
  readonly #conflicts: TreeConflict[] = [];
  readonly #changes: TreeChange[] = [];

  /** @param folders those beside which group_vars and host_vars are @param folder the one that values are written to */
  constructor(request: TreeRequest, inventory: Inventory, states: States, folders: readonly string[], folder: string) {
    this.#request = request;
    this.#inventory = inventory;
    this.#folders = folders;
    this.#folder = folder;
    this.#states = states;
    this.#hosts = hostsOf(inventory, request.hosts);
  }

  plan(): TreePlan {
    const beside = this.#folders.map(variableFiles);
    const files = beside.flatMap((one) => one.files);
    const mine = new Set(beside.at(-1)?.files);
    for (const hidden of beside.flatMap((one) => one.hidden))
      this.#note(`${this.#name(hidden)} is not read by Ansible: a directory or file of the same name goes before it`);
    const settings = settingsOf([...files.filter(({ text }) => !isOwnFile(text)), ...this.#extraFiles()], [...inputs, ...outputs]);
    this.#checkOutputs(
      settings,
      files.filter((file) => isOwnFile(file.text) && !mine.has(file)),
      mine,
    );
    const declared = this.#declarations(settings);
    const where = new Map(inputs.flatMap((name) => (settings.get(name) ?? []).map((one) => [`${name} ${canonical(one.value)}`, one])));
    const maker = new HostValuesMaker();
    const used = new Set<string>();
    for (const [host, declaration] of declared) {
      used.add(declaration.variable);
      const made = maker.make(declaration, this.#states.hardware(host));
      if (!("problems" in made)) {
        this.#values.set(host, made);
        for (const note of made.notes) this.#note(note, host);
        continue;
      }
      const setting = where.get(`${declaration.variable} ${canonical(declaration.value)}`);
      for (const { path, text } of made.problems) {
        const place = setting === undefined ? "" : `${this.#name(setting.file.path)}:${lineOf(setting, path)}: `;
        const remedy = text.includes("from the host's state") ? `: ${this.#states.remedy(host)}` : "";
        this.#problem(`${place}${declaration.variable}${path === "" ? "" : ` ${path}`}: ${text}${remedy}`, host);
      }
    }
    for (const host of this.#states.hosts.filter((one) => !this.#inventory.hosts.has(one)))
      this.#problem(
        `${join(this.#request.states ?? "", host)}: the inventory has no such host: rename the file as the inventory names the host, or remove it`,
        host,
      );
    const levels = inputs.filter((name) => used.has(name)).flatMap((name) => settings.get(name) ?? []);
    this.#place(
      mine,
      new Set(levels.flatMap(({ file: { level } }) => (level.kind === "group" ? [level.name] : level.kind === "extra" ? ["all"] : []))),
    );
    if (declared.size > 0) this.#edit(this.#facts(settings.get("vflag") ?? [], declared));
    else if (this.#changes.length === 0)
      this.#problem(
        `no host of the inventory has the variable vflag (a spec), or sriov_physnet_mappings (device: physnet): set one in ${this.#name(join(this.#folder, "group_vars/GROUP/"))}`,
      );
    const list = (remarks: ReadonlyMap<string, string[]>) => [...remarks].map(([text, hosts]) => ({ text, hosts }));
    return {
      changes: this.#changes,
      conflicts: this.#conflicts,
      problems: list(this.#problems),
      notes: list(this.#notes),
      hosts: this.#values,
    };
  }

  /**
   * The files whose variables beat the inventory's. Source: kayobe, kayobe/ansible.py, _get_vars_files();
   * kolla-ansible, tools/kolla-ansible: globals.yml and globals.d.
   */
  #extraFiles(): VariableFile[] {
    const { kind, config, environment } = this.#request;
    const folders = [config, ...(environment === null ? [] : [join(config, "environments", environment)])];
    const paths =
      kind === "kayobe"
        ? folders.flatMap((folder) => glob(folder, /\.(?:ya?ml|json)$/))
        : [join(config, "globals.yml"), ...glob(join(config, "globals.d"), /\.ya?ml$/)].filter((path) => existsSync(path));
    return paths.map((path) => ({ path, level: { kind: "extra" }, text: readFileSync(path, "utf8") }));
  }

  /** What each host is to have: its own variable, unless an extra variable is in its place. */
  #declarations(settings: ReadonlyMap<string, readonly Setting[]>): Map<string, Declaration> {
    const extras = new Map<string, Setting>();
    for (const variable of inputs) {
      const extra = (settings.get(variable) ?? []).findLast(({ file }) => file.level.kind === "extra");
      if (extra === undefined) continue;
      extras.set(variable, extra);
      const text = canonical(extra.value);
      const hidden = [...this.#inventory.hosts].filter(([, variables]) => variable in variables && canonical(variables[variable]) !== text);
      if (hidden.length === 0) {
        this.#note(
          `${this.#name(extra.file.path)}:${extra.line}: ${variable} is an extra variable there, which beats what groups and hosts say; group_vars/all is the place for it`,
        );
        continue;
      }
      const places = (settings.get(variable) ?? [])
        .filter(({ file }) => file.level.kind !== "extra")
        .map(({ file, line }) => `${this.#name(file.path)}:${line}`);
      this.#conflicts.push({
        name: this.#name(extra.file.path),
        line: extra.line,
        there: `${variable}: ${text}`,
        wanted: `${variable} in ${this.#name(join(this.#folder, "group_vars/all/"))}, where groups and hosts can differ from it`,
        why: `it is an extra variable there, which beats ${places.length > 0 ? several(places) : "the inventory"}: the values of ${several(hidden.map(([host]) => host))} are hidden`,
      });
    }
    const found = new Map<string, Declaration>();
    for (const host of this.#hosts) {
      const variables = this.#inventory.hosts.get(host) ?? {};
      for (const variable of inputs) {
        const extra = extras.get(variable);
        if (extra === undefined && !(variable in variables)) continue;
        if (found.has(host)) this.#note("has sriov_physnet_mappings too, which is left aside: the spec in vflag says it all", host);
        else found.set(host, { variable, value: extra === undefined ? variables[variable] : extra.value });
      }
    }
    return found;
  }

  /** vflag's variables that somebody else sets, or that it set itself elsewhere. */
  #checkOutputs(
    settings: ReadonlyMap<string, readonly Setting[]>,
    elsewhere: readonly VariableFile[],
    mine: ReadonlySet<VariableFile>,
  ): void {
    for (const { path, text } of elsewhere) {
      const scope = this.#request.environment === null ? "an environment" : "all environments (without --environment)";
      this.#conflicts.push({
        name: this.#name(path),
        line: 1,
        there: text.split("\n", 1)[0] ?? "",
        wanted: "values in one place only",
        why: `it was written for ${scope}, and would mix with what is written now: remove the file`,
      });
    }
    for (const variable of outputs) {
      for (const { file, line, value } of settings.get(variable) ?? []) {
        const lines = mine.has(file) ? ownLines(file.text) : null;
        if (lines !== null && line > lines.first && line < lines.last) continue;
        this.#conflicts.push({
          name: this.#name(file.path),
          line,
          there: `${variable}: ${JSON.stringify(value)}`,
          wanted: `${variable} set by vflag only`,
          why: `vflag writes this variable: take it out, and put rules of your own into ${treeVariables.moreRules}`,
        });
      }
    }
  }

  /** The files with hosts' values: the wanted ones, and those that are not wanted any more. */
  #place(mine: ReadonlySet<VariableFile>, declared: ReadonlySet<string>): void {
    // Hosts with equal values share them.
    const shared = new Map<string, HostValues>();
    const wanted = new Map(
      [...this.#values].map(([host, values]) => {
        const key = JSON.stringify([values.rules, values.mappings]);
        const first = shared.get(key) ?? values;
        shared.set(key, first);
        return [host, first] as const;
      }),
    );
    const left = new Map([...mine].map((file) => [file.path, file.text]));
    const before = new Map(left);
    const byName = new Map<string, string>();
    for (const { path, level } of mine)
      if (level.kind !== "extra" && relative(this.#folder, path).split("/").length === 2) byName.set(`${level.kind} ${level.name}`, path);
    for (const place of placements(this.#inventory.groups, this.#hosts, wanted, declared)) {
      if (!isFileName(place.name)) {
        this.#problem(`the name ${JSON.stringify(place.name)} of a ${place.level} cannot be that of a file`);
        continue;
      }
      const beside = byName.get(`${place.level} ${place.name}`);
      const path = beside ?? join(this.#folder, `${place.level}_vars`, place.name, ownFileName);
      const text = before.get(path) ?? null;
      left.delete(path);
      this.#write(path, text, beside === undefined ? this.#whole(path, text, place) : this.#part(path, text ?? "", place));
    }
    for (const [path, text] of left) {
      if (basename(path) === ownFileName && isOwnFile(text)) this.#write(path, text, null);
      else if (ownLines(text) !== null) this.#write(path, text, this.#part(path, text, undefined));
    }
  }

  #whole(path: string, before: string | null, { value }: Place<HostValues>): string | null {
    if (before === null || isOwnFile(before)) return ownFile(value);
    this.#conflicts.push({
      name: this.#name(path),
      line: 1,
      there: before.split("\n", 1)[0] ?? "",
      wanted: "a file of vflag's own",
      why: "somebody else's file has the name of vflag's: rename it",
    });
    return before;
  }

  #part(path: string, before: string, place: Place<HostValues> | undefined): string {
    const made = path.endsWith(".json") ? { problem: "it is JSON" } : withOwnPart(before, place === undefined ? undefined : place.value);
    if ("text" in made) return made.text;
    const folder = path.replace(/\.(?:ya?ml|json)$/, "");
    this.#conflicts.push({
      name: this.#name(path),
      line: null,
      there: made.problem,
      wanted: `vflag's variables beside it, which takes a directory: mkdir TMP && mv ${this.#name(path)} TMP/ && mv TMP ${this.#name(folder)}`,
      why: "Ansible reads either this file or a directory of its name, so vflag cannot put a file beside it",
    });
    return before;
  }

  /** The files that people write too, and the links. */
  #edit(facts: TreeFacts): void {
    const { config } = this.#request;
    for (const { path, make } of treeFiles(facts)) {
      const full = join(config, path);
      const before = readText(full);
      const outcome = make(before);
      for (const conflict of outcome.conflicts) this.#conflicts.push({ ...conflict, name: this.#name(full) });
      for (const note of outcome.notes) this.#note(`${this.#name(full)}: ${note}`);
      this.#write(full, before, outcome.text === "" && before === null ? null : outcome.text);
    }
    for (const { path, target } of treeLinks(facts)) {
      const full = join(config, path);
      const there = lstatSync(full, { throwIfNoEntry: false });
      const before = there?.isSymbolicLink() === true ? readlinkSync(full) : null;
      if (there !== undefined && before !== target)
        this.#conflicts.push({
          name: this.#name(full),
          line: null,
          there: before === null ? "a file" : `a link to ${before}`,
          wanted: `a link to ${target}`,
          why: "something else is there: remove it, or rename it",
        });
      else if (before === null) this.#changes.push({ path: full, name: this.#name(full), kind: "link", before: null, after: target });
    }
  }

  #facts(settings: readonly Setting[], declared: ReadonlyMap<string, Declaration>): TreeFacts {
    const nics = new Map<string, NicSpec>();
    for (const values of new Set(this.#values.values())) for (const nic of values.nics) nics.set(JSON.stringify(nic), nic);
    const all = [...nics.values()];
    const specs = [...declared].filter(([, { variable }]) => variable === "vflag").map(([host]) => host);
    const groups = settings.map(({ file: { level } }) => (level.kind === "extra" ? "all" : level.name));
    return {
      release: this.#request.release,
      kind: this.#request.kind,
      sriov: all.some(({ mode, physnet }) => mode === "sriov" && physnet != null),
      offload: all.some(({ mode }) => mode !== "sriov"),
      nics: all,
      groups: specs.length === 0 ? [] : groups.length > 0 ? [...new Set(groups)] : specs,
    };
  }

  #write(path: string, before: string | null, after: string | null): void {
    if (before !== after) this.#changes.push({ path, name: this.#name(path), kind: "file", before, after });
  }

  #name(path: string): string {
    const inside = relative(this.#request.config, path);
    return inside.startsWith("..") ? path : inside;
  }

  #problem(text: string, host?: string): void {
    add(this.#problems, text, host);
  }

  #note(text: string, host?: string): void {
    add(this.#notes, text, host);
  }
}

function hostsOf({ groups, hosts }: Inventory, group: string | null): string[] {
  const all = [...hosts.keys()];
  if (group === null) return all;
  const members = membersOf(groups, all).get(group);
  if (members === undefined)
    throw new DeploymentError(`--hosts ${group}: the inventory has no such group; it has ${several([...groups.keys()])}`);
  return members;
}

function add(remarks: Map<string, string[]>, text: string, host: string | undefined): void {
  const hosts = remarks.get(text) ?? [];
  if (host !== undefined) hosts.push(host);
  remarks.set(text, hosts);
}

/** A value as text in which the order of keys makes no difference: ansible-inventory sorts them. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort()) : inner,
    ) ?? "undefined"
  );
}

/** A few names, and how many more there are. */
function several(names: readonly string[]): string {
  return names.length <= 4 ? names.join(", ") : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
}

/** The line of a place within a setting, such as `nics[0].mode`. */
function lineOf({ file, line, value }: Setting, path: string): number {
  if (path === "") return line;
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, logLevel: "silent", prettyErrors: false, uniqueKeys: false });
  const variable = inputs.find((name) => document.has(name) && canonical(document.toJS()[name]) === canonical(value));
  const steps = path.match(/[^.[\]]+/g) ?? [];
  for (let length = steps.length; length > 0 && variable !== undefined; length--) {
    const node: unknown = document.getIn(
      [variable, ...steps.slice(0, length).map((step) => (/^\d+$/.test(step) ? Number(step) : step))],
      true,
    );
    if (isNode(node) && node.range != null) return lines.linePos(node.range[0]).line;
  }
  return line;
}

function glob(folder: string, pattern: RegExp): string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

/** A file's text with every byte in it; `null` where there is no such file. */
function readText(path: string): string | null {
  if (!existsSync(path)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch (error) {
    throw new DeploymentError(`${path} is not UTF-8: it was left as it is`, { cause: error });
  }
}

function isFileName(name: string): boolean {
  return name !== "." && name !== ".." && !/[/\x00-\x1f\x7f]/.test(name);
}
