import { valueText } from "../host/value-text.ts";
import { lockOf } from "./dependencies.ts";
import { type Contradiction, contradictionOf, type Evidence } from "./evidence.ts";
import { type Feature, features, optionalFeatures } from "./features.ts";
import { looksLike } from "./relevant.ts";
import type { Answer, Setting } from "./setting.ts";
import { type Standing, standingOf, wantedValue } from "./standing.ts";
import type { BiosSurvey, SystemIdentity } from "./survey.ts";
import { type Entry, entriesOf, type Vendor, vendorOf } from "./vendors.ts";

export interface FeatureReport {
  readonly feature: Feature;
  readonly answer: Answer;
  readonly settings: readonly Setting[];
  /** What the host itself shows. */
  readonly evidence: Evidence | null;
  readonly contradiction: Contradiction | null;
}

/** A setting that looks relevant, and is not in the table: for a person to judge. */
export interface Relevant {
  readonly feature: Feature;
  readonly attribute: string;
  readonly label: string;
  readonly value: string;
}

export interface BiosReport {
  readonly system: SystemIdentity;
  readonly vendor: Vendor | null;
  readonly registry: string | null;
  readonly registryProblem: string | null;
  readonly features: readonly FeatureReport[];
  readonly relevant: readonly Relevant[];
  /** Other attributes for which something is pending: the reboot changes them too. Names only. */
  readonly alsoPending: readonly string[];
  readonly remarks: readonly string[];
}

/** Settings that look relevant are shown up to this number. */
const mostRelevant = 30;

/** Holds a BIOS against what VFs need. @param evidence what the host shows, by feature */
export function assess(survey: BiosSurvey, evidence: ReadonlyMap<Feature, Evidence> = new Map()): BiosReport {
  const { system, attributes, registry, settings } = survey;
  const vendor = vendorOf(system.manufacturer, system.serviceVendor);
  const found = new Map<Feature, Setting[]>(features.map((feature) => [feature, []]));
  const used = new Set<string>();
  for (const name of attributes.keys()) {
    for (const entry of vendor === null ? [] : entriesOf(vendor, name, describe(survey, name))) {
      found
        .get(entry.feature)
        ?.push(settingOf(survey, name, entry, evidence.get(entry.feature)?.shows === "off"));
      used.add(name);
    }
  }
  const relevant = relevantOf(survey, used);
  const doubts = new Set(relevant.filter(({ isOff }) => isOff).map(({ feature }) => feature));
  const reports = features.map((feature) =>
    featureReport(feature, found.get(feature) ?? [], doubts.has(feature), evidence.get(feature) ?? null),
  );
  const pending = settings.pending ?? new Map<string, unknown>();
  return {
    system,
    vendor,
    registry: "problem" in registry ? null : registry.id,
    registryProblem: "problem" in registry ? registry.problem : null,
    features: reports,
    relevant: relevant.slice(0, mostRelevant).map(({ isOff: _, ...shown }) => shown),
    alsoPending: [...pending].flatMap(([name, value]) =>
      used.has(name) || value === attributes.get(name) ? [] : [name],
    ),
    remarks: settings.remarks,
  };
}

/** Whether a feature is there, after no reboot that would change that. */
export function isThere({ answer }: FeatureReport): boolean {
  return answer === "on" || answer === "none";
}

/** @param isMissed whether the host shows that the feature is off */
function settingOf(survey: BiosSurvey, name: string, entry: Entry, isMissed: boolean): Setting {
  const { attributes, registry, settings } = survey;
  const value = attributes.get(name);
  const standing = standingOf(value, entry);
  const later = settings.pending?.get(name);
  const pending =
    later === undefined || later === value
      ? null
      : { value: valueText(later), standing: standingOf(later, entry) };
  const base = {
    attribute: name,
    label: describe(survey, name)?.label ?? name,
    value: valueText(value),
    standing,
    pending,
  };
  const due = pending === null ? standing : pending.standing;
  // What the BIOS decides itself is left to it, unless the host shows that it decides wrongly.
  if (due === "on" || (due === "auto" && !isMissed)) return { ...base, wanted: null, obstacle: null };
  const wanted = wantedValue(name, entry, registry);
  if ("problem" in wanted || "problem" in registry) {
    return { ...base, wanted: null, obstacle: "problem" in wanted ? wanted.problem : null };
  }
  const obstacle = lockOf(registry, name, new Map([...attributes, ...(settings.pending ?? [])]));
  return { ...base, wanted: wanted.value, obstacle };
}

/** @param isDoubtful whether a setting that is not in the table looks like this feature, and is off */
function featureReport(
  feature: Feature,
  settings: readonly Setting[],
  isDoubtful: boolean,
  evidence: Evidence | null,
): FeatureReport {
  const bios = biosAnswer(feature, settings, isDoubtful);
  const contradiction = evidence === null ? null : contradictionOf(bios, settings, evidence);
  const answer =
    contradiction !== null
      ? "contradiction"
      : bios === "unknown" && evidence !== null
        ? evidence.shows
        : bios;
  return { feature, answer, settings, evidence, contradiction };
}

/** By what the BIOS says alone. All of a feature's settings have to be on. */
function biosAnswer(feature: Feature, settings: readonly Setting[], isDoubtful: boolean): Answer {
  if (settings.length === 0) return optionalFeatures.has(feature) && !isDoubtful ? "none" : "unknown";
  const now = together(settings.map(({ standing }) => standing));
  const later = together(settings.map(({ standing, pending }) => pending?.standing ?? standing));
  if (now === "on" && later === "off") return "turns-off";
  if (now !== "on" && later === "on") return "turns-on";
  if (now === "off" || later === "off") return "off";
  return now === "on" && later === "on" ? "on" : "unknown";
}

function together(standings: readonly Standing[]): "on" | "off" | "unknown" {
  if (standings.includes("off")) return "off";
  return standings.every((standing) => standing === "on") ? "on" : "unknown";
}

/** What looks like a feature, of what is not in the table. */
function relevantOf(
  survey: BiosSurvey,
  used: ReadonlySet<string>,
): (Relevant & { readonly isOff: boolean })[] {
  return [...survey.attributes].flatMap(([attribute, value]) => {
    const label = describe(survey, attribute)?.label ?? attribute;
    const feature = used.has(attribute) ? null : looksLike(attribute, label);
    const isOff = standingOf(value, { on: [] }) === "off";
    return feature === null ? [] : [{ feature, attribute, label, value: valueText(value), isOff }];
  });
}

function describe({ registry }: BiosSurvey, name: string) {
  return "problem" in registry ? undefined : registry.attributes.get(name);
}
