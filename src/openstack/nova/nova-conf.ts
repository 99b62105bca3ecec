import type { HostState } from "../../host/state/state.ts";
import type { Spec } from "../../spec/schema.ts";
import { entriesOf, escapeValue, type Ini, type IniEntry, readIni } from "../files/ini.ts";
import { editIni, type IniEdit, IniRefusal, isOwn, ownComment } from "../files/ini-edit.ts";
import { type Conflict, type Outcome, outcome } from "../outcome.ts";
import { releaseHas } from "../release-facts.ts";
import { newestRelease, type Release } from "../releases.ts";
import { aliasProblems } from "./alias.ts";
import { type JsonObject, pythonString } from "./json-value.ts";
import { filterEdits } from "./nova-filters.ts";
import { type NovaView, novaView } from "./nova-host.ts";
import { ruleFor, sameNetwork } from "./pci-rule.ts";
import { type GeneratedRule, pciRules } from "./pci-rules.ts";
import { placementProblems, reportsToPlacement } from "./placement-view.ts";
import { type PresentRules, presentRules, ruleOptions } from "./present-rules.ts";

/** For whom a file is: `kolla` is one that Kolla-Ansible merges with its own, and a Jinja template. */
export type Deployment = "plain" | "kolla";

export interface ConfRequest {
  readonly spec: Spec;
  readonly state: HostState;
  readonly release: Release;
  readonly deployment: Deployment;
}

/**
 * nova.conf with what the spec's NICs need: the PCI rules of nova-compute, and the scheduler's filter. What
 * others wrote stays. Rules of others come first for Nova where they match first; one that says the same of a
 * VF is enough, and one that says something else is a conflict.
 */
export function novaConf(text: string, request: ConfRequest): Outcome {
  const { spec, state, release, deployment } = request;
  const form = deployment === "kolla" ? "template" : "plain";
  const ini = readIni(text, form);
  const problem = ini.problems[0];
  if (problem !== undefined) return refusedFile(text, problem.line, problem.message);
  const view = novaView(spec, state);
  // Where an expression decides, rules by address are right in any case.
  const inPlacement = reportsToPlacement(ini, release) !== false;
  const generated = pciRules(spec, state, view, !inPlacement);
  const notes = [...generated.notes, ...notesOnNames(ini, release, deployment)];
  const conflicts = generated.problems.map(
    (why): Conflict => ({ line: null, there: "", wanted: "PCI rules", why }),
  );
  if (inPlacement)
    notes.push("[pci] report_in_placement is on, and Nova takes no devname with it: rules are by address");

  const cannotJudge = (entry: IniEntry, why: string) => {
    conflicts.push({
      line: entry.line,
      there: `${entry.key} = ${entry.value}`,
      wanted: "rules whose meaning is known",
      why,
    });
  };
  const present = presentRules(
    { ...ini, entries: ini.entries.filter((entry) => !isOwn(ini, entry)) },
    release,
    view.host,
    cannotJudge,
  );
  if (inPlacement)
    for (const { entry, why } of placementProblems(present, view))
      conflicts.push({
        line: entry?.line ?? null,
        there: entry?.value ?? "",
        wanted: "rules that Placement takes",
        why,
      });
  for (const { entry, kind, why } of aliasProblems(ini, release))
    if (kind === "wrong") notes.push(`line ${entry.line}: ${why}`);
  const rules = generated.rules.filter((rule) => isMissing(rule, present, view, conflicts));
  const filters = filterEdits(ini, release);
  const edits = [
    ...ruleEdits(ini, rules, optionName(release, deployment)),
    ...(generated.rules.length > 0 ? filters.edits : []),
  ];
  if (generated.rules.length > 0) notes.push(...filters.notes);
  try {
    return outcome(text, () => editIni(text, edits, form), notes, conflicts);
  } catch (error) {
    if (!(error instanceof IniRefusal)) throw error;
    return {
      text,
      notes,
      conflicts: [{ line: null, there: "", wanted: "the options of nova.conf", why: error.message }],
    };
  }
}

/** A file that the program which reads it would refuse. */
export function refusedFile(text: string, line: number, message: string): Outcome {
  return {
    text,
    notes: [],
    conflicts: [
      {
        line,
        there: message,
        wanted: "a file that oslo.config reads",
        why: "oslo.config refuses the whole file",
      },
    ],
  };
}

/**
 * The name to write. Kolla-Ansible's own template writes the old one in every release, with a made-up device:
 * the same name takes that one's place, the new name would stand beside it. Source: kolla-ansible,
 * ansible/roles/nova-cell/templates/nova.conf.j2.
 */
function optionName(release: Release, deployment: Deployment): "passthrough_whitelist" | "device_spec" {
  return releaseHas(release, "novaDeviceSpec") && deployment === "plain"
    ? "device_spec"
    : "passthrough_whitelist";
}

function notesOnNames(ini: Ini, release: Release, deployment: Deployment): string[] {
  const [first] = entriesOf(ini, "pci", "device_spec").filter((entry) => !isOwn(ini, entry));
  if (first === undefined) return [];
  if (!releaseHas(release, "novaDeviceSpec"))
    return [`line ${first.line}: device_spec is not known before Zed, and ignored there: it offers nothing`];
  if (deployment === "plain") return [];
  return [
    `line ${first.line}: device_spec stands beside Kolla's own passthrough_whitelist, and Nova takes ` +
      `both; the old name takes its place`,
  ];
}

/**
 * Whether a rule is still to be written; a rule of somebody else that tells its VFs something else is a
 * conflict.
 */
function isMissing(
  rule: GeneratedRule,
  present: readonly PresentRules[],
  view: NovaView,
  conflicts: Conflict[],
): boolean {
  let covered = rule.devices.length > 0;
  const theirs = present.flatMap(({ rules }) => rules);
  for (const device of rule.devices) {
    const decides = ruleFor(theirs, device, view.host);
    if (decides === undefined) covered = false;
    else if (!sameTags(decides.tags, rule)) {
      const { entry } = present.find(({ rules }) => rules.includes(decides)) ?? {};
      const conflict: Conflict = {
        line: entry?.line ?? null,
        there: JSON.stringify(decides.json),
        wanted: JSON.stringify(rule.json),
        why:
          `Nova goes by the first rule that matches, and that one says something else of ` +
          `${device.address}, a VF of NIC ${rule.nic.name}`,
      };
      if (!conflicts.some((one) => one.line === conflict.line && one.there === conflict.there))
        conflicts.push(conflict);
      covered = false;
    }
  }
  return !covered;
}

/** Whether a rule says of a VF what the spec means; where the spec is silent about trust, either will do. */
function sameTags(tags: JsonObject, { nic, json }: GeneratedRule): boolean {
  const trusted = pythonString(tags["trusted"] ?? null).toLowerCase() === "true";
  return (
    sameNetwork(tags["physical_network"], json["physical_network"]) &&
    trusted === (nic.vfSettings.trust ?? trusted)
  );
}

/**
 * vflag's own rules as they are wanted, in place of those that it wrote before; nothing where they are so.
 */
function ruleEdits(
  ini: Ini,
  rules: readonly GeneratedRule[],
  key: "passthrough_whitelist" | "device_spec",
): IniEdit[] {
  const edits = rules.map((rule) => {
    const comment = `NIC ${rule.nic.name}, mode ${rule.nic.mode}: ${rule.why}`;
    return {
      kind: "append" as const,
      section: "pci",
      key,
      value: escapeValue(oneLine(rule.json)),
      comment,
    };
  });
  const own = [...ruleOptions(newestRelease)]
    .flatMap((option) => entriesOf(ini, option.section, option.key))
    .filter((entry) => isOwn(ini, entry));
  const same =
    own.length === edits.length &&
    own.every((entry, index) => {
      const edit = edits[index];
      return entry.key === edit?.key && entry.value === edit.value && ownComment(ini, entry) === edit.comment;
    });
  if (same) return [];
  const old = new Map(own.map((entry) => [`${entry.section} ${entry.key}`, entry]));
  return [
    ...[...old.values()].map(
      (entry): IniEdit => ({ kind: "remove", section: entry.section, key: entry.key, own: true }),
    ),
    ...edits,
  ];
}

/** A rule as people write it: with blanks after commas and colons. */
function oneLine(json: JsonObject): string {
  const fields = Object.entries(json).map(
    ([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  );
  return `{${fields.join(", ")}}`;
}
