import { basename, join, relative } from "node:path";
import type { HostValues } from "../../openstack/tree/host-values.ts";
import { isOwnFile, ownFile, ownFileName, ownLines, withOwnPart } from "../../openstack/tree/own-values.ts";
import { type Place, placements } from "../../openstack/tree/placement.ts";
import type { PlanDraft } from "./tree-plan.ts";
import type { VariableFile } from "./variable-files.ts";

/** The files with hosts' values: the wanted ones, and those that are not wanted any more. */
export function placeValues(
  plan: PlanDraft,
  mine: ReadonlySet<VariableFile>,
  declared: ReadonlySet<string>,
): void {
  // Hosts with equal values share them.
  const shared = new Map<string, HostValues>();
  const wanted = new Map(
    [...plan.values].map(([host, values]) => {
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
    if (level.kind !== "extra" && relative(plan.folder, path).split("/").length === 2)
      byName.set(`${level.kind} ${level.name}`, path);
  for (const place of placements(plan.inventory.groups, plan.hosts, wanted, declared)) {
    if (!isFileName(place.name)) {
      plan.problem(`the name ${JSON.stringify(place.name)} of a ${place.level} cannot be that of a file`);
      continue;
    }
    const beside = byName.get(`${place.level} ${place.name}`);
    const path = beside ?? join(plan.folder, `${place.level}_vars`, place.name, ownFileName);
    const text = before.get(path) ?? null;
    left.delete(path);
    plan.write(
      path,
      text,
      beside === undefined ? whole(plan, path, text, place) : part(plan, path, text ?? "", place),
    );
  }
  for (const [path, text] of left) {
    if (basename(path) === ownFileName && isOwnFile(text)) plan.write(path, text, null);
    else if (ownLines(text) !== null) plan.write(path, text, part(plan, path, text, undefined));
  }
}

function whole(
  plan: PlanDraft,
  path: string,
  before: string | null,
  { value }: Place<HostValues>,
): string | null {
  if (before === null || isOwnFile(before)) return ownFile(value);
  plan.conflict({
    name: plan.name(path),
    line: 1,
    there: before.split("\n", 1)[0] ?? "",
    wanted: "a file of vflag's own",
    why: "somebody else's file has the name of vflag's: rename it",
  });
  return before;
}

function part(plan: PlanDraft, path: string, before: string, place: Place<HostValues> | undefined): string {
  const made = path.endsWith(".json")
    ? { problem: "it is JSON" }
    : withOwnPart(before, place === undefined ? undefined : place.value);
  if ("text" in made) return made.text;
  const folder = path.replace(/\.(?:ya?ml|json)$/, "");
  plan.conflict({
    name: plan.name(path),
    line: null,
    there: made.problem,
    wanted:
      `vflag's variables beside it, which takes a directory: mkdir TMP && mv ` +
      `${plan.name(path)} TMP/ && mv TMP ${plan.name(folder)}`,
    why: "Ansible reads either this file or a directory of its name, so vflag cannot put a file beside it",
  });
  return before;
}

function isFileName(name: string): boolean {
  return name !== "." && name !== ".." && !/[/\x00-\x1f\x7f]/.test(name);
}
