import { describeHolders } from "../host/in-use.ts";
import { isUnknown, known } from "../host/state/observed.ts";
import type { Bond, HostState, PhysicalFunction, VirtualFunction } from "../host/state/state.ts";
import { hostName } from "../requirements/evaluate.ts";
import type { NicSpec, Spec } from "../spec/schema.ts";
import { netdevOf, resolvePorts } from "../spec/selectors.ts";
import { type Add, type Fact, type Facts, observed, onOff } from "./fact.ts";
import { flowFacts, ovsFacts, ovsPortFacts } from "./ovs-facts.ts";

/**
 * The PCI functions that a NIC's ports have in any of these states: a port that has vanished is still the
 * NIC's.
 */
export function portsOf(nic: NicSpec, states: readonly HostState[]): string[] {
  const found = states.map((state) => resolvePorts(nic, state));
  return [
    ...new Set(
      found.flatMap((resolved) => ("pfs" in resolved ? resolved.pfs.map(({ address }) => address) : [])),
    ),
  ].sort();
}

/**
 * All facts of the declared NICs and of Open vSwitch.
 * @param ports by NIC: its ports' addresses, see portsOf
 */
export function factsOf(spec: Spec, state: HostState, ports: ReadonlyMap<string, readonly string[]>): Facts {
  const facts = new Map<string, Fact>();
  for (const nic of spec.nics) {
    const add: Add = (key, kind, subject, value, under) => {
      facts.set(`${nic.name}/${key}`, {
        kind,
        nic: nic.name,
        subject,
        value,
        ...(under !== undefined && { under: `${nic.name}/${under}` }),
      });
    };
    const pfs = (ports.get(nic.name) ?? []).flatMap(
      (address) => state.pfs.find((pf) => pf.address === address) ?? [],
    );
    for (const pf of pfs) portFacts(add, pf, state);
    const bond = state.bonds.find(({ name }) => name === nic.bond);
    if (bond !== undefined) bondFacts(add, bond, pfs);
    if (nic.mode === "vf-lag") lagFacts(add, pfs);
    ovsPortFacts(add, nic, pfs, state);
    flowFacts(add, nic, pfs, state);
  }
  ovsFacts((key, kind, subject, value) => facts.set(key, { kind, nic: hostName, subject, value }), state);
  return facts;
}

function portFacts(add: Add, pf: PhysicalFunction, state: HostState): void {
  const name = pf.netdev ?? pf.address;
  const there = pf.address;
  const netdev = netdevOf(pf, state);
  const of = (key: string) => `${pf.address}/${key}`;
  add(there, "port", name, "there");
  add(of("driver"), "driver", name, pf.driver, there);
  add(of("netdev"), "netdev", pf.address, pf.netdev, there);
  if (netdev !== undefined) {
    add(
      of("link"),
      "link",
      name,
      !netdev.up ? "switched off" : netdev.carrier ? "up" : "no link",
      of("netdev"),
    );
    netdevSettings(add, of(""), name, netdev, of("netdev"));
  }
  add(
    of("eswitch"),
    "eswitch",
    name,
    observed(pf.eswitch, ({ mode }) => mode),
    there,
  );
  const eswitch = known(pf.eswitch);
  if (eswitch != null) {
    add(of("inline"), "setting", `inline mode of ${name}`, eswitch.inline, there);
    add(of("encap"), "setting", `encapsulation of ${name}`, onOff(eswitch.encap), there);
    add(of("steering"), "setting", `steering of ${name}`, eswitch.steering, there);
  }
  add(of("vfs"), "vf-count", name, pf.sriov === null ? null : `${pf.sriov.count}`, there);
  add(of("autoprobe"), "setting", `autoprobe of ${name}`, onOff(pf.sriov?.autoprobe ?? null), there);
  for (const vf of pf.vfs) vfFacts(add, pf, vf);
  for (const representor of state.representors.filter((candidate) => candidate.pf === pf.address)) {
    const key = of(`representor/${representor.vf}`);
    const subject = `representor of VF ${representor.vf} of ${name}`;
    const found = state.netdevs.find((candidate) => candidate.name === representor.netdev);
    add(key, "representor", subject, representor.netdev, there);
    if (found === undefined) continue;
    add(
      `${key}/link`,
      "representor-link",
      representor.netdev,
      found.up ? "switched on" : "switched off",
      key,
    );
    netdevSettings(add, `${key}/`, representor.netdev, found, key);
  }
}

function netdevSettings(
  add: Add,
  key: string,
  name: string,
  netdev: HostState["netdevs"][number],
  under: string,
): void {
  add(
    `${key}tc`,
    "setting",
    `hw-tc-offload of ${name}`,
    observed(netdev.tcOffload, ({ on }) => (on ? "on" : "off")),
    under,
  );
  add(
    `${key}channels`,
    "setting",
    `channels of ${name}`,
    observed(netdev.channels, ({ combined }) => `${combined}`),
    under,
  );
}

function vfFacts(add: Add, pf: PhysicalFunction, vf: VirtualFunction): void {
  const key = `${pf.address}/vf/${vf.index}`;
  const subject = `VF ${vf.index} of ${pf.netdev ?? pf.address}`;
  add(key, "vf", subject, vf.address, pf.address);
  add(`${key}/driver`, "vf-driver", subject, vf.driver, key);
  add(
    `${key}/holder`,
    "vf-holder",
    subject,
    isUnknown(vf.holders) ? vf.holders : describeHolders(vf.holders),
    key,
  );
  const settings = known(vf.settings);
  if (settings === undefined) return;
  const { mac, trust, spoofCheck, linkState } = settings;
  add(`${key}/mac`, "vf-setting", `MAC of ${subject}`, mac, key);
  add(`${key}/trust`, "vf-setting", `trust of ${subject}`, onOff(trust), key);
  add(`${key}/spoof`, "vf-setting", `spoof check of ${subject}`, onOff(spoofCheck), key);
  add(`${key}/state`, "vf-setting", `link state of ${subject}`, linkState, key);
}

function bondFacts(add: Add, bond: Bond, pfs: readonly PhysicalFunction[]): void {
  add("bond", "bond", bond.name, "there");
  add("bond/mode", "bond-mode", bond.name, bond.mode, "bond");
  add("bond/up", "bond-link", bond.name, bond.up ? "switched on" : "switched off", "bond");
  add("bond/lacp", "lacp", bond.name, lacpOf(bond), "bond");
  for (const { netdev, up } of bond.slaves) {
    // A port that was renamed did not leave the bond.
    const key = `bond/slave/${pfs.find((pf) => pf.netdev === netdev)?.address ?? netdev}`;
    add(key, "slave", netdev, bond.name, "bond");
    add(`${key}/up`, "slave-link", `${netdev} in ${bond.name}`, up ? "up" : "down", key);
  }
}

function lacpOf({ lacp }: Bond): string | null {
  if (lacp === null) return null;
  const partner = lacp.partner === "00:00:00:00:00:00" ? "no partner" : `partner ${lacp.partner}`;
  return `${lacp.ports} ${lacp.ports === 1 ? "port" : "ports"}, ${partner}`;
}

/** Both ports show the one LAG of their card; the first that can be read speaks for it. */
function lagFacts(add: Add, pfs: readonly PhysicalFunction[]): void {
  const pf = pfs.find(({ lag }) => !isUnknown(lag)) ?? pfs[0];
  if (pf === undefined) return;
  const lag = known(pf.lag);
  add(
    "lag",
    "lag",
    "LAG",
    observed(pf.lag, ({ state, type }) => (type === null ? state : `${state}, type ${type}`)),
  );
  if (lag?.state === "active")
    add("lag/mapping", "lag-mapping", "LAG", lag.mapping.length === 0 ? null : lag.mapping.join(" "), "lag");
}
