import type { NicSpec } from "../../spec/schema.ts";
import { entriesOf, listValue, optionValue, readIni } from "../files/ini.ts";
import { editIni, type IniEdit, IniRefusal } from "../files/ini-edit.ts";
import { type ConfRequest, refusedFile } from "../nova/nova-conf.ts";
import { type Outcome, outcome } from "../outcome.ts";
import { releaseHas } from "../release-facts.ts";
import type { Release } from "../releases.ts";
import { needsAgent, switchdevReason } from "./sriov-agent.ts";

/** What the drivers depend on: the modes of the NICs. */
interface Ml2Request extends Pick<ConfRequest, "release" | "deployment"> {
  readonly spec: { readonly nics: readonly NicSpec[] };
}

/**
 * ml2_conf.ini of neutron-server with the drivers that bind the VFs' ports, in addition to those that are
 * there: sriovnicswitch for mode sriov, openvswitch (or ovn, where that is in use) for switchdev and vf-lag.
 * Both stand beside each other: each refuses the other's ports. Source: neutron 21.0.0,
 * neutron/plugins/ml2/drivers/mech_sriov/mech_driver/mech_driver.py, and
 * neutron/plugins/ml2/drivers/openvswitch/mech_driver/mech_openvswitch.py.
 */
export function ml2Conf(text: string, { spec, release, deployment }: Ml2Request): Outcome {
  const form = deployment === "kolla" ? "template" : "plain";
  const ini = readIni(text, form);
  const problem = ini.problems[0];
  if (problem !== undefined) return refusedFile(text, problem.line, problem.message);
  const value = optionValue(ini, "ml2", "mechanism_drivers");
  const there = listValue(value ?? "");
  const offloaded = spec.nics.filter(({ mode, physnet }) => mode !== "sriov" && physnet !== undefined);
  const notes = [
    ...offloaded.map(switchdevReason),
    ...there.flatMap((driver) => noteOnDriver(driver, release)),
  ];
  const wanted: string[] = [];
  const kollas =
    value === undefined && deployment === "kolla" && (releaseHas(release, "kollaSriov") || !needsAgent(spec));
  if (kollas) {
    // A value here would take the place of Kolla's own, which has openvswitch or ovn, and from Victoria on
    // sriovnicswitch.
    const how =
      "set enable_neutron_sriov: true (kolla_enable_neutron_sriov in Kayobe's kolla.yml), and it adds " +
      "sriovnicswitch";
    notes.push(`mechanism_drivers is Kolla-Ansible's own, and stays so${needsAgent(spec) ? `: ${how}` : ""}`);
  } else {
    // What the sources write, and Kolla by itself: openvswitch, and l2population for tunnels.
    if (value === undefined && (offloaded.length > 0 || needsAgent(spec)))
      wanted.push("openvswitch", "l2population");
    if (offloaded.length > 0 && !there.includes("ovn")) wanted.push("openvswitch");
    if (needsAgent(spec)) wanted.push("sriovnicswitch");
  }
  const missing = [...new Set(wanted)].filter((driver) => !there.includes(driver));
  if (missing.length > 0 && value === undefined) {
    notes.push(
      "mechanism_drivers is not in this file: if another one sets it, add the driver there instead, since " +
        "the last one counts",
    );
  }
  const edits: IniEdit[] =
    missing.length === 0
      ? []
      : [
          {
            kind: "set",
            section: "ml2",
            key: "mechanism_drivers",
            value: [...there, ...missing].join(","),
            comment: reason(needsAgent(spec), offloaded.length > 0),
          },
        ];
  try {
    return outcome(text, () => editIni(text, edits, form), notes, []);
  } catch (error) {
    if (!(error instanceof IniRefusal)) throw error;
    const [entry] = entriesOf(ini, "ml2", "mechanism_drivers").slice(-1);
    return {
      text,
      notes,
      conflicts: [
        { line: entry?.line ?? null, there: value ?? "", wanted: missing.join(","), why: error.message },
      ],
    };
  }
}

function reason(sriov: boolean, offloaded: boolean): string {
  const parts = [
    ...(sriov ? ["sriovnicswitch binds the VFs of NICs in mode sriov"] : []),
    ...(offloaded
      ? ["openvswitch (or ovn), not sriovnicswitch, binds those of NICs in mode switchdev and vf-lag"]
      : []),
  ];
  return parts.join("; ");
}

/**
 * Neutron's own drivers of some release. Source: neutron's setup.cfg (from 2025.2 pyproject.toml),
 * neutron.ml2.mechanism_drivers; those for its own tests are left out.
 */
const own = new Set([
  "openvswitch",
  "ovn",
  "ovn-sync",
  "linuxbridge",
  "macvtap",
  "sriovnicswitch",
  "l2population",
  "logger",
]);

/** neutron-server exits at a name that it has no driver for, and others than Neutron bring drivers too. */
function noteOnDriver(driver: string, release: Release): string[] {
  if (driver === "linuxbridge" && releaseHas(release, "neutronWithoutLinuxBridge"))
    return [`${driver} is not there any more from 2025.1 on: neutron-server does not start with it`];
  if (/^ovn(-sync)?$/.test(driver) && !releaseHas(release, "neutronOvn"))
    return [
      `${driver} is not there before Ussuri: neutron-server does not start with it, unless networking-ovn ` +
        `is installed`,
    ];
  if (own.has(driver) || driver === "" || /[{}$]/.test(driver)) return [];
  return [
    `${driver} is none of Neutron's drivers: without the package that brings it, neutron-server does ` +
      `not start`,
  ];
}
