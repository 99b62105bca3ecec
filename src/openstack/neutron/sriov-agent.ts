import type { HostState } from "../../host/state/state.ts";
import type { NicSpec } from "../../spec/schema.ts";
import { resolvePorts } from "../../spec/selectors.ts";
import {
  entriesOf,
  escapeValue,
  type Ini,
  listValue,
  optionValue,
  plainValue,
  readIni,
} from "../files/ini.ts";
import { editIni, type IniEdit, IniRefusal } from "../files/ini-edit.ts";
import { type ConfRequest, refusedFile } from "../nova/nova-conf.ts";
import { type Conflict, type Outcome, outcome } from "../outcome.ts";

const section = "sriov_nic";

/** A device of the agent, and the network that it is on. */
export interface Mapping {
  readonly physnet: string;
  readonly device: string;
}

/**
 * sriov_agent.ini with the ports of the spec's NICs in mode sriov. Where the eSwitch switches (switchdev,
 * vf-lag), Open vSwitch binds the ports of guests and this agent has nothing to do: a mapping of such a port
 * is a conflict. Source: neutron 21.0.0, neutron/plugins/ml2/drivers/mech_sriov/agent/sriov_nic_agent.py and
 * neutron_lib/utils/helpers.py.
 */
export function sriovAgentConf(text: string, { spec, state, deployment }: ConfRequest): Outcome {
  const form = deployment === "kolla" ? "template" : "plain";
  const ini = readIni(text, form);
  const problem = ini.problems[0];
  if (problem !== undefined) return refusedFile(text, problem.line, problem.message);
  const conflicts: Conflict[] = [];
  const notes: string[] = [];
  const [entry] = entriesOf(ini, section, "physical_device_mappings").slice(-1);
  const conflict = (why: string, wanted: string) =>
    conflicts.push({ line: entry?.line ?? null, there: entry?.value ?? "", wanted, why });
  const present = readMappings(ini, (why) => conflict(why, "physnet:device pairs"));

  const added: Mapping[] = [];
  for (const nic of spec.nics) {
    if (nic.mode !== "sriov") {
      notes.push(switchdevReason(nic));
      for (const { device } of present.filter((one) => portsOf(nic, state).devices.includes(one.device))) {
        conflict(
          `${device} is of NIC ${nic.name} in mode ${nic.mode}, whose VFs this agent cannot set: take it out`,
          `no mapping of ${device}`,
        );
      }
    } else if (nic.physnet == null) {
      notes.push(`${nic.name}: no mapping, since the spec gives it no physnet`);
    } else {
      const { devices, problem: missing } = portsOf(nic, state);
      if (missing !== null) conflict(missing, `the ports of NIC ${nic.name}`);
      for (const device of devices) {
        const others = present.filter((one) => one.device === device && one.physnet !== nic.physnet);
        if (/[,"'\s]/.test(device))
          conflict(`the name ${device} cannot stand in a list of oslo.config`, `${nic.physnet}:${device}`);
        else if (others[0] !== undefined)
          conflict(
            `${device} is on ${others[0].physnet} here, and on ${nic.physnet} in the spec`,
            `${nic.physnet}:${device}`,
          );
        else if (!present.some((one) => one.device === device)) added.push({ physnet: nic.physnet, device });
      }
    }
  }
  checkExcluded(ini, [...present, ...added], conflicts);
  const value = [...present, ...added].map(({ physnet, device }) => `${physnet}:${device}`).join(",");
  const comment = `the ports of NICs in mode sriov (${spec.nics
    .filter(({ mode }) => mode === "sriov")
    .map(({ name }) => name)
    .join(", ")})`;
  const edits: IniEdit[] =
    added.length === 0
      ? []
      : [{ kind: "set", section, key: "physical_device_mappings", value: escapeValue(value), comment }];
  if (added.length > 0 && optionValue(ini, section, "exclude_devices") === undefined) {
    edits.push({
      kind: "append",
      section,
      key: "exclude_devices",
      value: "",
      comment: "no VF is kept from guests",
    });
  }
  try {
    return outcome(text, () => editIni(text, edits, form), notes, conflicts);
  } catch (error) {
    if (!(error instanceof IniRefusal)) throw error;
    return {
      text,
      notes,
      conflicts: [
        { line: entry?.line ?? null, there: entry?.value ?? "", wanted: value, why: error.message },
      ],
    };
  }
}

/** Why a NIC whose eSwitch switches is not the SR-IOV agent's. */
export function switchdevReason(nic: NicSpec): string {
  return (
    `${nic.name}: in mode ${nic.mode} the openvswitch driver binds ports (vnic-type direct, ` +
    `capabilities switchdev), which sriovnicswitch refuses; its agent gets no mapping`
  );
}

/** The mappings as the agent reads them, which exits at one that is none. */
export function readMappings(ini: Ini, problem: (why: string) => void): Mapping[] {
  const value = optionValue(ini, section, "physical_device_mappings");
  const templated = entriesOf(ini, section, "physical_device_mappings").some((entry) => entry.templated);
  if (value === undefined) return [];
  const plain = plainValue(value);
  if (templated || plain === null) {
    problem(
      `${templated ? "a Jinja expression" : "another option's value ($)"} makes the mappings, so they are ` +
        `not known here`,
    );
    return [];
  }
  return listValue(plain).flatMap((pair) => {
    const [physnet = "", device = "", ...more] = pair.split(":").map((part) => part.trim());
    if (pair === "") return [];
    if (physnet !== "" && device !== "" && more.length === 0) return [{ physnet, device }];
    problem(`"${pair}" is no physnet:device pair: the agent does not start with it`);
    return [];
  });
}

/** `exclude_devices` stays; the agent exits where it names a device without a mapping, or one twice. */
function checkExcluded(ini: Ini, mappings: readonly Mapping[], conflicts: Conflict[]): void {
  const [entry] = entriesOf(ini, section, "exclude_devices").slice(-1);
  if (entry === undefined || entry.templated) return;
  const seen = new Set<string>();
  for (const pair of listValue(plainValue(entry.value) ?? "")) {
    const device = pair.split(":", 1)[0]?.trim() ?? "";
    const why =
      device === "" || !pair.includes(":")
        ? `"${pair}" is no device:address;address entry`
        : seen.has(device)
          ? `${device} stands twice`
          : mappings.some((one) => one.device === device)
            ? null
            : `${device} has no mapping`;
    if (why !== null)
      conflicts.push({
        line: entry.line,
        there: entry.value,
        wanted: "excluded VFs of mapped devices",
        why: `${why}: the agent does not start with it`,
      });
    seen.add(device);
  }
}

function portsOf(nic: NicSpec, state: HostState): { devices: string[]; problem: string | null } {
  const resolved = resolvePorts(nic, state);
  if ("problem" in resolved) return { devices: [], problem: `${nic.name}: ${resolved.problem}` };
  const nameless = resolved.pfs.find((pf) => pf.netdev === null);
  const problem =
    nameless === undefined
      ? null
      : `${nic.name}: ${nameless.address} has no interface, which the agent knows it by`;
  return { devices: resolved.pfs.flatMap((pf) => pf.netdev ?? []), problem };
}

/** Whether the spec has a NIC whose VFs the agent sets. */
export function needsAgent(spec: { readonly nics: readonly NicSpec[] }): boolean {
  return spec.nics.some(({ mode, physnet }) => mode === "sriov" && physnet != null);
}
