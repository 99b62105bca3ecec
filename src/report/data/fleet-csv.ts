import { decisive } from "../../fleet/answers/outcome.ts";
import type { FleetStatus } from "../../fleet/answers/status.ts";
import { plainText } from "../../host/plain-text.ts";

/** The fleet as a table for a spreadsheet: a line for each NIC of each host. Source: RFC 4180. */
export function fleetCsv({ hosts }: FleetStatus): string {
  const head = [
    "host",
    "nic",
    "mode",
    "verdict",
    "observed_at",
    "age_seconds",
    "stale",
    "reboot_required",
    "failure",
    "causes",
  ];
  const rows = hosts.flatMap(({ host, nics, observedAt, age, stale, reboot, failure, problem }) => {
    const of = (nic: string, mode: string, verdict: string, causes: string) => [
      host,
      nic,
      mode,
      verdict,
      observedAt ?? "",
      age === null ? "" : String(age),
      String(stale),
      String(reboot),
      failure === null ? "" : `${failure.kind}: ${failure.message}`,
      causes,
    ];
    if (nics.length === 0) return [of("", "", "none", problem ?? "")];
    return nics.map((nic) => {
      const causes = decisive(nic).map(
        ({ requirement, subject, actual }) => `${requirement}: ${subject}: ${actual}`,
      );
      return of(nic.nic, nic.mode, nic.answer, causes.join("; "));
    });
  });
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/**
 * A spreadsheet takes what begins with these, also as full-width characters, for a formula.
 * Source: https://owasp.org/www-community/attacks/CSV_Injection.
 */
const formula = /[=+\-@\uff1d\uff0b\uff0d\uff20]/.source;

/**
 * Where a cell begins: at a separator of any country's, whatever this file's own is, behind blanks and
 * quotation marks.
 */
const beginning = new RegExp(`(^|[,;|])([\\s"']*)(?=${formula})`, "g");

function cell(text: string): string {
  const safe = plainText(text).replace(beginning, "$1$2'");
  return /[",;|]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}
