import { ordered } from "./boots-order.ts";
import { dockerLike, installUnits, vfLagSpec } from "./hypervisor.ts";
import { type Network, networks, ports, switchUnit } from "./networks.ts";
import { mustDo, type Report, reboot, say, write } from "./operate.ts";
import type { Guest } from "./running.ts";
import type { Task } from "./task.ts";
import {
  forwardsInHardware,
  forwardsInSoftware,
  makeBridge,
  startMachines,
  survivesFailover,
} from "./traffic.ts";

/**
 * From power-on to packets in hardware without a hand, with vflag's units in a guest that has a disk of its
 * own and reboots for real, for each of Debian's network managers; and with the early unit in the wrong
 * place, which must fail: the proof that the order is what makes it work.
 */
export const boots: readonly Task[] = networks.map((network) => ({
  title: `boots with ${[network.manager, ...(network.with === undefined ? [] : [network.with])].join(", ")}`,
  guest: { nic: "connectx", persist: true },
  run: (guest, report) => bootsWithoutAHand(guest, network, report),
}));

async function bootsWithoutAHand(guest: Guest, network: Network, report: Report): Promise<void> {
  await configure(guest, network);
  for (const time of ["first", "second"]) {
    await reboot(guest);
    await ordered(guest, network, report);
    await works(guest, `after the ${time} boot VF-LAG works, without a hand`, report);
    await leftAlone(guest, report);
    await bonded(guest, network, report);
    if (time === "first") await makeBridge(guest, network.wiring);
    await startMachines(guest, network.wiring);
    await forwardsInHardware(guest, network.wiring, report);
    if (time === "second") await survivesFailover(guest, network.wiring, report);
    await works(guest, `and with guests that have VFs, after the ${time} boot`, report);
  }
  if (network.manager !== "ifupdown") return;
  await forwardsInSoftware(guest, network.wiring, report);
  await tooLate(guest, report);
}

async function configure(guest: Guest, network: Network): Promise<void> {
  const files = {
    ...network.files,
    "/etc/vflag/vflag.yaml": vfLagSpec(2),
    "/etc/systemd/system/docker.service": dockerLike("true"),
    "/etc/systemd/system/switch.service": switchUnit(network),
  };
  for (const [file, content] of Object.entries(files)) await write(guest, file, content);
  await installUnits(guest, ["switch"]);
  await mustDo(guest, "systemd-analyze verify vflag-early.service vflag-late.service");
  await mustDo(guest, network.enable);
  // Nothing here needs it, and it costs 7 s of emulated time at boot, of the 10 s that it has.
  await mustDo(guest, "systemctl mask --no-reload -q netplan-ovs-cleanup");
  // Open vSwitch looks at the first when it starts; the second keeps flows (by default for 10 s) until a slow
  // guest has shown them.
  await mustDo(
    guest,
    "ovs-vsctl set Open_vSwitch . other_config:hw-offload=true other_config:max-idle=60000",
  );
}

async function works(guest: Guest, what: string, report: Report): Promise<void> {
  const { code, output } = await say(guest, "vflag verify");
  report(code === 0 && /data {2}vf-lag {2}works/.test(output), what, output);
}

/** VFs and representors are Nova's and Neutron's: no network manager has brought one up. */
async function leftAlone(guest: Guest, report: Report): Promise<void> {
  const up = await mustDo(
    guest,
    "udevadm settle; cd /sys/bus/pci/devices && for netdev in 0000:01:*/net/*; do ip -br link show up dev $(basename $netdev); done",
  );
  const names = up
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[0]);
  report(names.toSorted().join() === ports.join(), "of the card's netdevs the ports alone are up", up);
  const failed = await mustDo(guest, "systemctl --failed --no-legend");
  report(failed === "", "no unit has failed", failed);
}

async function bonded(guest: Guest, { bond }: Network, report: Report): Promise<void> {
  const said = await mustDo(guest, "cat /proc/net/bonding/bond0");
  const up = said.match(/^MII Status: up$/gm) ?? [];
  report(
    bond.every((pattern) => pattern.test(said)) && up.length === 1 + ports.length,
    "the bond is as configured, with both ports",
    said,
  );
}

/** The early unit after networking: `verify` must say that the ports were bonded too early. */
async function tooLate(guest: Guest, report: Report): Promise<void> {
  await say(guest, "systemctl disable --no-reload -q vflag-early");
  await mustDo(
    guest,
    "sed -i 's/^Before=network-pre.target shutdown.target/Before=shutdown.target/; s/^After=local-fs.target/After=network-online.target local-fs.target/; s/^Wants=network-pre.target/Wants=network-online.target/' /etc/systemd/system/vflag-early.service && systemctl enable --no-reload -q vflag-early",
  );
  await reboot(guest);
  const wrong = await say(guest, "vflag verify");
  report(
    wrong.code === 2 && /not-in-bond/.test(wrong.output),
    "negative control: with the early unit after networking, verify says that the ports were bonded too early",
    wrong.output,
  );
  const reachable = await say(guest, "ip -br addr show mgmt0; ip -br link show bond0");
  report(
    reachable.code === 0 && /10\.0\.2\.15/.test(reachable.output),
    "and the host is reachable all the same",
    reachable.output,
  );
}
