import { describeSelector } from "../spec/combinations.ts";
import { loadSpec, SpecError } from "../spec/load.ts";
import type { NicSpec, Spec } from "../spec/schema.ts";
import { resolvePorts } from "../spec/selectors.ts";
import { type HostPorts, novaView } from "./nova-host.ts";
import type { JsonObject } from "./pci-rule.ts";
import { guarded, pciRules } from "./pci-rules.ts";
import { readPhysnets, wrongDevice } from "./physnet-mappings.ts";

/** What an inventory says of a host: the variable `vflag`, or the sources' `sriov_physnet_mappings`. */
export interface Declaration {
  readonly variable: "vflag" | "sriov_physnet_mappings";
  readonly value: unknown;
}

/** What becomes of it: the values of one host's variables. */
export interface HostValues {
  /** Nova's PCI rules. */
  readonly rules: readonly JsonObject[];
  /** physnet:device, for the SR-IOV agent. */
  readonly mappings: readonly string[];
  readonly nics: readonly NicSpec[];
  readonly notes: readonly string[];
}

/** Problems of a declaration; `path` is the place in it, where there is one. */
export interface DeclarationProblem {
  readonly path: string;
  readonly text: string;
}

export type HostOutcome = HostValues | { readonly problems: readonly DeclarationProblem[] };

/**
 * Makes the values of hosts. Most hosts of a fleet are alike, so what was made of one declaration and one kind of hardware is kept:
 * equal inputs give the identical object.
 */
export class HostValuesMaker {
  readonly #specs = new Map<string, Spec | { readonly problems: readonly DeclarationProblem[] }>();
  readonly #made = new Map<string, HostOutcome>();

  /** @param hardware the host's ports, from a saved state; `null` where there is none */
  make(declaration: Declaration, hardware: Hardware | null): HostOutcome {
    const text = JSON.stringify(declaration.value) ?? "null";
    const key = `${declaration.variable}\0${text}\0${hardware?.key(text) ?? ""}`;
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = this.#makeNew(declaration, text, hardware);
    this.#made.set(key, made);
    return made;
  }

  #makeNew({ variable, value }: Declaration, text: string, hardware: Hardware | null): HostOutcome {
    const read = hardware?.read() ?? null;
    if (read !== null && "problem" in read) return { problems: [{ path: "", text: read.problem }] };
    const spec = variable === "vflag" ? this.#spec(value, text) : specOfPhysnets(value, read);
    if ("problems" in spec) return spec;
    return read === null ? byNames(spec) : byState(spec, read, variable);
  }

  #spec(value: unknown, text: string): Spec | { readonly problems: readonly DeclarationProblem[] } {
    const known = this.#specs.get(text);
    if (known !== undefined) return known;
    const spec = readSpec(value, text);
    this.#specs.set(text, spec);
    return spec;
  }
}

/** A host's ports, and what tells whether two hosts are alike for a declaration. */
export interface Hardware {
  /** @param declaration its text: what it does not name makes no difference */
  key(declaration: string): string;
  read(): HostPorts | { readonly problem: string };
}

/**
 * What tells hosts apart: all of their ports and VFs that a rule or a selector can be about. Addresses of interfaces, and their other
 * names, differ everywhere: they count only where the declaration asks for them.
 * @param data a saved state, as it was read; it is not judged here
 */
export function hardwareKey(data: unknown, declaration: string): string {
  const { pfs = [], netdevs = [] } = (typeof data === "object" && data !== null ? data : {}) as { pfs?: unknown; netdevs?: unknown };
  const ports = new Set((Array.isArray(pfs) ? pfs : []).map((pf: unknown) => field(pf, "address")));
  const byMac = declaration.includes('"mac"');
  const links = (Array.isArray(netdevs) ? netdevs : []).flatMap((netdev: unknown) => {
    const name = field(netdev, "name");
    const others = field(netdev, "altNames");
    const asked = Array.isArray(others) ? others.filter((other) => declaration.includes(JSON.stringify(other))) : [];
    if (!ports.has(field(netdev, "device")) && asked.length === 0 && !declaration.includes(JSON.stringify(name))) return [];
    return [
      [name, field(netdev, "device"), field(netdev, "portName"), asked, byMac && [field(netdev, "mac"), field(netdev, "permanentMac")]],
    ];
  });
  return JSON.stringify(pfs, portFields) + JSON.stringify(links);
}

const portFields = [
  ...["address", "vendor", "product", "model", "netdev", "sriov", "total", "count", "offset", "stride", "vfProduct", "vfs", "index"],
];

function field(data: unknown, name: string): unknown {
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>)[name] : undefined;
}

function readSpec(value: unknown, text: string): Spec | { readonly problems: readonly DeclarationProblem[] } {
  const expression = findExpression(value, "");
  if (expression !== null)
    return { problems: [{ path: expression, text: "is a Jinja expression, which ansible-inventory does not resolve: write it out" }] };
  try {
    return loadSpec(text, "vflag");
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return { problems: error.problems.map(({ path, message }) => ({ path, text: message })) };
  }
}

/** The place of the first value that Ansible would take for a template. */
function findExpression(value: unknown, path: string): string | null {
  if (typeof value === "string") return /\{[{%#]/.test(value) ? path : null;
  if (typeof value !== "object" || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const found = findExpression(inner, Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

/** The sources' variable as a spec: VFs as they are, in mode sriov. */
function specOfPhysnets(value: unknown, ports: HostPorts | null): Spec | { readonly problems: readonly DeclarationProblem[] } {
  const names = ports === null ? null : new Set(ports.netdevs.flatMap(({ name, altNames }) => [name, ...altNames]));
  const read = readPhysnets(value, names);
  if ("problem" in read) return { problems: [{ path: "", text: read.problem }] };
  const nics = read.physnets.map(
    ({ device, physnet }): NicSpec => ({
      name: device,
      mode: "sriov",
      ports: [device],
      vfs: 1,
      physnet,
      channels: {},
      eswitch: {},
      vfSettings: {},
      persistence: "systemd",
    }),
  );
  return { version: 1, nics };
}

/** As the sources do, where nothing is known but names. */
function byNames(spec: Spec): HostOutcome {
  const [rules, mappings, notes, problems]: [JsonObject[], string[], string[], DeclarationProblem[]] = [[], [], [], []];
  for (const nic of spec.nics) {
    if (nic.physnet === undefined) {
      notes.push(noPhysnet(nic));
      continue;
    }
    for (const port of nic.ports) {
      if (typeof port !== "string") {
        problems.push({
          path: "",
          text: `NIC ${nic.name}: which ports are meant by ${describeSelector(port)} can only be told from the host's state`,
        });
        continue;
      }
      for (const text of wrongDevice(port)) problems.push({ path: "", text: `NIC ${nic.name}: ${text}` });
      const trusted = nic.vfSettings.trust === true ? { trusted: "true" } : {};
      rules.push(guarded({ devname: port, physical_network: nic.physnet, ...trusted }));
      if (nic.mode === "sriov" && nic.physnet !== null) mappings.push(`${nic.physnet}:${port}`);
    }
  }
  if (rules.length > 0)
    notes.push("rules by name alone offer the port itself too, not its VFs only; with the host's state (--states) they name the VFs' ids");
  return problems.length > 0 ? { problems } : { rules, mappings, nics: spec.nics, notes };
}

/** Exactly the VFs that are meant. */
function byState(spec: Spec, ports: HostPorts, variable: Declaration["variable"]): HostOutcome {
  const generated = pciRules(spec, ports, novaView(spec, ports), true);
  const problems = generated.problems.map((text): DeclarationProblem => ({ path: "", text }));
  const mappings: string[] = [];
  for (const nic of spec.nics) {
    const resolved = resolvePorts(nic, ports);
    if ("problem" in resolved || nic.physnet == null) continue;
    for (const pf of resolved.pfs) {
      for (const text of pf.netdev === null ? [] : wrongDevice(pf.netdev)) problems.push({ path: "", text: `NIC ${nic.name}: ${text}` });
      if (nic.mode !== "sriov") continue;
      if (pf.netdev === null)
        problems.push({ path: "", text: `NIC ${nic.name}: ${pf.address} has no interface, which the SR-IOV agent knows it by` });
      else mappings.push(`${nic.physnet}:${pf.netdev}`);
      if ((pf.sriov?.total ?? 0) === 0) problems.push({ path: "", text: `NIC ${nic.name}: ${pf.netdev ?? pf.address} can have no VFs` });
    }
  }
  if (problems.length > 0) return { problems };
  const notes = variable === "vflag" ? generated.notes : generated.notes.filter((note) => !note.includes("no rule"));
  return { rules: generated.rules.map(({ json }) => json), mappings, nics: spec.nics, notes };
}

function noPhysnet(nic: NicSpec): string {
  return `${nic.name}: no rule, since the spec gives it no physnet (null means overlay networks)`;
}
