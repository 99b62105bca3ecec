import { InvalidArgumentError, Option } from "commander";
import { momentOf, secondsOf } from "../../fleet/answers/times.ts";

/** Options that several commands of `vflag fleet` have. */

export const staleOption = () =>
  new Option("--stale <age>", "how old a state may be: 90m, 24h, 7d")
    .argParser(seconds)
    .default(86_400, "24h");
export const hostsOption = () => new Option("--hosts", "name every host").default(false);

function seconds(value: string): number {
  const found = secondsOf(value);
  if (found === null) throw new InvalidArgumentError("Such as 90m, 24h, 7d or 2w.");
  return found;
}

export function moment(value: string): number {
  const found = momentOf(value, Date.now());
  if (found === null) throw new InvalidArgumentError("Such as 2026-01-31, 2026-01-31T08:00Z, 12h or 7d.");
  return found;
}
