import { entriesOf, type Ini, type IniEntry, plainValue } from "../files/ini.ts";
import { releaseHas } from "../release-facts.ts";
import type { Release } from "../releases.ts";
import { type NovaHost, type PciRule, parseRules } from "./pci-rule.ts";
import { NovaRefusal, UnreadRule } from "./rule-errors.ts";

/** One value of Nova's PCI option in a file, and the rules in it. */
export interface PresentRules {
  readonly entry: IniEntry;
  readonly rules: readonly PciRule[];
}

/**
 * The option's names in a release, in the order in which oslo.config puts their values together: old names
 * first.
 */
export function ruleOptions(release: Release): { section: string; key: string }[] {
  const old = [
    { section: "DEFAULT", key: "pci_passthrough_whitelist" },
    { section: "pci", key: "passthrough_whitelist" },
  ];
  return releaseHas(release, "novaDeviceSpec") ? [...old, { section: "pci", key: "device_spec" }] : old;
}

/** The rules that Nova reads in a file, in its order. What cannot be judged is told, and left out. */
export function presentRules(
  ini: Ini,
  release: Release,
  host: NovaHost,
  problem: (entry: IniEntry, why: string) => void,
): PresentRules[] {
  const entries = ruleOptions(release).flatMap(({ section, key }) => entriesOf(ini, section, key));
  return entries.flatMap((entry) => {
    const read = readEntry(entry, host);
    if (typeof read !== "string") return [{ entry, rules: read }];
    problem(entry, read);
    return [];
  });
}

/** The rules of one value, or why they are not known. */
function readEntry(entry: IniEntry, host: NovaHost): PciRule[] | string {
  if (entry.templated)
    return (
      "a Jinja expression makes it, so what it offers is not known here: take it out, and let vflag " +
      "write the rules"
    );
  const value = plainValue(entry.value);
  if (value === null)
    return "it takes another option's value in ($), which is not known here ($$ stands for a dollar)";
  try {
    return parseRules([value], host);
  } catch (error) {
    if (error instanceof NovaRefusal) return `nova-compute refuses it: ${error.message}`;
    if (error instanceof UnreadRule) return error.message;
    throw error;
  }
}
