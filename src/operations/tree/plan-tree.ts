import { existsSync, lstatSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import type { RunProgram } from "../../host/linux/system/program.ts";
import { releaseHas } from "../../openstack/release-facts.ts";
import { hostFiles, treeFiles, treeLinks } from "../../openstack/tree/deployment-tree.ts";
import { type Declaration, HostValuesMaker } from "../../openstack/tree/host-values.ts";
import { isOwnFile } from "../../openstack/tree/own-values.ts";
import { membersOf } from "../../openstack/tree/placement.ts";
import type { TreeFacts } from "../../openstack/tree/tree.ts";
import { configPath } from "../../openstack/tree/tree-layers.ts";
import { writtenKeys } from "../../openstack/tree/tree-yaml.ts";
import type { NicSpec } from "../../spec/schema.ts";
import { DeploymentError, type Inventory, readInventory } from "../inventory/ansible-inventory.ts";
import { States } from "../inventory/states.ts";
import { canonical, checkOutputs, declarations, inputs, lineOf, outputs } from "./declarations.ts";
import { checkSeam, tellOfEnvironments, tellOfHook } from "./environment-leave.ts";
import { checkKollaVariables } from "./kolla-conflicts.ts";
import { kayobeDecided, kollaFacts } from "./kolla-facts.ts";
import { decidersIn, kollaDeciders, truthOfDecider } from "./kolla-variables.ts";
import { placeValues } from "./place-values.ts";
import { type PlacementPlace, placementOf } from "./placement-report.ts";
import { PlanDraft, several, type TreePlan, type TreeRequest } from "./tree-plan.ts";
import { extraFiles, folderOf, inventorySources, layersOf, readText } from "./tree-sources.ts";
import { type Setting, settingsOf, type VariableFile, variableFiles } from "./variable-files.ts";

/** Reads a tree and its inventory, and works out every change in it. Nothing is written. */
export async function planTree(request: TreeRequest, run: RunProgram): Promise<TreePlan> {
  const { config } = request;
  if (statSync(config, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new DeploymentError(`--config ${config}: no such directory`);
  const sources = inventorySources(request);
  const own = join(config, "ansible.cfg");
  const configuration = process.env["ANSIBLE_CONFIG"] === undefined && existsSync(own) ? own : null;
  const states = new States(request.states);
  // It takes a second or more, and another processor: the states are read meanwhile.
  const [inventory] = await Promise.all([
    readInventory({ sources, configuration, vaultPasswordFile: request.vaultPasswordFile }, run),
    states.load(),
  ]);

  const beside = sources.map((source) => variableFiles(folderOf(source)));
  const files = beside.flatMap((one) => one.files);
  const mine = new Set(beside.at(-1)?.files);
  const plan = new PlanDraft(
    request,
    inventory,
    folderOf(sources.at(-1) ?? ""),
    hostsOf(inventory, request.hosts),
  );
  for (const hidden of beside.flatMap((one) => one.hidden))
    plan.note(
      `${plan.name(hidden)} is not read by Ansible: a directory or file of the same name goes before it`,
    );
  const theirs = files.filter(({ text }) => !isOwnFile(text));
  const extras = extraFiles(request);
  const settings = settingsOf([...theirs, ...extras], [...inputs, ...outputs]);
  const elsewhere = files.filter((file) => isOwnFile(file.text) && !mine.has(file));
  checkOutputs(plan, settings, elsewhere, mine);

  const declared = declarations(plan, settings);
  const { kind, release, environment } = request;
  const variables = variablesOf(plan, theirs, extras);
  const placement = placementOf(
    plan,
    { kind, release, environment, layering: variables.layering },
    theirs,
    extras,
  );
  makeValues(plan, declared, settings, states, placement);
  placeValues(plan, mine, declaringGroups(declared, settings));
  if (declared.size > 0) {
    const facts = factsOf(plan, settings.get("vflag") ?? [], declared);
    const deciders = kollaDeciders(plan, theirs, extras);
    checkKollaVariables(plan, facts, deciders, placement);
    tellOfEnvironments(plan);
    if (facts.groups.length > 0) tellOfHook(plan);
    editFiles(plan, { ...facts, kolla: kollaFacts(plan, facts, deciders, theirs, extras), ...variables });
  } else if (plan.isEmpty)
    plan.problem(
      `no host of the inventory has the variable vflag (a spec), or sriov_physnet_mappings (device: ` +
        `physnet): set one in ${plan.name(join(plan.folder, "group_vars/GROUP/"))}`,
    );
  return plan.finished();
}

/** Makes each host's values; what is wrong with a declaration is told with its file and line. */
function makeValues(
  plan: PlanDraft,
  declared: ReadonlyMap<string, Declaration>,
  settings: ReadonlyMap<string, readonly Setting[]>,
  states: States,
  placement: (host: string) => PlacementPlace | null,
): void {
  const maker = new HostValuesMaker();
  const where = new Map(
    inputs.flatMap((name) =>
      (settings.get(name) ?? []).map((one) => [`${name} ${canonical(one.value)}`, one]),
    ),
  );
  for (const [host, declaration] of declared) {
    const made = maker.make(declaration, states.hardware(host), placement(host)?.place ?? null);
    if (!("problems" in made)) {
      plan.values.set(host, made);
      for (const note of made.notes) plan.note(note, host);
      continue;
    }
    const setting = where.get(`${declaration.variable} ${canonical(declaration.value)}`);
    for (const { path, text, needsState } of made.problems) {
      const place = setting === undefined ? "" : `${plan.name(setting.file.path)}:${lineOf(setting, path)}: `;
      const remedy = needsState === true ? `: ${states.remedy}` : "";
      plan.problem(`${place}${declaration.variable}${path === "" ? "" : ` ${path}`}: ${text}${remedy}`, host);
    }
  }
  for (const host of states.hosts.filter((one) => !plan.inventory.hosts.has(one)))
    plan.problem(
      "--states has a state of it, and the inventory no such host: name the file as the inventory names " +
        "the host, or remove it",
      host,
    );
}

/** The groups that declare what is used: their hosts' values belong there. */
function declaringGroups(
  declared: ReadonlyMap<string, Declaration>,
  settings: ReadonlyMap<string, readonly Setting[]>,
): Set<string> {
  const used = new Set([...declared.values()].map(({ variable }) => variable));
  const levels = [...used].flatMap((variable) => settings.get(variable) ?? []).map(({ file }) => file.level);
  return new Set(
    levels.flatMap((level) =>
      level.kind === "group" ? [level.name] : level.kind === "extra" ? ["all"] : [],
    ),
  );
}

/** The files that people write too, and the links. */
function editFiles(plan: PlanDraft, facts: TreeFacts): void {
  const { config } = plan.request;
  const texts = new Map<string, string | null>();
  const read = (path: string) => {
    const text = texts.has(path) ? (texts.get(path) ?? null) : readText(join(config, path));
    texts.set(path, text);
    return text;
  };
  for (const { path, make } of [...treeFiles(facts), ...hostFiles(facts, hostsWithFiles(plan))]) {
    const full = join(config, path);
    const before = read(path);
    const outcome = make(before, read);
    for (const conflict of outcome.conflicts) plan.conflict({ ...conflict, name: plan.name(full) });
    for (const note of outcome.notes) plan.note(`${plan.name(full)}: ${note}`);
    const text = atSeam(plan, path, before, outcome.text);
    if (text !== before && text !== "") checkSeam(plan, full, text);
    plan.write(full, before, text === "" && before === null ? null : text);
  }
  for (const { path, target } of treeLinks(facts)) {
    const full = join(config, path);
    const there = lstatSync(full, { throwIfNoEntry: false });
    const before = there?.isSymbolicLink() === true ? readlinkSync(full) : null;
    if (there !== undefined && before !== target)
      plan.conflict({
        name: plan.name(full),
        line: null,
        there: before === null ? "a file" : `a link to ${before}`,
        wanted: `a link to ${target}`,
        why: "something else is there: remove it, or rename it",
      });
    else if (before === null) plan.link(full, target);
  }
}

/** A new file that Kayobe puts right behind another begins with an empty line, which keeps the two apart. */
function atSeam({ request }: PlanDraft, path: string, before: string | null, text: string): string {
  const layered =
    request.environment !== null &&
    path.includes("/kolla/config/") &&
    releaseHas(request.release, "kayobeConcatenates");
  return layered && before === null && text !== "" ? `\n${text}` : text;
}

/** The hosts of the inventory that have a folder of their own for Nova or Neutron. */
function hostsWithFiles({ request, inventory }: PlanDraft): string[] {
  const found = layersOf(request).flatMap((layer) =>
    ["nova", "neutron"].flatMap((service) => {
      const folder = join(layer, configPath(request.kind, service));
      return existsSync(folder) ? readdirSync(folder) : [];
    }),
  );
  return [...new Set(found)].filter((name) => inventory.hosts.has(name));
}

/**
 * Which files and inventories decide the variables that vflag writes, and how Kayobe puts layers together.
 */
function variablesOf(
  plan: PlanDraft,
  inventory: readonly VariableFile[],
  extras: readonly VariableFile[],
): Required<Pick<TreeFacts, "variableFiles" | "hidden" | "layering" | "shared">> {
  const { config, kind, shared } = plan.request;
  const keys: readonly string[] = writtenKeys;
  const matters = ({ text }: VariableFile) => kind === "kolla" || keys.some((key) => text.includes(key));
  const hidden = kind === "kolla" ? [] : inventory.flatMap((file) => decidersIn(file, keys, "plain"));
  const merging = kayobeDecided(
    "kolla_openstack_custom_config_environment_merging_enabled",
    inventory,
    extras,
  );
  return {
    shared: shared === true,
    variableFiles: extras.filter(matters).map(({ path }) => relative(config, path)),
    hidden: hidden.map(({ key, value, path, line }) => ({ key, value, place: `${plan.name(path)}:${line}` })),
    layering: {
      dependencies: layersOf(plan.request)
        .slice(1, -1)
        .map((layer) => basename(layer)),
      merged: merging === undefined || truthOfDecider(merging) !== false,
    },
  };
}

function factsOf(
  plan: PlanDraft,
  settings: readonly Setting[],
  declared: ReadonlyMap<string, Declaration>,
): TreeFacts {
  const nics = new Map<string, NicSpec>();
  for (const values of new Set(plan.values.values()))
    for (const nic of values.nics) nics.set(JSON.stringify(nic), nic);
  const all = [...nics.values()];
  const specs = [...declared].filter(([, { variable }]) => variable === "vflag").map(([host]) => host);
  const levels = settings.map(({ file: { level } }) => (level.kind === "extra" ? "all" : level.name));
  const groups = plan.request.hosts === null ? levels : [plan.request.hosts];
  return {
    release: plan.request.release,
    kind: plan.request.kind,
    sriov: all.some(({ mode, physnet }) => mode === "sriov" && physnet != null),
    offload: all.some(({ mode }) => mode !== "sriov"),
    nics: all,
    environment: plan.request.environment,
    groups: specs.length === 0 ? [] : groups.length > 0 ? [...new Set(groups)] : specs,
  };
}

function hostsOf({ groups, hosts }: Inventory, group: string | null): string[] {
  const all = [...hosts.keys()];
  if (group === null) return all;
  const members = membersOf(groups, all).get(group);
  if (members === undefined)
    throw new DeploymentError(
      `--hosts ${group}: the inventory has no such group; it has ${several([...groups.keys()])}`,
    );
  return members;
}
