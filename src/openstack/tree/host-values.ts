import { describeSelector } from "../../spec/combinations.ts";
import { loadSpec, SpecError } from "../../spec/load.ts";
import type { NicSpec, Spec } from "../../spec/schema.ts";
import { resolvePorts } from "../../spec/selectors.ts";
import { readPhysnets, wrongDevice } from "../neutron/physnet-mappings.ts";
import type { JsonObject } from "../nova/json-value.ts";
import { type HostPorts, novaView } from "../nova/nova-host.ts";
import { guarded, pciRules } from "../nova/pci-rules.ts";
import type { Hardware } from "./hardware-traits.ts";

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
  /** Whether it takes the host's state to go on. */
  readonly needsState?: true;
}

export type HostOutcome = HostValues | { readonly problems: readonly DeclarationProblem[] };

/**
 * Makes the values of hosts. Most hosts of a fleet are alike, so what was made of one declaration and one
 * kind of hardware is kept: equal inputs give the identical object.
 */
export class HostValuesMaker {
  readonly #specs = new Map<string, Spec | { readonly problems: readonly DeclarationProblem[] }>();
  readonly #made = new Map<string, HostOutcome>();

  /**
   * @param hardware the host's ports, from a saved state; `null` where there is none
   * @param placement where it is said that nova-compute reports to Placement, which takes rules by address
   * only
   */
  make(declaration: Declaration, hardware: Hardware | null, placement: string | null = null): HostOutcome {
    const text = JSON.stringify(declaration.value) ?? "null";
    const key = `${declaration.variable}\0${text}\0${hardware?.key(text) ?? ""}\0${placement ?? ""}`;
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = this.#makeNew(declaration, text, hardware, placement);
    this.#made.set(key, made);
    return made;
  }

  #makeNew(
    { variable, value }: Declaration,
    text: string,
    hardware: Hardware | null,
    placement: string | null,
  ): HostOutcome {
    const read = hardware?.read() ?? null;
    if (read !== null && "problem" in read) return { problems: [{ path: "", text: read.problem }] };
    const spec = variable === "vflag" ? this.#spec(value, text) : specOfPhysnets(value, read);
    if ("problems" in spec) return spec;
    return read === null ? byNames(spec, placement) : byState(spec, read, variable, placement);
  }

  #spec(value: unknown, text: string): Spec | { readonly problems: readonly DeclarationProblem[] } {
    const known = this.#specs.get(text);
    if (known !== undefined) return known;
    const spec = readSpec(value, text);
    this.#specs.set(text, spec);
    return spec;
  }
}

function readSpec(value: unknown, text: string): Spec | { readonly problems: readonly DeclarationProblem[] } {
  const expression = findExpression(value, "");
  if (expression !== null)
    return {
      problems: [
        {
          path: expression,
          text: "is a Jinja expression, which ansible-inventory does not resolve: write it out",
        },
      ],
    };
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
    const found = findExpression(
      inner,
      Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`,
    );
    if (found !== null) return found;
  }
  return null;
}

/** The sources' variable as a spec: VFs as they are, in mode sriov. */
function specOfPhysnets(
  value: unknown,
  ports: HostPorts | null,
): Spec | { readonly problems: readonly DeclarationProblem[] } {
  const names =
    ports === null ? null : new Set(ports.netdevs.flatMap(({ name, altNames }) => [name, ...altNames]));
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
function byNames(spec: Spec, placement: string | null): HostOutcome {
  const [rules, mappings, notes, problems]: [JsonObject[], string[], string[], DeclarationProblem[]] = [
    [],
    [],
    [],
    [],
  ];
  for (const nic of spec.nics) {
    if (nic.physnet === undefined) {
      notes.push(noPhysnet(nic));
      continue;
    }
    if (placement !== null) {
      const text =
        `NIC ${nic.name}: [pci] report_in_placement is on (${placement}), and nova-compute ` +
        `takes no rule by name with it: the ports' addresses are needed`;
      problems.push({ path: "", text, needsState: true });
      continue;
    }
    for (const port of nic.ports) {
      if (typeof port !== "string") {
        problems.push({
          path: "",
          text:
            `NIC ${nic.name}: which ports are meant by ${describeSelector(port)} can only be told ` +
            `from the host's state`,
          needsState: true,
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
    notes.push(
      "rules by name alone offer the port itself too, not its VFs only; with the host's state (--states) " +
        "they name the VFs' ids",
    );
  return problems.length > 0 ? { problems } : { rules, mappings, nics: spec.nics, notes };
}

/** Exactly the VFs that are meant. */
function byState(
  spec: Spec,
  ports: HostPorts,
  variable: Declaration["variable"],
  placement: string | null,
): HostOutcome {
  const generated = pciRules(spec, ports, novaView(spec, ports), placement === null);
  const problems = generated.problems.map((text): DeclarationProblem => ({ path: "", text }));
  const mappings: string[] = [];
  for (const nic of spec.nics) {
    const resolved = resolvePorts(nic, ports);
    if ("problem" in resolved || nic.physnet == null) continue;
    for (const pf of resolved.pfs) {
      for (const text of pf.netdev === null ? [] : wrongDevice(pf.netdev))
        problems.push({ path: "", text: `NIC ${nic.name}: ${text}` });
      if (nic.mode !== "sriov") continue;
      if (pf.netdev === null)
        problems.push({
          path: "",
          text: `NIC ${nic.name}: ${pf.address} has no interface, which the SR-IOV agent knows it by`,
        });
      else mappings.push(`${nic.physnet}:${pf.netdev}`);
      if ((pf.sriov?.total ?? 0) === 0)
        problems.push({ path: "", text: `NIC ${nic.name}: ${pf.netdev ?? pf.address} can have no VFs` });
    }
  }
  if (problems.length > 0) return { problems };
  const notes =
    variable === "vflag" ? generated.notes : generated.notes.filter((note) => !note.includes("no rule"));
  return { rules: generated.rules.map(({ json }) => json), mappings, nics: spec.nics, notes };
}

function noPhysnet(nic: NicSpec): string {
  return `${nic.name}: no rule, since the spec gives it no physnet (null means overlay networks)`;
}
