import type { FoundNic, Report } from "../check-finding.ts";
import { entriesOf, type Ini, listValue, optionValue, plainValue, readIni } from "../files/ini.ts";
import type { ConfRequest } from "../nova/nova-conf.ts";
import { ml2Conf } from "./ml2-conf.ts";

/** Whether ml2_conf.ini has the drivers that bind the VFs' ports, and knows their networks. */
export function checkMl2(ini: Ini, request: ConfRequest, nics: readonly FoundNic[], report: Report): void {
  const line = entriesOf(ini, "ml2", "mechanism_drivers").at(-1)?.line ?? null;
  const { text, notes, conflicts } = ml2Conf(ini.text, request);
  for (const { why } of conflicts) report("unknown", line, why);
  if (text !== ini.text) {
    const wanted = optionValue(
      readIni(text, request.deployment === "kolla" ? "template" : "plain"),
      "ml2",
      "mechanism_drivers",
    );
    report("wrong", line, `mechanism_drivers lacks what binds the VFs' ports: it has to be ${wanted}`);
  }
  for (const note of notes) {
    if (note.includes("is none of Neutron's drivers")) report("doubtful", line, note);
    else if (note.includes("does not start with it")) report("wrong", line, note);
  }
  const networks = [
    ...ranges(ini, "ml2_type_vlan", "network_vlan_ranges"),
    ...ranges(ini, "ml2_type_flat", "flat_networks"),
  ];
  if (networks.includes("*") || networks.includes(null)) return;
  for (const physnet of new Set(nics.flatMap(({ nic }) => nic.physnet ?? []))) {
    if (!networks.includes(physnet))
      report(
        "doubtful",
        null,
        `neither network_vlan_ranges nor flat_networks of this file has ${physnet}: Neutron does not know ` +
          `the network`,
      );
  }
}

/** The networks of an option; `null` for what is not known here. */
function ranges(ini: Ini, section: string, key: string): (string | null)[] {
  const entry = entriesOf(ini, section, key).at(-1);
  if (entry === undefined) return [];
  const value = entry.templated ? null : plainValue(entry.value);
  return value === null ? [null] : listValue(value).map((range) => range.split(":", 1)[0]?.trim() ?? "");
}
