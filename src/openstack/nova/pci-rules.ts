import type { PhysicalFunction } from "../../host/state/state.ts";
import { describeSelector } from "../../spec/combinations.ts";
import type { NicSpec, PortSelector, Spec } from "../../spec/schema.ts";
import { resolvePorts } from "../../spec/selectors.ts";
import type { JsonObject } from "./json-value.ts";
import { type HostPorts, type NovaView, vfProductOf } from "./nova-host.ts";
import { matches, matchesEverything, type NovaDevice, readRule } from "./pci-rule.ts";

/** A rule that offers a NIC's VFs to guests, and what it is about. */
export interface GeneratedRule {
  readonly nic: NicSpec;
  readonly json: JsonObject;
  /** Why it has this form, for the comment above it. */
  readonly why: string;
  /** The VFs that are meant, as they are or will be. */
  readonly devices: readonly NovaDevice[];
}

export interface GeneratedRules {
  readonly rules: readonly GeneratedRule[];
  /** What an operator should know. */
  readonly notes: readonly string[];
  /** NICs for which there is no rule, and why. */
  readonly problems: readonly string[];
}

/**
 * The rules for the VFs of all declared NICs that say which network they are on. Each selector of the spec is
 * turned into the same kind of rule where Nova has it and it is about exactly the VFs meant; otherwise into
 * one for each port, by its PCI address.
 * @param byName whether rules by an interface's name are taken: not where `[pci] report_in_placement` is on
 */
export function pciRules(spec: Spec, state: HostPorts, view: NovaView, byName: boolean): GeneratedRules {
  const [rules, notes, problems]: [GeneratedRule[], string[], string[]] = [[], [], []];
  for (const nic of spec.nics) {
    if (nic.physnet === undefined) {
      notes.push(`${nic.name}: no rule, since the spec gives it no physnet (null means overlay networks)`);
      continue;
    }
    const resolved = resolvePorts(nic, state);
    if ("problem" in resolved) {
      problems.push(`${nic.name}: ${resolved.problem}`);
      continue;
    }
    const far = resolved.pfs.find((pf) => pf.address.length > "0000:00:00.0".length);
    if (far !== undefined) {
      problems.push(`${nic.name}: Nova knows no PCI domain beyond ffff, and ${far.address} is in one`);
      continue;
    }
    for (const selector of nic.ports) {
      const ports = resolvePorts({ ...nic, mode: "sriov", ports: [selector] }, state);
      const made = "pfs" in ports ? rulesFor({ nic, selector, pfs: ports.pfs, view, byName }) : [];
      rules.push(
        ...made.filter(
          ({ json }) => !rules.some((rule) => JSON.stringify(rule.json) === JSON.stringify(json)),
        ),
      );
    }
    for (const pf of resolved.pfs) {
      const offered = rules.some(
        (rule) => rule.nic === nic && matches(readRule(rule.json, view.host), functionOf(pf), view.host),
      );
      if (offered)
        notes.push(
          `${nic.name}: ${pf.address} itself is offered to guests too, since its VFs' product id is not ` +
            `known or its own`,
        );
    }
  }
  return { rules, notes, problems };
}

interface Wanted {
  readonly nic: NicSpec;
  readonly selector: PortSelector;
  readonly pfs: readonly PhysicalFunction[];
  readonly view: NovaView;
  readonly byName: boolean;
}

function rulesFor(wanted: Wanted): GeneratedRule[] {
  const { nic, pfs, view } = wanted;
  const meant = view.devices.filter(({ parent }) => pfs.some((pf) => pf.address === parent));
  const ofNic = new Set(meant);
  const rule = (json: JsonObject, why: string): GeneratedRule => {
    const full = { ...json, ...tagsOf(nic) };
    const read = readRule(full, view.host);
    const devices = meant.filter((device) => matches(read, device, view.host));
    return { nic, json: guarded(full), why, devices };
  };
  const likened = alike(wanted).map(({ json, why }) => rule(json, why));
  const read = likened.map(({ json }) => readRule(json, view.host));
  const about = view.devices.filter((device) => read.some((one) => matches(one, device, view.host)));
  const exact =
    meant.length > 0 && about.length === meant.length && about.every((device) => ofNic.has(device));
  if (exact) return likened;
  return pfs.map((pf) =>
    rule({ address: pf.address, ...idsOf(pf) }, `the VFs of ${pf.netdev ?? pf.address}, by its address`),
  );
}

/** The same kind of rule as the selector is; none where Nova has no such form. */
function alike({ selector, pfs, byName }: Wanted): { json: JsonObject; why: string }[] {
  const [pf] = pfs;
  if (pf === undefined) return [];
  if (typeof selector === "string") {
    // Nova looks the name up in /sys/class/net: an alternative name is not there.
    return byName && pf.netdev === selector
      ? [{ json: { devname: selector, ...idsOf(pf) }, why: `the VFs of ${selector}, by its name` }]
      : [];
  }
  const products = new Map(pfs.map((one) => [JSON.stringify(idsOf(one)), idsOf(one)]));
  if ([...products.values()].some((ids) => ids === null)) return [];
  if ("vendor" in selector) {
    return [...products.values()].map((ids) => ({
      json: { ...ids },
      why: `the VFs of all ports that are ${describeSelector(selector)}, by their own ids`,
    }));
  }
  if ("address" in selector && selector.address.includes("*")) {
    // VFs stand in other slots than their PF: only domain and bus can be taken over.
    const [domain = "*", bus = "*"] = selector.address.toLowerCase().split(":");
    if (domain.length > 4) return [];
    return [...products.values()].map((ids) => ({
      json: { address: `${domain}:${bus}:*.*`, ...ids },
      why: `the VFs of the ports at ${selector.address}, by their bus`,
    }));
  }
  return [];
}

/**
 * The VFs' own ids: with them a rule leaves the PF out. `null` where they are not known, or are the PF's own.
 */
function idsOf(pf: PhysicalFunction): { vendor_id: string; product_id: string } | null {
  const product = vfProductOf(pf);
  return product === null || product === pf.product ? null : { vendor_id: pf.vendor, product_id: product };
}

function tagsOf(nic: NicSpec): JsonObject {
  return {
    physical_network: nic.physnet ?? null,
    ...(nic.vfSettings.trust === true ? { trusted: "true" } : {}),
  };
}

/** The last word before a rule is written: none is about every device. @throws where one would be */
export function guarded(json: JsonObject): JsonObject {
  const rule = readRule(json, { interfaces: new Map(), physicalFunctions: new Map() });
  if (matchesEverything(rule))
    throw new Error(`a rule about every PCI device was to be written: ${JSON.stringify(json)}`);
  return json;
}

function functionOf(pf: PhysicalFunction): NovaDevice {
  return { address: pf.address, vendor: pf.vendor, product: pf.product, parent: null };
}
