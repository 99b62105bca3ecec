import { vfAddress } from "./cards.ts";
import { mustDo, type Report, say, write } from "./operate.ts";
import { doOutside, type Outside } from "./outside.ts";
import type { Guest } from "./running.ts";
import type { Task } from "./task.ts";

/**
 * Faults on a real kernel: after each the host is reachable, nothing that is in use was touched, and vflag
 * names the cause. Where there is a remedy it is carried out, and the NIC works again. Reloading the driver
 * stands for the reboot that some need.
 */

export interface Step {
  /** What is done to the cards before. */
  readonly outside?: readonly Outside[];
  /** A line for the guest's shell. */
  readonly command: string;
  /** The exit code that it must end with, 0 if nothing is said. */
  readonly exit?: number;
  /** What its output must contain. */
  readonly shows?: readonly RegExp[];
  /** True where vflag must refuse: VFs, their drivers and holders, bonds and carriers are as before. */
  readonly refuses?: boolean;
}

export interface Fault {
  readonly name: string;
  readonly spec: string;
  /** True where it takes a second card, which the first one's fault must not touch. */
  readonly twoCards?: boolean;
  readonly steps: readonly Step[];
}

/** In two guests at the same time; one of them has a second card. */
export const faults: readonly Task[] = ([1, 2] as const).map((cards, part) => ({
  title: `faults, part ${part + 1}`,
  guest: { nic: "connectx", cards },
  run: async (guest, report) => {
    for (const fault of partOf(cards)) await prove(guest, fault, report);
  },
}));

/** Faults that need two cards are all in the second part, which takes others too until the parts are even. */
function partOf(cards: 1 | 2): Fault[] {
  const single = all.filter(({ twoCards }) => twoCards !== true);
  const half = Math.ceil(all.length / 2);
  return cards === 1
    ? single.slice(0, half)
    : [...all.filter(({ twoCards }) => twoCards === true), ...single.slice(half)];
}

const ports = "[enp1s0f0np0, enp1s0f1np1]";
const nic = (name: string, bond: string, ofPorts: string) =>
  `  - {name: ${name}, mode: vf-lag, ports: ${ofPorts}, vfs: 2, bond: ${bond}}\n`;
export const data = `version: 1\nnics:\n${nic("data", "bond0", ports)}`;

/** A NIC as after power-on. First without VFs: a LAG is taken down only while no VF is driven. */
export const powerOn = (): Step => ({
  outside: [{ fault: "clear" }],
  command: [
    "for port in /sys/bus/pci/drivers/mlx5_core/0000:*/sriov_numvfs; do echo 0 > $port; done",
    "for bond in bond0 bond1; do ip link del $bond; done 2> /dev/null",
    "modprobe -r mlx5_core; modprobe mlx5_core && udevadm settle",
    "for peer in $(ls /sys/class/net | grep peer); do ip link set $peer up; done",
  ].join("; "),
});
export const bonded = (bond = "bond0", slaves = "enp1s0f0np0 enp1s0f1np1", mode = "active-backup"): Step => ({
  command: [
    `ip link add ${bond} type bond mode ${mode} miimon 100`,
    `for port in ${slaves}; do ip link set $port down; ip link set $port master ${bond}; done`,
    `ip link set ${bond} up; sleep 1`,
  ].join("; "),
});
export const early: Step = { command: "vflag boot early" };
export const late: Step = { command: "vflag boot late" };
const works: Step = {
  command: "vflag verify",
  shows: [/data {2}vf-lag {2}works/, /LAG active, type switchdev/],
};
const fromPowerOn: readonly Step[] = [powerOn(), early, bonded(), late, works];

/** What others have in use on the NICs' ports: VFs with drivers, bonds with carriers, and who holds a VF. */
const inUse = [
  "grep -H . /sys/bus/pci/devices/0000:0[12]:00.[01]/sriov_numvfs /sys/class/net/enp*np[01]/carrier_changes",
  "for pf in 0 1; do devlink dev eswitch show pci/0000:01:00.$pf; done",
  "for vf in /sys/bus/pci/devices/0000:0[12]:00.[01]/virtfn*; do echo $vf $(readlink $vf $vf/driver); done",
  "ip -br link show type bond; ip -o link | grep -o 'enp.* master [^ ]*'",
  "ip -n guest -br link; ls -l /proc/$(cat /run/holder)/fd | grep -o '/dev/vfio/.*'",
].join("; ");

const firstVf = vfAddress(0, 0);
const giveToVfio = [
  `modprobe vfio-pci; vf=/sys/bus/pci/devices/${firstVf}; echo vfio-pci > $vf/driver_override`,
  `echo ${firstVf} > /sys/bus/pci/drivers/vfio-pci/bind`,
  "group=$(basename $(readlink $vf/iommu_group))",
  "setsid sleep 9999 < /dev/null > /dev/null 2>&1 9<> /dev/vfio/$group & echo $! > /run/holder; sleep 1; ls -l /proc/$(cat /run/holder)/fd",
].join("\n");
/** The pid is said first, so that vflag's own words can be held against it. */
const tellHolder = "echo holder $(cat /run/holder)";
const namesHolder = /holder (\d+)\n[\s\S]*VF 0 \(0000:01:00\.2\)[^\n]* in use by process \1 \(sleep\)/;

const all: readonly Fault[] = [
  {
    name: "a port of the spec does not exist",
    twoCards: true,
    spec: `version: 1\nnics:\n${nic("data", "bond0", "[enp1s0f0np0, enp7s0f1np1]")}${nic("other", "bond1", "[enp2s0f0np0, enp2s0f1np1]")}`,
    steps: [
      powerOn(),
      {
        command: "vflag boot early --wait 3",
        exit: 2,
        shows: [
          /data {2}stopped\n.*ports .*enp7s0f1np1 matches no port; this host has enp1s0f0np0/,
          /other {2}settled/,
        ],
      },
      bonded("bond1", "enp2s0f0np0 enp2s0f1np1"),
      { command: "vflag boot late --wait 3", exit: 2, shows: [/enp7s0f1np1 matches no port/] },
      {
        command: "vflag verify",
        exit: 2,
        shows: [/data .* does not work: .*enp7s0f1np1 matches no port/, /other {2}vf-lag {2}works/],
      },
      { command: "sed -i s/enp7s0f1np1/enp1s0f1np1/ /etc/vflag/vflag.yaml; vflag boot early" },
      bonded(),
      late,
      { ...works, shows: [...(works.shows ?? []), /other {2}vf-lag {2}works/] },
    ],
  },
  {
    name: "the ports are in a bond before early runs",
    spec: data,
    steps: [
      powerOn(),
      bonded(),
      ...["boot early", "boot late", "verify"].map(
        (command): Step => ({
          command: `vflag ${command}`,
          exit: 2,
          shows: [
            /not-in-bond {2}enp1s0f0np0 .*: in bond0 already, with 0 VFs instead of 2 VFs; eSwitch in legacy mode instead of switchdev/,
            /do +reboot: /,
          ],
          refuses: true,
        }),
      ),
      ...fromPowerOn,
    ],
  },
  {
    name: "the bond's mode cannot be offloaded",
    spec: data,
    steps: [
      powerOn(),
      early,
      bonded("bond0", undefined, "balance-rr"),
      {
        command: "vflag boot late",
        exit: 2,
        shows: [/bond {2}bond0: mode balance-rr, wanted mode active-backup/],
        refuses: true,
      },
      { command: "vflag verify", exit: 2, shows: [/does not work: bond0: mode balance-rr/], refuses: true },
      { command: "ip link del bond0" },
      bonded(),
      { command: "vflag apply" },
      works,
    ],
  },
  {
    name: "a third slave is in the bond",
    spec: data,
    steps: [
      powerOn(),
      early,
      { command: "ip link add third0 type dummy; modprobe vfio-pci" },
      bonded("bond0", "enp1s0f0np0 enp1s0f1np1 third0"),
      { command: "vflag boot late", exit: 2, shows: [/bond {2}bond0: third0 is in it too/], refuses: true },
      {
        command: "vflag verify",
        exit: 2,
        shows: [/does not work: bond0: third0 is in it too/],
        refuses: true,
      },
      { command: "ip link set third0 nomaster; vflag apply" },
      works,
      // It joins again, now with VFs bound: the firmware keeps its LAG, and the driver cannot make one any
      // more.
      {
        command: "ip link set third0 master bond0; sleep 2; vflag verify",
        exit: 2,
        shows: [
          /does not work: bond0: third0 is in it too/,
          /seen .*Failed to deactivate VF LAG; driver restart required/,
          /vflag explain lag-stuck/,
        ],
      },
      { command: "vflag apply", exit: 2, shows: [/third0 is in it too/], refuses: true },
      {
        command: `ip netns add guest; ip link set $(ls /sys/bus/pci/devices/${firstVf}/net) netns guest; ip link set third0 nomaster; sleep 2`,
      },
      {
        command: "vflag apply",
        exit: 2,
        shows: [/VF 0 \(0000:01:00\.2\).*in use by network namespace guest/],
        refuses: true,
      },
      {
        command: "ip netns del guest; udevadm settle; ip link del third0; vflag apply",
        exit: 2,
        shows: [/until the driver starts again/, /reboot/],
      },
      { command: "ip -br link show master bond0", shows: [/enp1s0f0np0 +UP/, /enp1s0f1np1 +UP/] },
      ...fromPowerOn,
    ],
  },
  {
    name: "a guest has a VF through vfio-pci",
    spec: data,
    steps: [
      powerOn(),
      early,
      { command: giveToVfio, shows: [/\/dev\/vfio\/\d+/] },
      ...["s/vfs: 2/vfs: 4/", "s/mode: vf-lag/mode: sriov/; s/, bond: bond0//"].map(
        (change): Step => ({
          command: `sed '${change}' /etc/vflag/vflag.yaml > /tmp/other.yaml; ${tellHolder}; vflag apply --spec /tmp/other.yaml`,
          exit: 2,
          shows: [namesHolder],
          refuses: true,
        }),
      ),
      bonded(),
      late,
      works,
      {
        command: `sed -i 's/vfs: 2/vfs: 4/' /etc/vflag/vflag.yaml; ${tellHolder}; vflag apply`,
        exit: 2,
        shows: [/not-in-bond/, namesHolder],
        refuses: true,
      },
      { command: "kill $(cat /run/holder)" },
    ],
  },
  {
    name: "Open vSwitch restarts, and somebody deletes representors",
    spec: data,
    steps: [
      ...fromPowerOn,
      {
        command:
          "ovs-vsctl set Open_vSwitch . other_config:hw-offload=true && systemctl restart openvswitch-switch && ovs-vsctl add-br br-int && for port in bond0 $(ls -d /sys/class/net/enp1s0f?npf?vf? | xargs -n 1 basename); do ovs-vsctl add-port br-int $port; ip link set $port up; done",
      },
      works,
      {
        command:
          "systemctl restart openvswitch-switch && ip -br link show master ovs-system | grep -c enp1s0f.npf.vf",
        shows: [/^4$/m],
      },
      { ...works, refuses: true },
      { command: "ip link del enp1s0f0npf0vf1", exit: 2, shows: [/not supported/] },
      {
        command: "ip netns add guest; ip link set enp1s0f0npf0vf1 netns guest",
        exit: 2,
        shows: [/Invalid argument/],
      },
      { command: "devlink port del pci/0000:01:00.0/2", exit: 1, shows: [/not supported/] },
      { command: "ip link set enp1s0f0npf0vf1 down; ip link set enp1s0f0npf0vf1 name renamed0" },
      { ...works, refuses: true },
      { command: "ovs-vsctl del-br br-int; ip netns del guest" },
      // The one way they go: with their VFs.
      { command: "echo 0 > /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs; udevadm settle" },
      {
        command: "vflag verify",
        exit: 2,
        shows: [/does not work: enp1s0f0np0 .*in bond0 already, with 0 VFs instead of 2 VFs/],
      },
      { command: "vflag apply", exit: 2, shows: [/reboot/], refuses: true },
      ...fromPowerOn,
    ],
  },
];

/** A step that ends otherwise than it should ends its fault; the next begins from power-on. */
export async function prove(guest: Guest, { name, spec, steps }: Fault, report: Report): Promise<void> {
  await write(guest, "/etc/vflag/vflag.yaml", spec);
  for (const { outside = [], command, exit = 0, shows = [], refuses = false } of steps) {
    const before = refuses ? await say(guest, inUse) : undefined;
    for (const what of outside) await doOutside(guest, what);
    const { code, output } = await say(guest, command);
    const missing = shows.filter((pattern) => !pattern.test(output));
    const ok = code === exit && missing.length === 0;
    report(
      ok,
      `${name}: ${command}`,
      `exit ${code}, not ${exit}; missing ${missing.join(", ") || "nothing"}:\n${output}`,
    );
    if (before !== undefined) {
      const after = await say(guest, inUse);
      report(
        after.output === before.output,
        `${name}: ${command}: touches nothing`,
        `${before.output}\n--- and then\n${after.output}`,
      );
    }
    if (!ok) break;
  }
  const management = await mustDo(guest, "ip -br addr show mgmt0");
  report(/UP +10\.0\.2\.15/.test(management), `${name}: the host is reachable`, management);
}
