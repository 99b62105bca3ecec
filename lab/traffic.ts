import { vfAddress } from "./cards.ts";
import { switchAddress } from "./networks.ts";
import { mustDo, type Report, say } from "./operate.ts";
import { doOutside } from "./outside.ts";
import type { Guest } from "./running.ts";

/**
 * Packets over VF-LAG: Open vSwitch with the bond and representors in a bridge, two guests of the hypervisor (namespaces)
 * with a VF of either port, and the proof that their flows are in hardware.
 */

const bond = "bond0";

/** A namespace that stands for a virtual machine: its VF, and the representor that Nova plugs for it. */
const machines = [
  { name: "vm0", address: "10.9.0.1", vf: vfAddress(0, 0), representor: "enp1s0f0npf0vf0" },
  { name: "vm1", address: "10.9.0.2", vf: vfAddress(1, 0), representor: "enp1s0f1npf1vf0" },
] as const;

/** What an operator and Neutron do once: Open vSwitch keeps it in its database. */
export async function makeBridge(guest: Guest): Promise<void> {
  const ports = [bond, ...machines.map(({ representor }) => representor)];
  await mustDo(guest, `ovs-vsctl add-br br0 ${ports.map((port) => `-- add-port br0 ${port}`).join(" ")}`);
}

/** What Nova does when it starts guests: representors up, VFs to the guests. */
export async function startMachines(guest: Guest): Promise<void> {
  // Until udev is done with the VFs their names still change.
  const lines = machines.flatMap(({ name, address, vf, representor }) => [
    `ip link set ${representor} up && ip netns add ${name}`,
    `vf=$(ls /sys/bus/pci/devices/${vf}/net) && ip link set $vf netns ${name} name eth0`,
    `ip -n ${name} addr add ${address}/24 dev eth0 && ip -n ${name} link set eth0 up`,
  ]);
  await mustDo(guest, ["udevadm settle", ...lines].join(" && "));
}

/** Each reaches the other and the switch, and the NIC forwards all of it, in both directions. */
export async function forwardsInHardware(guest: Guest, report: Report): Promise<void> {
  const flows = await exchange(guest, report);
  const missing = paths.filter((path) => !flows.some((flow) => carries(flow, path) && flow.includes("offloaded:yes, dp:tc")));
  report(missing.length === 0, "packets between VFs, and between VFs and the bond, are forwarded in hardware", unlike(missing, flows));
}

/** The first port's cable is pulled: all leaves by the second one, still in hardware. Then it is put back. */
export async function survivesFailover(guest: Guest, report: Report): Promise<void> {
  const then: Report = (ok, what, details) => report(ok, `with the first port's cable out, ${what}`, details);
  const up = (links: number) =>
    `for try in $(seq 100); do [ $(grep -c '^MII Status: up' /proc/net/bonding/${bond}) = ${links} ] && break; sleep 0.2; done; sleep 1`;
  await doOutside(guest, { cable: "out", port: 0 });
  // The bond's own status is a line of the same kind.
  const mapping = await mustDo(guest, `${up(2)}; cat /sys/kernel/debug/mlx5/0000:01:00.0/lag/mapping`);
  then(mapping.trim() !== "" && !/1$/m.test(mapping), "the LAG maps nothing to that port", mapping);
  await forwardsInHardware(guest, then);
  await doOutside(guest, { cable: "in", port: 0 });
  const status = await mustDo(guest, `${up(3)}; cat /proc/net/bonding/${bond}`);
  report(status.match(/^MII Status: up$/gm)?.length === 3, "with the cable back, both ports are up in the bond", status);
}

/** The same with a NIC that refuses every rule: packets pass, and no flow is said to be in hardware. */
export async function forwardsInSoftware(guest: Guest, report: Report): Promise<void> {
  // Not NO_RES: for the driver that is EAGAIN, and it tries such a rule again for ever (fs_core.c, _mlx5_add_flow_rules).
  await doOutside(guest, { fault: "fail SET_FLOW_TABLE_ENTRY@pf BAD_PARAM" });
  await mustDo(guest, "ovs-appctl revalidator/purge");
  const flows = await exchange(guest, report);
  const missing = paths.filter((path) => !flows.some((flow) => carries(flow, path)));
  report(
    missing.length === 0 && !flows.some((flow) => flow.includes("offloaded:yes")),
    "negative control: when the NIC refuses rules, packets pass, and no flow is said to be in hardware",
    unlike(missing, flows),
  );
  await doOutside(guest, { fault: "clear" });
  await mustDo(guest, "ovs-appctl revalidator/purge");
}

type Path = readonly [from: string, to: string];

/** Every way that unicast packets take through the bridge. */
const paths: readonly Path[] = [bond, ...machines.map(({ representor }) => representor)].flatMap((from, _, ends) =>
  ends.filter((to) => to !== from).map((to) => [from, to] as const),
);

/** Pings between all three, and returns the flows that they leave. */
async function exchange(guest: Guest, report: Report): Promise<string[]> {
  const pings = [
    [machines[0].name, machines[1].address],
    [machines[0].name, switchAddress],
    [machines[1].name, switchAddress],
  ] as const;
  for (const [from, to] of pings) {
    const { code, output } = await say(guest, `ip netns exec ${from} ping -q -c 5 -i 0.2 ${to}`);
    report(code === 0 && / 0% packet loss/.test(output), `${from} reaches ${to}`, output);
  }
  return (await mustDo(guest, "ovs-appctl dpctl/dump-flows -m --names type=all")).trim().split("\n");
}

function carries(flow: string, [from, to]: Path): boolean {
  return flow.includes(`in_port(${from})`) && flow.includes("eth_type(0x0800)") && flow.endsWith(`actions:${to}`);
}

function unlike(missing: readonly Path[], flows: readonly string[]): string {
  return [...missing.map(([from, to]) => `no such flow: from ${from} to ${to}`), ...flows].join("\n");
}
