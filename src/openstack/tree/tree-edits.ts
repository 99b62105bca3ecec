import { entriesOf, type Ini, type IniEntry } from "../files/ini.ts";
import { editIni, type IniEdit, IniRefusal, isOwn } from "../files/ini-edit.ts";
import { ruleOptions } from "../nova/present-rules.ts";
import { type Conflict, type Outcome, outcome } from "../outcome.ts";
import type { TreeFacts } from "./tree.ts";

/** What the makers of a tree's INI files have in common. */

/** Whether some host has VFs for guests. */
export function needsRules({ sriov, nics }: TreeFacts): boolean {
  return sriov || nics.some(({ physnet }) => physnet !== undefined);
}

/** What somebody else says of the rules, and Nova reads in this release. */
export function otherRules(ini: Ini, { release }: TreeFacts): IniEntry[] {
  return ruleOptions(release).flatMap(({ section, key }) =>
    entriesOf(ini, section, key).filter((entry) => !isOwn(ini, entry)),
  );
}

export function edited(
  text: string,
  edits: readonly IniEdit[],
  notes: readonly string[],
  conflicts: readonly Conflict[],
  wanted: string,
): Outcome {
  try {
    return outcome(text, () => editIni(text, edits, "template"), notes, conflicts);
  } catch (error) {
    if (!(error instanceof IniRefusal)) throw error;
    return outcome(text, () => text, notes, [
      { line: lineIn(error.message), there: "", wanted, why: error.message },
    ]);
  }
}

/** A refusal names its line at the beginning, where it has one. */
function lineIn(message: string): number | null {
  const found = /^line (\d+): /.exec(message)?.[1];
  return found === undefined ? null : Number(found);
}
