import { join } from "node:path";
import { entriesOf, type Ini, readIni } from "../../openstack/files/ini.ts";
import { reportsToPlacement } from "../../openstack/nova/placement-view.ts";
import type { TreeFacts } from "../../openstack/tree/tree.ts";
import { configFiles } from "../../openstack/tree/tree-layers.ts";
import { kayobeDecided } from "./kolla-facts.ts";
import type { PlanDraft } from "./tree-plan.ts";
import { readText } from "./tree-sources.ts";
import type { VariableFile } from "./variable-files.ts";

/**
 * Where a tree says that nova-compute reports PCI devices to Placement, so that Nova takes no rule by an
 * interface's name.
 */
export interface PlacementPlace {
  readonly place: string;
}

/**
 * Finds out for each host whether its nova-compute reports to Placement; where an expression decides, it may.
 * Source of the order: kolla-ansible, ansible/roles/nova-cell/tasks/config.yml, Copying over nova.conf.
 */
export function placementOf(
  plan: PlanDraft,
  facts: Pick<TreeFacts, "kind" | "release" | "environment" | "layering">,
  inventory: readonly VariableFile[],
  extras: readonly VariableFile[],
): (host: string) => PlacementPlace | null {
  const files = (name: string): Found[] =>
    configFiles(facts, name).flatMap((path) => {
      const text = readText(join(plan.request.config, path));
      return text === null ? [] : found(path, text);
    });
  const variable = (key: string): Found[] => {
    const decider = facts.kind === "kayobe" ? kayobeDecided(key, inventory, extras) : undefined;
    return typeof decider?.value === "string"
      ? found(`${key} (${plan.name(decider.path)}:${decider.line})`, decider.value)
      : [];
  };
  const common = [
    ...variable("kolla_extra_global"),
    ...files("global.conf"),
    ...variable("kolla_extra_nova"),
    ...files("nova.conf"),
    ...files("nova/nova-compute.conf"),
  ];
  return (host) => {
    const own = host.includes("/")
      ? []
      : [...files(`nova/${host}/nova.conf`), ...files(`nova/${host}/nova-compute.conf`)];
    const last = [...common, ...own].at(-1);
    return last === undefined || reportsToPlacement(last.ini, facts.release) === false
      ? null
      : { place: last.place };
  };
}

interface Found {
  readonly place: string;
  readonly ini: Ini;
}

function found(place: string, text: string): Found[] {
  if (!text.includes("report_in_placement")) return [];
  const ini = readIni(text, "template");
  const line = entriesOf(ini, "pci", "report_in_placement").at(-1)?.line;
  return line === undefined ? [] : [{ place: `${place}:${line}`, ini }];
}
