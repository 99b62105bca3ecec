import { type Nic, vfAddress } from "./cards.ts";

/**
 * What an operator does in a guest, step by step, with what must come of it. The transcripts are in
 * docs/lab/.
 */

export interface Step {
  /** A line for the guest's shell. */
  readonly command: string;
  /** The exit code that it must end with. */
  readonly exit: number;
  /** What its output must contain. */
  readonly shows?: readonly RegExp[];
  /** Said before it in the transcript. */
  readonly say?: string;
}

export interface Story {
  readonly title: string;
  readonly nic: Nic;
  /** 1 by default. The driver offers as many channels. */
  readonly cpus?: number;
  readonly spec: string;
  readonly steps: readonly Step[];
}

const both = '[{address: "0000:01:00.*"}]';
const spec = (lines: string) => `version: 1\nnics:\n  - name: data\n${lines.replace(/^/gm, "    ")}\n`;

const clean = (ports: readonly number[]) =>
  ports
    .map(
      (port) =>
        `echo 0 > /sys/bus/pci/devices/0000:01:00.${port}/sriov_numvfs; devlink dev eswitch set pci/0000:01:00.${port} mode legacy`,
    )
    .join("; ");

/** The first two VFs of each port. */
const bothVfs = ([0, 1] as const).flatMap((port) => [vfAddress(port, 0), vfAddress(port, 1)]).join(" ");

const makeBond = [
  "ip link set peer0 up; ip link set peer1 up",
  "ip link add bond0 type bond mode active-backup miimon 100",
  "for port in enp1s0f0np0 enp1s0f1np1; do ip link set $port down; ip link set $port master bond0; done",
  "ip link set bond0 up",
].join("; ");

export const stories: readonly Story[] = [
  {
    title: "Plain SR-IOV on igb",
    nic: "igb",
    spec: spec(
      `mode: sriov\nports: ${both}\nvfs: 3\nvfSettings: {mac: "02:5d:00:00:{port}:{vf}", spoofCheck: true}`,
    ),
    steps: [
      {
        command: "ip link set enp1s0f0 up; ip link set enp1s0f1 up",
        exit: 0,
        say: "Networking brings the ports up: igbvf takes a VF's address only then.",
      },
      { command: "vflag inspect", exit: 0, shows: [/0 of 7/, /driver igb/] },
      { command: "vflag verify", exit: 2, shows: [/does not work: .*0 VFs/] },
      { command: "vflag plan", exit: 2, shows: [/sriov_numvfs/, /igbvf\/bind/] },
      { command: "vflag apply", exit: 0 },
      { command: "vflag verify", exit: 0, shows: [/data {2}sriov {2}works/] },
      {
        command: "vflag plan",
        exit: 0,
        shows: [/Nothing to do/],
        say: "A second time there is nothing to do.",
      },
      { command: "vflag inspect", exit: 0, shows: [/igbvf/, /02:5d:00:00:01:02/] },
      {
        say: "Drift: somebody unbinds a VF.",
        command: "echo 0000:01:10.0 > /sys/bus/pci/drivers/igbvf/unbind; vflag verify",
        exit: 2,
        shows: [/vfs-bound {2}VF 0 \(0000:01:10\.0\)/],
      },
      { command: "vflag apply", exit: 0 },
      {
        say: "A VF moves into a container's network namespace, and the spec asks for another number of VFs: vflag stops, and names it.",
        command:
          "ip netns add guest; ip link set $(ls /sys/bus/pci/devices/0000:01:10.0/net) netns guest; sed -i 's/vfs: 3/vfs: 5/' /etc/vflag/vflag.yaml; vflag apply",
        exit: 2,
        shows: [/VF 0 \(0000:01:10\.0\) in use by network namespace guest/],
      },
      {
        command:
          "ip -n guest -br link | grep -c enp1s0f0v0; cat /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs",
        exit: 0,
        shows: [/^1\n3$/m],
      },
      {
        command: "ip netns del guest; udevadm settle; sleep 1; vflag apply",
        exit: 0,
        say: "The container is gone: now it can be done.",
      },
      { command: "vflag verify", exit: 0, shows: [/5 VFs, 5 with a driver/] },
    ],
  },
  {
    title: "Switchdev on mlx5_core",
    nic: "connectx",
    cpus: 2,
    spec: spec(
      `mode: switchdev\nports: [enp1s0f0np0]\nvfs: 3\nchannels: {pf: 2, representor: 2}\neswitch: {steering: dmfs, inline: none, encap: true}`,
    ),
    steps: [
      {
        command: "vflag inspect",
        exit: 0,
        shows: [/eSwitch {6}legacy, inline none, encap on, steering dmfs/],
      },
      { command: "vflag plan", exit: 2, shows: [/mode switchdev/] },
      { command: "vflag apply", exit: 0 },
      { command: "vflag verify", exit: 0, shows: [/data {2}switchdev {2}works/, /3 representors/] },
      { command: "vflag plan", exit: 0, shows: [/Nothing to do/] },
      {
        say: "Drift: somebody sets the eSwitch back to legacy mode.",
        command: "devlink dev eswitch set pci/0000:01:00.0 mode legacy; vflag verify",
        exit: 2,
        shows: [/eswitch-mode {2}.*eSwitch in legacy mode, wanted switchdev/],
      },
      { command: "vflag apply", exit: 0 },
      {
        say: "Drift: offload off and channels back to 1 on a representor.",
        command:
          "r=$(basename $(dirname $(grep -l '^pf0vf1$' /sys/class/net/*/phys_port_name))); ethtool -K $r hw-tc-offload off; ethtool -L $r combined 1; vflag verify",
        exit: 2,
        shows: [/tc-offload {2}representor .*VF 1/, /channels {2}representor .*VF 1/],
      },
      { command: "vflag apply", exit: 0 },
      { command: "vflag verify", exit: 0, shows: [/works/] },
      { command: clean([0]), exit: 0, say: "Back to the beginning, by hand." },
    ],
  },
  {
    title: "VF-LAG on mlx5_core",
    nic: "connectx",
    spec: spec(
      `mode: vf-lag\nports: ${both}\nvfs: 4\nbond: bond0\nvfSettings: {mac: "02:5d:00:00:{port}:{vf}"}`,
    ),
    steps: [
      { command: "vflag plan", exit: 2, shows: [/Then networking makes the bond/, /lag\/state/] },
      { command: "vflag boot early", exit: 0, say: "At boot, before networking:" },
      { command: "vflag verify", exit: 2, shows: [/bond0: it does not exist yet/] },
      { command: makeBond, exit: 0, say: "Networking makes the bond:" },
      { command: "vflag boot late", exit: 0, say: "At boot, after networking:" },
      { command: "vflag verify", exit: 0, shows: [/data {2}vf-lag {2}works/, /LAG active, type switchdev/] },
      {
        command: "vflag apply",
        exit: 0,
        shows: [/boot-units/],
        say: "For the boots to come, vflag puts its units in place:",
      },
      { command: "vflag apply", exit: 0, shows: [/Nothing was to be done/] },
      { command: "vflag inspect", exit: 0, shows: [/02:5d:00:00:01:03/, /shared FDB/] },
      {
        say: "A guest takes a VF, and the spec asks for more VFs: a bonded port is not touched.",
        command: `ip netns add guest; ip link set $(ls /sys/bus/pci/devices/${vfAddress(0, 0)}/net) netns guest; sed 's/vfs: 4/vfs: 6/' /etc/vflag/vflag.yaml > /tmp/more.yaml; vflag apply --spec /tmp/more.yaml`,
        exit: 2,
        shows: [/not-in-bond/, /in use by network namespace guest/],
      },
      {
        say: "Drift: a third slave joins the bond.",
        command:
          "ip netns del guest; udevadm settle; ip link add third0 type dummy; ip link set third0 master bond0; sleep 2; vflag verify",
        exit: 2,
        shows: [/does not work: bond0: third0 is in it too/],
      },
    ],
  },
  {
    title: "VF-LAG with VFs bound too early on mlx5_core",
    nic: "connectx",
    spec: spec(`mode: vf-lag\nports: ${both}\nvfs: 2\nbond: bond0`),
    steps: [
      { command: "vflag boot early", exit: 0 },
      {
        say: "Somebody binds the VFs before networking makes the bond.",
        command: `for port in 0 1; do echo 1 > /sys/bus/pci/devices/0000:01:00.$port/sriov_drivers_autoprobe; done; for vf in ${bothVfs}; do echo $vf > /sys/bus/pci/drivers/mlx5_core/bind; done; ${makeBond}; sleep 3; vflag verify`,
        exit: 2,
        shows: [
          /LAG .*disabled, with 4 VFs bound/,
          /seen .*Failed to activate VF LAG/,
          /vflag explain vf-lag-refused/,
        ],
      },
      { command: "vflag plan", exit: 2, shows: [/mlx5_core\/unbind/] },
      { command: "vflag apply", exit: 0 },
      { command: "vflag verify", exit: 0, shows: [/LAG active, type switchdev/] },
      {
        say: "Drift: somebody sets a bonded port back to legacy mode.",
        command: "devlink dev eswitch set pci/0000:01:00.0 mode legacy; sleep 2; vflag verify",
        exit: 2,
        shows: [
          /not-in-bond {2}enp1s0f0np0 \(0000:01:00\.0\): in bond0 already, with eSwitch in legacy mode instead of switchdev/,
        ],
      },
      { command: "vflag apply", exit: 2, shows: [/reboot/] },
      {
        command: "devlink dev eswitch show pci/0000:01:00.0",
        exit: 0,
        shows: [/mode legacy/],
        say: "It was not touched.",
      },
    ],
  },
];
