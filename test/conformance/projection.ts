import { isUnknown, known } from "../../src/host/state/observed.ts";
import type { HostState, Netdev, PhysicalFunction } from "../../src/host/state/state.ts";
import { portsOf } from "./testbed.ts";

/**
 * What two hosts have in common that were treated alike, by what it is about. Left out is what hangs on the
 * machine: names, addresses, indexes, the channels that a driver takes for so many cores, and the links of
 * cables.
 */
export function projectionOf(state: HostState): Map<string, string> {
  const found = new Map<string, string>();
  for (const [index, pf] of portsOf(state).entries()) portFacts(found, `port ${index}`, pf, state);
  for (const bond of state.bonds) found.set(`bond ${bond.name}`, `${bond.mode} of ${bond.slaves.length}`);
  return found;
}

function portFacts(found: Map<string, string>, about: string, pf: PhysicalFunction, state: HostState): void {
  const eswitch = known(pf.eswitch) ?? null;
  const lag = known(pf.lag) ?? null;
  const netdev = state.netdevs.find(({ name }) => name === pf.netdev);
  found.set(
    `${about} VFs`,
    `${pf.sriov?.count ?? "none"}, ${pf.vfs.length} there, autoprobe ${pf.sriov?.autoprobe ?? "none"}`,
  );
  found.set(`${about} bond`, netdev?.master ?? "none");
  if (eswitch !== null) {
    const { mode, inline, encap, steering } = eswitch;
    found.set(
      `${about} eswitch`,
      `${mode}, inline ${inline}, encap ${encap}, steering ${isUnknown(steering) ? "unknown" : steering}`,
    );
  }
  if (lag !== null)
    found.set(
      `${about} LAG`,
      `${lag.state}, type ${lag.type}, shared FDB ${lag.sharedFdb}, by ${lag.portSelection}`,
    );
  if (netdev !== undefined) found.set(`${about} tc offload`, offload(netdev));
  // In legacy mode they go by the cores.
  if (netdev !== undefined && eswitch?.mode === "switchdev")
    found.set(`${about} channels`, `${known(netdev.channels)?.combined ?? "none"}`);
  for (const vf of pf.vfs) {
    const settings = known(vf.settings);
    const bound = state.netdevs.some(({ device }) => device === vf.address);
    const said =
      settings === undefined
        ? "unknown"
        : `trust ${settings.trust}, spoof ${settings.spoofCheck}, link ${settings.linkState}`;
    const mac = settings === undefined || !settings.mac.startsWith("02:5d:") ? "its own" : settings.mac;
    found.set(`${about} VF ${vf.index}`, `driver ${vf.driver}, netdev ${bound}, MAC ${mac}, ${said}`);
  }
  for (const { vf, netdev: name } of state.representors.filter(
    (representor) => representor.pf === pf.address,
  )) {
    const own = state.netdevs.find((candidate) => candidate.name === name);
    found.set(
      `${about} representor ${vf}`,
      own === undefined ? "no netdev" : `${offload(own)}, channels ${known(own.channels)?.combined}`,
    );
  }
}

function offload({ tcOffload }: Netdev): string {
  const feature = known(tcOffload);
  return feature === undefined ? "unknown" : `${feature.on ? "on" : "off"}${feature.fixed ? " [fixed]" : ""}`;
}
