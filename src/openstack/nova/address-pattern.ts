import { pythonRegex } from "../files/python-regex.ts";
import { formatHex, parseHex, strip } from "../files/python-text.ts";
import { isObject, type Json, type JsonObject } from "./json-value.ts";
import { NovaRefusal, UnreadRule } from "./rule-errors.ts";

/** Stands for every value of a field. */
export const anyValue = "*";

/**
 * Four fields, each a value to be equal to (or `*`), or a regular expression. `single`: they are one address,
 * so it can be a PF's.
 */
export interface AddressPattern {
  readonly fields: readonly (string | RegExp)[];
  readonly single: string | null;
}

/**
 * Reads the `address` of a rule.
 * @throws {NovaRefusal}
 * @throws {UnreadRule}
 */
export function addressPattern(address: Json): AddressPattern {
  if (typeof address === "string") return globPattern(address);
  if (isObject(address)) return regexPattern(address);
  throw new NovaRefusal(`an address is a string or an object: ${JSON.stringify(address)}`);
}

/** `domain:bus:slot.function`, each a number, `*` or nothing; what is left out in front is any. */
function globPattern(address: string): AddressPattern {
  const point = address.indexOf(".");
  const [front, last] = point < 0 ? [address, ""] : [address.slice(0, point), address.slice(point + 1)];
  const given = front === "" ? [] : front.split(":");
  if (given.length > 3)
    throw new NovaRefusal(`an address has at most a domain, a bus, a slot and a function: ${address}`);
  const func = last === "" ? anyValue : hexField("function", strip(last), 0x7, 1);
  const [domain = anyValue, bus = anyValue, slot = anyValue] = [
    ...Array<string>(3 - given.length).fill(anyValue),
    ...given,
  ].map((field) => strip(field) || anyValue);
  const fields = [
    hexField("domain", domain, 0xffff, 4),
    hexField("bus", bus, 0xff, 2),
    hexField("slot", slot, 0x1f, 2),
    func,
  ];
  return { fields, single: singleAddress(fields) };
}

function regexPattern(address: JsonObject): AddressPattern {
  const texts = ["domain", "bus", "slot", "function"].map((field) => {
    const value = address[field] ?? (field in address ? null : ".*");
    if (typeof value !== "string")
      throw new NovaRefusal(`${field} is no regular expression: ${JSON.stringify(value)}`);
    return value;
  });
  const fields = texts.map((text) => {
    const regex = pythonRegex(text);
    if (regex instanceof RegExp) return regex;
    if ("refused" in regex) throw new NovaRefusal(`no regular expression, ${regex.refused}: ${text}`);
    throw new UnreadRule(`a regular expression that vflag does not read, ${regex.unknown}: ${text}`);
  });
  return { fields, single: singleAddress(texts) };
}

/**
 * Nova takes it for one address when all characters are hexadecimal digits, and then asks /sys for it as it
 * is written.
 */
function singleAddress([domain = "", bus = "", slot = "", func = ""]: readonly string[]): string | null {
  return /^[0-9a-fA-F]*$/.test(domain + bus + slot + func) ? `${domain}:${bus}:${slot}.${func}` : null;
}

/** @param address as `fieldsOf` has it */
export function matchesFields(pattern: AddressPattern, address: readonly string[]): boolean {
  return pattern.fields.every((field, index) =>
    field instanceof RegExp
      ? field.test(address[index] ?? "")
      : field === anyValue || field === address[index],
  );
}

/** A device's own address, in the form that Nova compares. */
export function fieldsOf(address: string): string[] {
  const [, domain, bus, slot, func] = /^([^:.]*):([^:.]*):([^:.]*)\.(.*)$/.exec(address) ?? [];
  if (domain === undefined || bus === undefined || slot === undefined || func === undefined) {
    throw new NovaRefusal(`no PCI address: ${address}`);
  }
  return [
    hexField("domain", domain, 0xffff, 4),
    hexField("bus", bus, 0xff, 2),
    hexField("slot", slot, 0x1f, 2),
    hexField("function", func, 0x7, 1),
  ];
}

/** A number as Nova compares it, in so many digits. @throws {NovaRefusal} where it is none, or too big */
export function hexField(name: string, text: string, most: number, width: number): string {
  if (text === anyValue) return text;
  const value = parseHex(text);
  if (value === null) throw new NovaRefusal(`${name} is no hexadecimal number: ${JSON.stringify(text)}`);
  if (value > most) throw new NovaRefusal(`${name} ${text} is more than ${most.toString(16).toUpperCase()}`);
  return formatHex(value, width);
}
