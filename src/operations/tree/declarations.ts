import { join } from "node:path";
import { isNode, LineCounter, parseDocument } from "yaml";
import type { Declaration } from "../../openstack/tree/host-values.ts";
import { ownLines } from "../../openstack/tree/own-values.ts";
import { treeVariables } from "../../openstack/tree/tree.ts";
import { type PlanDraft, several } from "./tree-plan.ts";
import type { Setting, VariableFile } from "./variable-files.ts";

/** The variables that say what a host is to have; the first goes before the second. */
export const inputs = ["vflag", "sriov_physnet_mappings"] as const;
/** Those that vflag writes. */
export const outputs = [treeVariables.rules, treeVariables.mappings] as const;

type Settings = ReadonlyMap<string, readonly Setting[]>;

/** What each host is to have: its own variable, unless an extra variable is in its place. */
export function declarations(plan: PlanDraft, settings: Settings): Map<string, Declaration> {
  const extras = new Map<string, Setting>();
  for (const variable of inputs) {
    const extra = (settings.get(variable) ?? []).findLast(({ file }) => file.level.kind === "extra");
    if (extra === undefined) continue;
    extras.set(variable, extra);
    const text = canonical(extra.value);
    const hidden = [...plan.inventory.hosts].filter(
      ([, variables]) => variable in variables && canonical(variables[variable]) !== text,
    );
    if (hidden.length === 0) {
      plan.note(
        `${plan.name(extra.file.path)}:${extra.line}: ${variable} is an extra variable there, which beats ` +
          `what groups and hosts say; group_vars/all is the place for it`,
      );
      continue;
    }
    const places = (settings.get(variable) ?? [])
      .filter(({ file }) => file.level.kind !== "extra")
      .map(({ file, line }) => `${plan.name(file.path)}:${line}`);
    plan.conflict({
      name: plan.name(extra.file.path),
      line: extra.line,
      there: `${variable}: ${text}`,
      wanted:
        `${variable} in ${plan.name(join(plan.folder, "group_vars/all/"))}, where groups and hosts ` +
        `can differ from it`,
      why:
        `it is an extra variable there, which beats ` +
        `${places.length > 0 ? several(places) : "the inventory"}: the values of ` +
        `${several(hidden.map(([host]) => host))} are hidden`,
    });
  }
  const found = new Map<string, Declaration>();
  for (const host of plan.hosts) {
    const variables = plan.inventory.hosts.get(host) ?? {};
    for (const variable of inputs) {
      const extra = extras.get(variable);
      // `vflag:` with nothing behind it takes a group's spec from a host.
      const value = extra === undefined ? variables[variable] : extra.value;
      if (value === undefined || value === null) continue;
      if (found.has(host))
        plan.note("has sriov_physnet_mappings too, which is left aside: the spec in vflag says it all", host);
      else found.set(host, { variable, value });
    }
  }
  return found;
}

/** vflag's variables that somebody else sets, or that it set itself elsewhere. */
export function checkOutputs(
  plan: PlanDraft,
  settings: Settings,
  elsewhere: readonly VariableFile[],
  mine: ReadonlySet<VariableFile>,
): void {
  for (const { path, text } of elsewhere) {
    const scope =
      plan.request.environment === null ? "an environment" : "all environments (without --environment)";
    plan.conflict({
      name: plan.name(path),
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
      plan.conflict({
        name: plan.name(file.path),
        line,
        there: `${variable}: ${JSON.stringify(value)}`,
        wanted: `${variable} set by vflag only`,
        why:
          `vflag writes this variable: take it out, and put rules of your own into ` +
          `${treeVariables.moreRules}`,
      });
    }
  }
}

/** A value as text in which the order of keys makes no difference: ansible-inventory sorts them. */
export function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort())
        : inner,
    ) ?? "undefined"
  );
}

/** The line of a place within a setting, such as `nics[0].mode`. */
export function lineOf({ file, line, value }: Setting, path: string): number {
  if (path === "") return line;
  const lines = new LineCounter();
  const document = parseDocument(file.text, {
    lineCounter: lines,
    logLevel: "silent",
    prettyErrors: false,
    uniqueKeys: false,
  });
  const variable = inputs.find(
    (name) => document.has(name) && canonical(document.toJS()[name]) === canonical(value),
  );
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
