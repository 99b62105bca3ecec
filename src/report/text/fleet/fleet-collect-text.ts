import type { CollectResult } from "../../../fleet/collect/ansible.ts";
import type { ImportResult } from "../../../fleet/history/import.ts";
import { inPlainText } from "../../../host/plain-text.ts";
import { count, type Style } from "../../terminal/style.ts";
import { failureGroups } from "./failure-groups.ts";
import { groupLines } from "./host-groups.ts";

/** What `vflag fleet import` took in. */
export function importText(result: ImportResult, style: Style): string {
  const { stored, known, failed } = inPlainText(result);
  const lines = failed.map(({ file, message }) => `${style.bad("✗")} ${file}: ${message}`);
  const there = known === 0 ? "" : `, ${known} there already`;
  const sum = `${count(stored, "state")} stored${there}, ${failed.length} not understood.`;
  return `${[...lines, sum].join("\n")}\n`;
}

/** Who answered `vflag fleet collect`. */
export function collectText(result: CollectResult, style: Style): string {
  const { hosts, stored, known, failures, recovered, said } = inPlainText(result);
  return `${[
    ...(recovered === 0
      ? []
      : [style.faint(`${recovered} answers were taken from a run that had been killed.`)]),
    `${count(hosts, "host")} asked: ${stored + known} answered, ${failures.length} did not.`,
    ...groupLines("Not answering", failureGroups(failures), style, false),
    ...(said === null ? [] : [style.bad("ansible said:"), said]),
  ].join("\n")}\n`;
}
