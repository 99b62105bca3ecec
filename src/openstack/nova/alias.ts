import { entriesOf, type Ini, type IniEntry, plainValue } from "../files/ini.ts";
import { aliasFields } from "../release-facts.ts";
import { isFrom, type Release } from "../releases.ts";

/** What is off with an alias of Nova's, which flavors ask for; `unknown`: it could not be read. */
export interface AliasProblem {
  readonly entry: IniEntry;
  readonly kind: "wrong" | "unknown";
  readonly why: string;
}

const types = ["type-PCI", "type-PF", "type-VF"];

/**
 * Holds `[pci] alias` against what nova-api and nova-compute read: one JSON object a line, and never a list.
 */
export function aliasProblems(ini: Ini, release: Release): AliasProblem[] {
  return entriesOf(ini, "pci", "alias").flatMap((entry): AliasProblem[] => {
    const value = entry.templated ? null : plainValue(entry.value);
    if (value === null)
      return [
        {
          entry,
          kind: "unknown",
          why: "an expression makes the alias, so what it asks for is not known here",
        },
      ];
    const why = problemOf(value, release);
    return why === null
      ? []
      : [
          {
            entry,
            kind: "wrong",
            why:
              `Nova refuses the alias (PciInvalidAlias), and every request for a PCI device with it: ` +
              `${why}`,
          },
        ];
  });
}

function problemOf(text: string, release: Release): string | null {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return `it is no JSON: ${text.slice(0, 80)}`;
  }
  if (Array.isArray(data))
    return "it is a list, and has to be one object: write one `alias = {...}` line for each";
  if (typeof data !== "object" || data === null) return "it has to be an object";
  const given = new Map<string, unknown>(Object.entries(data));
  if (typeof given.get("name") !== "string" || given.get("name") === "") return "it has no name";
  const known = Object.keys(aliasFields).filter((key) => isFrom(release, aliasFields[key] ?? release));
  const odd = [...given.keys()].find((key) => !known.includes(key));
  if (odd !== undefined) return `it has the field ${odd}, and ${release} knows ${known.join(", ")}`;
  for (const id of ["vendor_id", "product_id"]) {
    const value = given.get(id);
    if (value !== undefined && (typeof value !== "string" || !/^(?:[\da-f]{4})$/i.test(value)))
      return `${id} has to be four hexadecimal digits in quotes`;
  }
  const type = given.get("device_type");
  return type === undefined || types.some((one) => one === type)
    ? null
    : `device_type is one of ${types.join(", ")}`;
}
