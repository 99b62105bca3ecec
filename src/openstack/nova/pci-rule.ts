import { formatHex, strip } from "../files/python-text.ts";
import {
  type AddressPattern,
  addressPattern,
  anyValue,
  fieldsOf,
  hexField,
  matchesFields,
} from "./address-pattern.ts";
import {
  isList,
  isObject,
  isTrueString,
  isTruthy,
  type Json,
  type JsonObject,
  pythonString,
} from "./json-value.ts";
import { NovaRefusal } from "./rule-errors.ts";

/**
 * One rule of Nova's `[pci] device_spec` (`passthrough_whitelist` before Zed): which PCI devices of a host
 * guests may get. It means here what it means to Nova. The rules are the same from Train on; `remote_managed`
 * is read from Yoga on, and is read so here. Source: nova 26.2.2, nova/pci/devspec.py and nova/pci/utils.py.
 */
export interface PciRule {
  /** The rule as it is in the file. */
  readonly json: JsonObject;
  /** What Nova's scheduler sees of a device that matches: all keys that do not choose devices. */
  readonly tags: JsonObject;
  readonly vendor: string;
  readonly product: string;
  /** By the name of an interface, which Nova looks up anew each time. */
  readonly devname: string | null;
  readonly address: AddressPattern | null;
  readonly remoteManaged: boolean;
}

/** What Nova looks at in /sys. */
export interface NovaHost {
  /**
   * By interface: what its `device` link points to, and the VFs that it could have (`null`: no such file).
   */
  readonly interfaces: ReadonlyMap<string, { readonly device: string; readonly totalVfs: number | null }>;
  /** The PCI functions that can have VFs, by address. */
  readonly physicalFunctions: ReadonlyMap<string, NovaPhysicalFunction>;
}

export interface NovaPhysicalFunction {
  readonly vendor: string;
  readonly product: string;
  readonly vfProduct: string | null;
}

/** A PCI device as libvirt lists it to Nova. */
export interface NovaDevice {
  readonly address: string;
  readonly vendor: string;
  readonly product: string;
  /** The PF of a VF. */
  readonly parent: string | null;
  /** From its vital product data; only `remote_managed` asks for it. */
  readonly serial?: string;
}

/**
 * Reads the values of the option, one for each time that it stands in the files.
 * @throws {NovaRefusal} as nova-compute at its start
 * @throws {UnreadRule}
 */
export function parseRules(values: readonly string[], host: NovaHost): PciRule[] {
  return values.flatMap((value) => {
    let json: Json;
    try {
      json = JSON.parse(value) as Json;
    } catch (error) {
      throw new NovaRefusal(`not JSON: ${value}`, { cause: error });
    }
    if (!isObject(json) && !isList(json)) throw new NovaRefusal(`neither a JSON object nor a list: ${value}`);
    return (isList(json) ? json : [json]).map((one) => {
      if (!isObject(one)) throw new NovaRefusal(`not a JSON object: ${JSON.stringify(one)}`);
      return readRule(one, host);
    });
  });
}

/** Reads one rule. @throws {NovaRefusal} @throws {UnreadRule} */
export function readRule(json: JsonObject, host: NovaHost): PciRule {
  const { vendor_id = anyValue, product_id = anyValue, devname = null, address = null, ...tags } = json;
  if (typeof vendor_id !== "string" || typeof product_id !== "string") {
    throw new NovaRefusal(
      `vendor_id and product_id are JSON strings, such as "15b3": ${JSON.stringify(json)}`,
    );
  }
  const name = isTruthy(devname) ? pythonString(devname) : null;
  if (name !== null && isTruthy(address))
    throw new NovaRefusal(`devname and address in one rule: ${JSON.stringify(json)}`);
  const rule: PciRule = {
    json,
    tags,
    vendor: hexField("vendor_id", strip(vendor_id), 0xffff, 4),
    product: hexField("product_id", product_id, 0xffff, 4),
    devname: name,
    address: name === null ? addressPattern(isTruthy(address) ? address : "*:*:*.*") : null,
    remoteManaged: isTrueString(tags["remote_managed"]),
  };
  const found = lookUp(rule, host);
  if (rule.remoteManaged) checkRemoteManaged(rule, found, host);
  return rule;
}

/** Whether a rule is about a device. @throws {NovaRefusal} */
export function matches(rule: PciRule, device: NovaDevice, host: NovaHost): boolean {
  const found = lookUpOnce(rule, host);
  if (found === null) return false;
  const ids =
    (rule.vendor === anyValue || rule.vendor === device.vendor) &&
    (rule.product === anyValue || rule.product === device.product);
  const fields = placeOf(device);
  const parent =
    found.physicalFunction && fields.parent !== null && matchesFields(found.pattern, fields.parent);
  return (
    ids &&
    (parent || matchesFields(found.pattern, fields.own)) &&
    (!rule.remoteManaged || (device.serial ?? "") !== "")
  );
}

/** The rule that decides about a device: the first that matches. */
export function ruleFor(rules: readonly PciRule[], device: NovaDevice, host: NovaHost): PciRule | undefined {
  return rules.find((rule) => matches(rule, device, host));
}

/** Whether a rule is about every device that a host can have: all of a domain are, most hosts have one. */
export function matchesEverything(rule: PciRule): boolean {
  return rule.vendor === anyValue && rule.product === anyValue && isAnywhere(rule);
}

/** Whether a rule does not choose by the place of a device. */
export function isAnywhere(rule: PciRule): boolean {
  const [, ...fields] = rule.address?.fields ?? [];
  return (
    rule.address !== null &&
    fields.every((field, index) => field === anyValue || (field instanceof RegExp && takesAll(field, index)))
  );
}

/** A regular expression that takes all that a bus, a slot or a function can be. */
function takesAll(field: RegExp, index: number): boolean {
  const [count = 0, width = 0] = [[0x100, 0x20, 8][index], [2, 2, 1][index]];
  return Array.from({ length: count }, (_, value) => formatHex(value, width)).every((text) =>
    field.test(text),
  );
}

/**
 * Whether two `physical_network` tags are one for the scheduler, which compares them in lower case:
 * nova/pci/utils.py, pci_device_prop_match().
 */
export function sameNetwork(one: Json | undefined, other: Json | undefined): boolean {
  const lower = (tag: Json | undefined) => (typeof tag === "string" ? tag.toLowerCase() : tag);
  return lower(one) === lower(other);
}

interface Found {
  readonly pattern: AddressPattern;
  readonly physicalFunction: boolean;
}

/** Values that do not change are read once: a host has hundreds of VFs, and each is asked of each rule. */
const places = new WeakMap<
  NovaDevice,
  { readonly own: readonly string[]; readonly parent: readonly string[] | null }
>();
const founds = new WeakMap<NovaHost, WeakMap<PciRule, Found | null>>();

function placeOf(device: NovaDevice): {
  readonly own: readonly string[];
  readonly parent: readonly string[] | null;
} {
  const known = places.get(device);
  if (known !== undefined) return known;
  const place = {
    own: fieldsOf(device.address),
    parent: device.parent === null ? null : fieldsOf(device.parent),
  };
  places.set(device, place);
  return place;
}

function lookUpOnce(rule: PciRule, host: NovaHost): Found | null {
  const ofHost = founds.get(host) ?? new WeakMap<PciRule, Found | null>();
  founds.set(host, ofHost);
  const known = ofHost.get(rule);
  if (known !== undefined) return known;
  const found = lookUp(rule, host);
  ofHost.set(rule, found);
  return found;
}

/** Where a rule points to on this host now; `null`: it names an interface that is not there. */
function lookUp(rule: PciRule, host: NovaHost): Found | null {
  if (rule.devname === null) {
    const pattern = rule.address;
    return pattern === null
      ? null
      : { pattern, physicalFunction: pattern.single !== null && host.physicalFunctions.has(pattern.single) };
  }
  const link = host.interfaces.get(rule.devname);
  const device = link?.device.replace(/^[./]+|[./]+$/g, "") ?? "";
  if (link === undefined || device === "") return null;
  if ((link.totalVfs ?? 0) > 0)
    return { pattern: { fields: fieldsOf(device), single: device }, physicalFunction: true };
  const pattern = addressPattern(device);
  return { pattern, physicalFunction: pattern.single !== null && host.physicalFunctions.has(pattern.single) };
}

/** Nova takes no PF that is managed elsewhere (on a DPU), only its VFs. */
function checkRemoteManaged(rule: PciRule, found: Found | null, host: NovaHost): void {
  if (found === null) throw new NovaRefusal(`remote_managed, and there is no interface ${rule.devname}`);
  if (!found.physicalFunction) return;
  const pf = host.physicalFunctions.get(found.pattern.single ?? "");
  if (pf?.vfProduct == null)
    throw new NovaRefusal("remote_managed, and the kernel does not tell the product id of the PF's VFs");
  const ofVfs = rule.product === pf.vfProduct && [anyValue, pf.vendor].includes(rule.vendor);
  if (!ofVfs)
    throw new NovaRefusal(
      "remote_managed, and the rule is not about the PF's VFs only: give their vendor_id and product_id",
    );
}
