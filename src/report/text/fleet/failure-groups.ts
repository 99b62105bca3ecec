import type { FailureKind } from "../../../fleet/history/history.ts";
import { failureWords } from "../../fleet-words.ts";
import { firstLine } from "./host-groups.ts";

/** By kind; of answers that were refused also by the reason, for there is no other trace of what was said. */
export function failureGroups(
  failures: readonly { readonly host: string; readonly kind: FailureKind; readonly message: string }[],
) {
  const words = ({ kind, message }: { readonly kind: FailureKind; readonly message: string }) =>
    kind === "invalid" ? `${failureWords[kind]}: ${firstLine(message)}` : failureWords[kind];
  const groups = [...Map.groupBy(failures, words)].map(
    ([reason, group]) => [reason, group.map(({ host }) => host)] as const,
  );
  const sorted = groups.sort(([, a], [, b]) => b.length - a.length);
  const rest = sorted.slice(mostReasons).flatMap(([, group]) => group);
  return rest.length === 0
    ? sorted
    : [...sorted.slice(0, mostReasons), ["for other reasons, which --hosts shows", rest] as const];
}

/** So many reasons are shown. */
const mostReasons = 20;
