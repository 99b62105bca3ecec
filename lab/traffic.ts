import { mustDo, type Report, say } from "./operate.ts";
import { doOutside } from "./outside.ts";
import type { Guest } from "./running.ts";
import { bond, machines, type Path, type Wiring } from "./wiring.ts";

/**
 * Packets over VF-LAG: Open vSwitch with representors in a bridge, two guests of the hypervisor (namespaces)
 * with a VF of either port, and the proof that their flows are in hardware.
 */

/** What an operator and Neutron do once: Open vSwitch keeps it in its database. */
export async function makeBridge(guest: Guest, { bridge }: Wiring): Promise<void> {
  await mustDo(guest, `ovs-vsctl ${bridge.join(" -- ")}`);
}

/** What Nova does when it starts guests: representors up, VFs to the guests. */
export async function startMachines(guest: Guest, { addresses }: Wiring): Promise<void> {
  // Until udev is done with the VFs their names still change. The MTU leaves room for a tunnel's headers.
  const lines = machines.flatMap(({ name, vf, representor }, number) => [
    `ip link set ${representor} up && ip netns add ${name}`,
    `vf=$(ls /sys/bus/pci/devices/${vf}/net) && ip link set $vf mtu 1400 netns ${name} name eth0`,
    `ip -n ${name} addr add ${addresses[number]} dev eth0 && ip -n ${name} link set eth0 up`,
  ]);
  await mustDo(guest, ["udevadm settle", ...lines].join(" && "));
}

/**
 * Each reaches the other and the switch, and the NIC forwards all of it, in both directions: its own counters
 * count the packets.
 */
export async function forwardsInHardware(guest: Guest, wiring: Wiring, report: Report): Promise<void> {
  const flows = await exchange(guest, wiring, report);
  const missing = wiring.paths.filter(
    (path) => !flows.some((flow) => carries(flow, path) && inHardware(flow)),
  );
  report(
    missing.length === 0,
    "what the guests send and get is forwarded in hardware",
    unlike(missing, flows),
  );
  await isCounted(guest, wiring, report);
}

/** The first port's cable is pulled: all leaves by the second one, still in hardware. Then it is put back. */
export async function survivesFailover(guest: Guest, wiring: Wiring, report: Report): Promise<void> {
  const then: Report = (ok, what, details) => report(ok, `with the first port's cable out, ${what}`, details);
  const up = (links: number) =>
    `for try in $(seq 100); do [ $(grep -c '^MII Status: up' /proc/net/bonding/${bond}) = ${links} ] && break; sleep 0.2; done; sleep 1`;
  await doOutside(guest, { cable: "out", port: 0 });
  // The bond's own status is a line of the same kind.
  const mapping = await mustDo(guest, `${up(2)}; cat /sys/kernel/debug/mlx5/0000:01:00.0/lag/mapping`);
  then(mapping.trim() !== "" && !/1$/m.test(mapping), "the LAG maps nothing to that port", mapping);
  await forwardsInHardware(guest, wiring, then);
  await doOutside(guest, { cable: "in", port: 0 });
  const status = await mustDo(guest, `${up(3)}; cat /proc/net/bonding/${bond}`);
  report(
    status.match(/^MII Status: up$/gm)?.length === 3,
    "with the cable back, both ports are up in the bond",
    status,
  );
}

/** The same with a NIC that refuses every rule: packets pass, and no flow is said to be in hardware. */
export async function forwardsInSoftware(guest: Guest, wiring: Wiring, report: Report): Promise<void> {
  // Not NO_RES: for the driver that is EAGAIN, and it tries such a rule again for ever (fs_core.c,
  // _mlx5_add_flow_rules).
  await doOutside(guest, { fault: "fail SET_FLOW_TABLE_ENTRY@pf BAD_PARAM" });
  await mustDo(guest, "ovs-appctl revalidator/purge");
  const flows = await exchange(guest, wiring, report);
  const missing = wiring.paths.filter((path) => !flows.some((flow) => carries(flow, path)));
  report(
    missing.length === 0 && !flows.some((flow) => flow.includes("offloaded:yes")),
    "negative control: when the NIC refuses rules, packets pass, and no flow is said to be in hardware",
    unlike(missing, flows),
  );
  await doOutside(guest, { fault: "clear" });
  await mustDo(guest, "ovs-appctl revalidator/purge");
}

/** Pings from the guests, and returns the flows that they leave. */
async function exchange(guest: Guest, { pings, underlay }: Wiring, report: Report): Promise<string[]> {
  // A tunnel's rule waits for the neighbour; so do its packets.
  if (underlay !== undefined) await mustDo(guest, `ping -q -c 2 -i 0.2 ${underlay}`);
  for (const [from, to] of pings) {
    const name = machines[from]?.name ?? "";
    const { code, output } = await say(guest, `ip netns exec ${name} ping -q -c 5 -i 0.2 ${to}`);
    report(code === 0 && / 0% packet loss/.test(output), `${name} reaches ${to}`, output);
  }
  return flowsOf(guest);
}

const many = 100;
/** Address resolution, router solicitations: what goes to the host all the same. */
const few = 30;

/**
 * Once the flows are there, the hypervisor's own processor sees no more of the packets (its representors'
 * count of those, "cpu_hit"), and the flows' counters, which the driver reads from the card, see all of them.
 */
async function isCounted(guest: Guest, { pings, paths }: Wiring, report: Report): Promise<void> {
  const before = await packetsInSoftware(guest);
  for (const [from, to] of pings)
    await mustDo(guest, `ip netns exec ${machines[from]?.name} ping -q -c ${many} -i 0.02 ${to}`);
  const after = await packetsInSoftware(guest);
  report(
    after - before <= few,
    "the hypervisor's processor sees none of these packets",
    `${before} before and ${after} after ${many} pings each`,
  );
  // The driver reads the counters once a second, Open vSwitch asks it twice.
  await mustDo(guest, "sleep 3");
  const flows = await flowsOf(guest);
  const lacking = paths.filter(
    (path) => counted(flows.filter((flow) => carries(flow, path) && inHardware(flow))) < many,
  );
  report(lacking.length === 0, "the card's counters have seen them", unlike(lacking, flows));
}

async function packetsInSoftware(guest: Guest): Promise<number> {
  const asked = machines.map(
    ({ representor }) => `ip -j stats show dev ${representor} group offload subgroup cpu_hit`,
  );
  const output = await mustDo(guest, asked.join(" && "));
  const packets = [...output.matchAll(/"packets":(\d+)/g)].map(([, count]) => Number(count));
  if (packets.length === 0)
    throw new Error(`the representors have no count of packets in software:\n${output}`);
  return packets.reduce((sum, count) => sum + count, 0);
}

async function flowsOf(guest: Guest): Promise<string[]> {
  return (await mustDo(guest, "ovs-appctl dpctl/dump-flows -m --names type=all")).trim().split("\n");
}

function inHardware(flow: string): boolean {
  return flow.includes("offloaded:yes, dp:tc");
}

function counted(flows: readonly string[]): number {
  return flows.reduce((sum, flow) => sum + Number(/ packets:(\d+)/.exec(flow)?.[1] ?? 0), 0);
}

function carries(flow: string, { from, actions }: Path): boolean {
  const done = /, actions:(.*)$/.exec(flow)?.[1] ?? "";
  return flow.includes(`in_port(${from})`) && flow.includes("eth_type(0x0800)") && actions.test(done);
}

function unlike(missing: readonly Path[], flows: readonly string[]): string {
  return [...missing.map(({ from, actions }) => `no such flow: from ${from}, ${actions}`), ...flows].join(
    "\n",
  );
}
