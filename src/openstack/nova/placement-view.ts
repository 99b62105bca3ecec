import { entriesOf, type Ini, type IniEntry, optionValue } from "../files/ini.ts";
import { releaseHas } from "../release-facts.ts";
import type { Release } from "../releases.ts";
import type { Json } from "./json-value.ts";
import { isTruth, type NovaView } from "./nova-host.ts";
import { ruleFor } from "./pci-rule.ts";
import type { PresentRules } from "./present-rules.ts";

/**
 * Something about the rules that Placement's view of PCI devices does not take, so that nova-compute stops
 * reporting.
 */
export interface PlacementProblem {
  readonly entry: IniEntry | null;
  readonly why: string;
}

/** Whether nova-compute reports PCI devices to Placement; `null`: it is not known here. From Zed on. */
export function reportsToPlacement(ini: Ini, release: Release): boolean | null {
  if (!releaseHas(release, "novaPlacement")) return false;
  const entries = entriesOf(ini, "pci", "report_in_placement");
  if (entries.some((entry) => entry.templated)) return null;
  return isTruth(optionValue(ini, "pci", "report_in_placement") ?? "");
}

/**
 * What nova-compute refuses of rules while it reports to Placement: names of interfaces, a port beside its
 * own VFs, and VFs of one port that differ in resource class or traits. Devices with a physical network are
 * left out of Placement; `null` is none. Source: nova 26.2.2, nova/compute/pci_placement_translator.py,
 * ensure_no_dev_spec_with_devname() and PlacementView._add_dev().
 */
export function placementProblems(present: readonly PresentRules[], view: NovaView): PlacementProblem[] {
  const problems: PlacementProblem[] = [];
  const entryOf = new Map(present.flatMap(({ entry, rules }) => rules.map((rule) => [rule, entry] as const)));
  const rules = [...entryOf.keys()];
  for (const rule of rules) {
    if (rule.devname === null) continue;
    const why =
      `nova-compute takes no devname while [pci] report_in_placement is on: give ${rule.devname}'s PCI ` +
      `address instead: ${JSON.stringify(rule.json)}`;
    problems.push({ entry: entryOf.get(rule) ?? null, why });
  }
  const providers = new Map<string, { parent: boolean; tracked: Tracked | null }>();
  for (const device of view.devices) {
    const rule = ruleFor(rules, device, view.host);
    if (rule === undefined || isTruthy(rule.tags["physical_network"])) continue;
    const entry = entryOf.get(rule) ?? null;
    const owner = device.parent ?? device.address;
    const provider = providers.get(owner) ?? { parent: false, tracked: null };
    providers.set(owner, provider);
    const isParent = device.parent === null;
    if (isParent ? provider.tracked !== null : provider.parent) {
      problems.push({
        entry,
        why:
          `Placement takes either the port ${owner} or its VFs, and the rules are about both: leave ` +
          `one of them out`,
      });
      continue;
    }
    const found: Tracked = {
      address: device.address,
      resource: resourceOf(rule.tags, device),
      traits: traitsOf(rule.tags),
    };
    const { tracked } = provider;
    if (tracked !== null && tracked.resource !== found.resource)
      problems.push({
        entry,
        why: mixed(
          "resource class",
          owner,
          [tracked.address, tracked.resource],
          [found.address, found.resource],
        ),
      });
    else if (tracked !== null && tracked.traits !== found.traits)
      problems.push({
        entry,
        why: mixed("traits", owner, [tracked.address, tracked.traits], [found.address, found.traits]),
      });
    provider.tracked ??= found;
    provider.parent ||= isParent;
  }
  const seen = new Set<string>();
  return problems.filter(({ entry, why }) => {
    // One of each kind and place says it for all VFs.
    const key = `${entry?.line} ${why.replaceAll(/[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d/g, "")}`;
    return !seen.has(key) && seen.add(key);
  });
}

interface Tracked {
  readonly address: string;
  readonly resource: string;
  readonly traits: string;
}

function mixed(
  what: string,
  owner: string,
  one: readonly [string, string],
  other: readonly [string, string],
): string {
  const said = ([address, value]: readonly [string, string]) => `${address} ${value === "" ? "none" : value}`;
  return (
    `all VFs of one port have to have the same ${what} in Placement, and those of ${owner} differ: ` +
    `${said(one)}, ${said(other)}`
  );
}

function resourceOf(
  tags: Readonly<Record<string, Json>>,
  { vendor, product }: { vendor: string; product: string },
): string {
  const given = tags["resource_class"];
  const name = typeof given === "string" && given !== "" ? given : `PCI_${vendor}_${product}`;
  return name
    .toUpperCase()
    .replace(/^CUSTOM_/, "")
    .replaceAll(/[^A-Z0-9]+/g, "_");
}

function traitsOf(tags: Readonly<Record<string, Json>>): string {
  const given = tags["traits"];
  const names = typeof given === "string" && given !== "" ? given.split(",") : [];
  const bare = names.map((name) =>
    name
      .toUpperCase()
      .replace(/^CUSTOM_/, "")
      .replaceAll(/[^A-Z0-9]+/g, "_"),
  );
  return [...new Set(bare)].sort().join(",");
}

function isTruthy(tag: Json | undefined): boolean {
  return tag !== undefined && tag !== null && tag !== "";
}
