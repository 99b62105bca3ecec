import { vfAddress } from "./cards.ts";
import { bonded, data, early, type Fault, late, powerOn, prove, type Step } from "./faults.ts";
import type { Task } from "./task.ts";

/**
 * `vflag watch` on a real kernel: what happens to the NIC is told, each thing by the event that the kernel
 * gives of it.
 */

const told = "/run/watch.txt";

/**
 * Waits until the watch has told of something: the guest is slow, and the watch leaves it four fifths of the
 * time.
 */
const tells = (what: string): Step => ({
  command: `for n in $(seq 120); do grep -qE '${what}' ${told} && break; sleep 0.5; done; grep -E '${what}' ${told} || { cat ${told}; false; }`,
});

/** What is done next begins a page of its own. */
const turn: Step = { command: `cat ${told} >> ${told}.all; : > ${told}` };

const happens = (command: string, ...lines: readonly string[]): Step[] => [
  turn,
  { command },
  ...lines.map(tells),
];

const cable = (what: "out" | "in", ...lines: readonly string[]): Step[] => [
  turn,
  { command: "true", outside: [{ cable: what, port: 0 }] },
  ...lines.map(tells),
];

/** Nothing of vflag is installed in this guest, so that the next boot would not make the VFs. */
const atRisk = "works, at risk at the next boot";

const vf = vfAddress(0, 0);
const driver = "/sys/bus/pci/drivers/mlx5_core";
const port = "enp1s0f0np0";

const watched: Fault = {
  name: "watch",
  spec: data.replace("bond0}", "bond0, channels: {pf: 2, representor: 2}}"),
  steps: [
    powerOn(),
    early,
    bonded("bond0", "enp1s0f0np0 enp1s0f1np1", "balance-xor"),
    late,
    {
      command: `vflag watch --flows-every 0 >> ${told} 2> /run/watch.err < /dev/null & echo $! > /run/watch.pid`,
    },
    tells(`data  ${atRisk}: vflag-early.service: not installed$`),
    ...cable(
      "out",
      `link of ${port}: up → no link  .*still has a link`,
      `slave ${port} in bond0: up → down`,
      "port mapping of the LAG: (1:1 2:2 → 1:2 2:2|1 2 → 2)  .failover: all leaves by port 2",
      "check bond-links: holds → ",
    ),
    ...cable(
      "in",
      `link of ${port}: no link → up`,
      "port mapping of the LAG: .* → (1:1 2:2|1 2)",
      "check bond-links: .* → holds",
    ),
    ...happens(
      `echo ${vf} > ${driver}/unbind`,
      `driver of VF 0 of ${port}: mlx5_core → no driver`,
      `verdict: ${atRisk} → does not work`,
    ),
    ...happens(
      `echo ${vf} > ${driver}/bind`,
      `driver of VF 0 of ${port}: no driver → mlx5_core`,
      `verdict: does not work → ${atRisk} `,
    ),
    ...happens(`ethtool -L ${port} combined 1`, `channels of ${port}: 2 → 1`),
    ...happens(`ethtool -L ${port} combined 2`, `channels of ${port}: 1 → 2`),
    ...happens(
      `ethtool -K ${port} hw-tc-offload off`,
      `hw-tc-offload of ${port}: on → off`,
      "check tc-offload: holds → ",
    ),
    ...happens(`ethtool -K ${port} hw-tc-offload on`, "check tc-offload: .* → holds"),
    ...happens("ovs-vsctl --no-wait set Open_vSwitch . other_config:hw-offload=true", "hw-offload: off → on"),
    ...happens("systemctl restart openvswitch-switch", "database went away", "database is heard"),
    ...happens("ovs-vsctl --no-wait remove Open_vSwitch . other_config hw-offload", "hw-offload: on → off"),
    ...happens(
      "ip link add third0 type dummy && ip link set third0 master bond0",
      "third0: in no bond → in bond0  .*no port of this NIC",
      "LAG: active, type switchdev → disabled",
      "check bond: holds → ",
      `verdict: ${atRisk} → does not work`,
    ),
    { command: "grep -E 'VmHWM|Threads' /proc/$(cat /run/watch.pid)/status" },
    {
      command: `kill -INT $(cat /run/watch.pid); for n in $(seq 60); do kill -0 $(cat /run/watch.pid) || break; sleep 0.5; done; ! kill -0 $(cat /run/watch.pid); ! pgrep -x cat; cat /run/watch.err; test ! -s /run/watch.err`,
    },
    { command: "ip link del third0" },
  ],
};

export const watches: readonly Task[] = [
  {
    title: "watch",
    guest: { nic: "connectx", cpus: 2 },
    run: (guest, report) => prove(guest, watched, report),
  },
];
