import type { PhysicalFunction } from "../../host/state/state.ts";
import type { FoundNic, Report } from "../check-finding.ts";
import { entriesOf, type Ini, listValue, plainValue } from "../files/ini.ts";
import type { ConfRequest } from "../nova/nova-conf.ts";
import { readMappings } from "./sriov-agent.ts";

/** Holds the SR-IOV agent's mappings and exclusions against the ports in mode sriov. */
export function checkAgent(
  ini: Ini,
  { state }: ConfRequest,
  nics: readonly FoundNic[],
  report: Report,
): void {
  const line = entriesOf(ini, "sriov_nic", "physical_device_mappings").at(-1)?.line ?? null;
  let judged = true;
  const mappings = readMappings(ini, (why) => {
    judged = false;
    report(why.includes("not known here") ? "unknown" : "wrong", line, why);
  });
  for (const { physnet, device } of mappings) {
    const pf = state.pfs.find(({ netdev }) => netdev === device);
    const owner = nics.find(({ pfs }) => pf !== undefined && pfs.includes(pf));
    if (!state.netdevs.some(({ name }) => name === device))
      report("wrong", line, `${device} is mapped to ${physnet}, and there is no such interface`);
    else if (pf === undefined || (pf.sriov?.total ?? 0) === 0)
      report("wrong", line, `${device} is mapped to ${physnet}, and it can have no VFs`);
    else if (owner === undefined)
      report("doubtful", line, `${device} is mapped to ${physnet}, and the spec does not declare it`);
    else if (owner.nic.mode !== "sriov")
      report(
        "wrong",
        line,
        `${device} is mapped, and its NIC ${owner.nic.name} is in mode ${owner.nic.mode}: the agent ` +
          `cannot set its VFs`,
      );
    else if (owner.nic.physnet !== physnet)
      report(
        "wrong",
        line,
        `${device} is mapped to ${physnet}, and the spec says ${JSON.stringify(owner.nic.physnet ?? null)}`,
      );
    else if (pf.vfs.length === 0)
      report("doubtful", line, `${device} is mapped to ${physnet}, and it has no VFs yet`);
  }
  if (!judged) return;
  for (const { nic, pfs } of nics) {
    if (nic.mode !== "sriov" || nic.physnet == null) continue;
    const missing = pfs.filter((pf) => !mappings.some(({ device }) => device === pf.netdev));
    for (const pf of missing)
      report(
        "wrong",
        line,
        `${pf.netdev ?? pf.address} of NIC ${nic.name} has no mapping: Neutron binds none of its VFs`,
      );
  }
  checkExcluded(
    ini,
    state.pfs,
    mappings.map(({ device }) => device),
    report,
  );
}

/** The agent checks the devices of exclude_devices, and not the addresses. */
function checkExcluded(
  ini: Ini,
  pfs: readonly PhysicalFunction[],
  mapped: readonly string[],
  report: Report,
): void {
  const entry = entriesOf(ini, "sriov_nic", "exclude_devices").at(-1);
  if (entry === undefined) return;
  const value = entry.templated ? null : plainValue(entry.value);
  if (value === null) return report("unknown", entry.line, "exclude_devices is made by an expression");
  for (const pair of listValue(value)) {
    const at = pair.indexOf(":");
    const device = pair.slice(0, Math.max(at, 0)).trim();
    if (at < 0 || !mapped.includes(device))
      report(
        "wrong",
        entry.line,
        `exclude_devices: "${pair}" names no mapped device, and the agent does not start`,
      );
    const vfs = pfs.find(({ netdev }) => netdev === device)?.vfs ?? [];
    const addresses = pair
      .slice(at + 1)
      .split(";")
      .map((address) => address.trim())
      .filter((address) => address !== "");
    for (const address of addresses.filter((one) => !vfs.some((vf) => vf.address === one))) {
      report(
        "wrong",
        entry.line,
        `exclude_devices: ${address} is no VF of ${device}, so nothing is excluded by it`,
      );
    }
  }
}
