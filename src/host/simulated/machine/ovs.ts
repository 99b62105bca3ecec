import type { IngressQdisc, Ovs, OvsInterface } from "../../ovs/ovs.ts";
import { known } from "../../state/observed.ts";
import type { HostState } from "../../state/state.ts";
import { has, Refusal, type World } from "../world.ts";

/**
 * Open vSwitch by its own rules. hw-offload is taken up at once, and off only at a start; tc-policy is read
 * when hw-offload is taken up: openvswitch lib/netdev-offload.c, netdev_set_flow_api_enabled(). With it every
 * port gets a qdisc for arriving packets, a bond one with a block of its ifindex (lib/netdev-linux.c,
 * netdev_linux_get_block_id()); a bond's slaves join that block when the kernel tells of a change in them
 * (netdev_linux_update_lag()), so not by a setting alone.
 */

/**
 * A host's Open vSwitch after its installation and Neutron's: br-int, and br-ex with the bond that networking
 * makes.
 */
export function buildOvs(bond: string | undefined): Ovs {
  const internal = (name: string): OvsInterface => ({
    name,
    port: name,
    type: "internal",
    ofport: 65534,
    error: null,
    ifaceId: null,
  });
  const port = (name: string): OvsInterface => ({
    name,
    port: name,
    type: "",
    ofport: 1,
    error: null,
    ifaceId: null,
  });
  const external =
    bond === undefined
      ? []
      : [{ name: "br-ex", datapathType: "system", interfaces: [internal("br-ex"), port(bond)] }];
  return {
    source: { kind: "native", unit: "openvswitch-switch.service" },
    version: "3.1.0",
    running: true,
    hwOffload: true,
    offloadInEffect: true,
    tcPolicy: null,
    dpdk: false,
    doca: false,
    bridges: [{ name: "br-int", datapathType: "system", interfaces: [internal("br-int")] }, ...external],
  };
}

export function setOvs(world: World, key: "hw-offload" | "tc-policy", value: string): void {
  const ovs = ovsOf(world);
  if (key === "tc-policy") {
    ovs.tcPolicy = value;
    return;
  }
  ovs.hwOffload = value === "true";
  if (!ovs.hwOffload || ovs.offloadInEffect === true || has(world, "ovs-reads-at-start")) return;
  ovs.offloadInEffect = true;
  hangQdiscs(world, []);
}

/** What a start of ovs-vswitchd does; it ends what ran before. */
export function startOvs(world: World): void {
  const ovs = known(world.state.ovs);
  if (ovs == null) return;
  ovs.running = true;
  const log = known(world.state.ovsLog);
  if (log != null) world.state.ovsLog = { ...log, sinceStart: true, lines: [] };
  ovs.offloadInEffect = ovs.hwOffload;
  if (ovs.hwOffload) hangQdiscs(world, slavesOf(world));
  else world.state.ingressQdiscs = [];
}

/**
 * ovs-vswitchd writes a line into its log, in the words of openvswitch lib/dpif-netlink.c and
 * vswitchd/bridge.c.
 */
export function logOvs(world: World, level: "ERR" | "WARN", module: string, text: string): void {
  const log = known(world.state.ovsLog);
  if (log != null) log.lines.push({ time: world.state.observedAt, level, module, text, times: 1 });
}

export function restartOvs(world: World): void {
  ovsOf(world);
  startOvs(world);
}

/**
 * A port is a set of interfaces: it goes with all of them. One that is not there is gone already
 * (--if-exists).
 */
export function deletePort(world: World, bridgeName: string, port: string): void {
  const bridge = ovsOf(world).bridges.find(({ name }) => name === bridgeName);
  if (bridge === undefined) throw new Refusal("ENOENT", `no bridge named ${bridgeName}`);
  const gone = bridge.interfaces.filter((candidate) => candidate.port === port);
  bridge.interfaces = bridge.interfaces.filter((candidate) => candidate.port !== port);
  if (gone.some(({ name }) => world.state.netdevs.some((netdev) => netdev.name === name)))
    world.hidden.harm.push(`port ${port} taken out of ${bridgeName} while its netdev is there`);
}

/** A bond was made or a slave has joined: Open vSwitch hears of it, and its rules hang there too. */
export function ovsHearsOfBonds(world: World): void {
  if (known(world.state.ovs)?.offloadInEffect === true) hangQdiscs(world, slavesOf(world));
}

/** What Open vSwitch shows of ports whose netdevs are gone; with the netdev goes what hangs on it. */
export function followNetdevs(state: HostState): void {
  const names = new Set(state.netdevs.map(({ name }) => name));
  const qdiscs = known(state.ingressQdiscs);
  if (qdiscs !== undefined) state.ingressQdiscs = qdiscs.filter(({ netdev }) => names.has(netdev));
  for (const port of known(state.ovs)?.bridges.flatMap(({ interfaces }) => interfaces) ?? []) {
    if (port.type !== "" || names.has(port.name) || port.error !== null) continue;
    port.error = `could not open network device ${port.name} (No such device)`;
    port.ofport = -1;
  }
}

/** @param slaves bonds' slaves that share their bond's block from now on; others keep what they have */
function hangQdiscs(
  world: World,
  slaves: readonly { readonly bond: string; readonly netdev: string }[],
): void {
  const ports = known(world.state.ovs)?.bridges.flatMap(({ datapathType, interfaces }) =>
    datapathType === "system" ? interfaces : [],
  );
  const forgotten = has(world, "ovs-forgets-bond");
  const blockOf = (name: string) => {
    const bonded = world.state.bonds.some((bond) => bond.name === name);
    return bonded && !forgotten
      ? (world.state.netdevs.find((netdev) => netdev.name === name)?.index ?? null)
      : null;
  };
  const found = new Map((known(world.state.ingressQdiscs) ?? []).map((qdisc) => [qdisc.netdev, qdisc]));
  const hang = (netdev: string, kind: IngressQdisc["kind"], block: number | null) => {
    if (world.state.netdevs.some(({ name }) => name === netdev)) found.set(netdev, { netdev, kind, block });
  };
  for (const { name, type } of ports ?? []) {
    if (type === "internal") hang(name, "clsact", null);
    if (type === "") hang(name, "ingress", blockOf(name));
  }
  for (const { bond, netdev } of slaves)
    if (ports?.some(({ name }) => name === bond)) hang(netdev, "ingress", blockOf(bond));
  world.state.ingressQdiscs = [...found.values()];
}

function slavesOf(world: World): { bond: string; netdev: string }[] {
  return world.state.bonds.flatMap(({ name, slaves }) =>
    slaves.map(({ netdev }) => ({ bond: name, netdev })),
  );
}

function ovsOf(world: World): Ovs {
  const ovs = known(world.state.ovs);
  if (ovs == null) throw new Refusal("ENOENT", "Open vSwitch is not on this host");
  return ovs;
}
