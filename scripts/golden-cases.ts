import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildHost, type CardOptions } from "../src/host/simulated/build.ts";
import { overwriteFirmware, setFirmware } from "../src/host/simulated/card/firmware.ts";
import { enslave, network, release } from "../src/host/simulated/events.ts";
import { type FaultName, inject } from "../src/host/simulated/faults.ts";
import { observeWorld, SimulatedHost } from "../src/host/simulated/host.ts";
import { startGuests } from "../src/host/simulated/machine/guests.ts";
import { logKernel } from "../src/host/simulated/machine/kernel-log.ts";
import { addNetdev, type World } from "../src/host/simulated/world.ts";
import { known } from "../src/host/state/observed.ts";
import type { BootLoader } from "../src/host/state/platform.ts";
import { reconcile } from "../src/reconcile/reconcile.ts";
import { loadSpec } from "../src/spec/load.ts";

/**
 * Writes the inputs (spec.yaml, state.json) of the golden cases that were made with simulated hosts. Run it
 * once for a new case, with its name; the expected plan and verdict are then written by `npm run golden` and
 * reviewed like code. The inputs are data from then on: a changed simulated host does not change them.
 */

interface Case {
  readonly name: string;
  readonly story: string;
  readonly spec: string;
  readonly cards?: readonly CardOptions[];
  /** How far the host has come before it is observed. */
  readonly until: "power-on" | "early" | "bonded" | "works";
  /** What has happened to it, at power-on and in the end. */
  readonly born?: readonly FaultName[];
  readonly drift?: readonly FaultName[];
  readonly change?: (world: World) => void;
  /** False where vflag's files for the boot were not there. */
  readonly persistent?: boolean;
  /** The spec that the host was set up with, where it differs from the one that is asked for. */
  readonly madeWith?: string;
}

const dual: CardOptions = { model: "ConnectX-5", ports: 2, bond: { name: "bond0", mode: "802.3ad" } };
const nic = (lines: string) =>
  `version: 1\nnics:\n  - name: data\n${lines
    .trim()
    .split("\n")
    .map((line) => `    ${line.trim()}`)
    .join("\n")}\n`;
const vfLag = nic(
  "mode: vf-lag\nports: [ens3f0, ens3f1]\nvfs: 2\nbond: bond0\nchannels: {pf: 63, representor: 18}",
);
const vfLag8 = nic("mode: vf-lag\nports: [ens3f0, ens3f1]\nvfs: 8\nbond: bond0");
const vfLag4 = nic("mode: vf-lag\nports: [ens3f0, ens3f1]\nvfs: 4\nbond: bond0");
const vfLagOvs = `${vfLag}ovs: {}\n`;
const vfLagGuests = `${nic("mode: vf-lag\nports: [ens3f0, ens3f1]\nvfs: 4\nbond: bond0\nphysnet: physnet2")}ovs: {}\n`;
const switchdev = nic("mode: switchdev\nports: [ens3f0]\nvfs: 2\nchannels: {pf: 16}");
const sriov = nic("mode: sriov\nports: [ens3f0, ens3f1]\nvfs: 2");

const bridgeNetdev = {
  altNames: [],
  mac: null,
  permanentMac: null,
  kind: "bridge",
  up: true,
  carrier: true,
  mtu: 1500,
  master: null,
  device: null,
  switchId: null,
  portName: null,
  tcOffload: { on: false, fixed: true },
  channels: null,
};

const cases: readonly Case[] = [
  {
    name: "vf-lag-waiting-for-networking",
    story: "The early stage has run; networking has not made the bond yet.",
    spec: vfLag,
    until: "early",
  },
  {
    name: "vf-lag-bonded",
    story: "Networking has made the bond; the late stage has not run.",
    spec: vfLag,
    until: "bonded",
  },
  {
    name: "vf-lag-active-backup",
    story: "All is as it should be, with an active-backup bond.",
    spec: vfLag,
    cards: [{ ...dual, bond: { name: "bond0", mode: "active-backup" } }],
    until: "works",
  },
  {
    name: "third-slave",
    story: "A third slave has joined the bond: the LAG went away without a message.",
    spec: vfLag,
    until: "works",
    drift: ["third-slave"],
  },
  {
    name: "slave-missing",
    story: "One port has left the bond.",
    spec: vfLag,
    until: "works",
    drift: ["slave-missing"],
  },
  {
    name: "bond-mode-balance-rr",
    story: "The bond has a mode that the NIC cannot offload.",
    spec: vfLag,
    until: "works",
    drift: ["bond-mode"],
  },
  {
    name: "slave-down",
    story: "One port of the bond has no link: the LAG still works, a warning is due.",
    spec: vfLag,
    until: "works",
    change: (world) => {
      const slave = world.state.bonds[0]?.slaves[1];
      if (slave !== undefined) slave.up = false;
    },
  },
  {
    name: "roce-lag",
    story: "VFs and switchdev were made under a bond: the LAG is active, but of type roce.",
    spec: vfLag,
    until: "works",
    change: (world) => {
      for (const pf of world.state.pfs) {
        const lag = known(pf.lag);
        if (lag != null) lag.type = "roce";
      }
    },
  },
  {
    name: "multiport-eswitch",
    story: "Somebody turned on esw_multiport: the LAG is of another kind.",
    spec: vfLag,
    until: "works",
    change: (world) => {
      for (const pf of world.state.pfs) {
        const lag = known(pf.lag);
        if (lag != null) lag.type = "multiport_eswitch";
      }
    },
  },
  {
    name: "vfs-bound-too-early",
    story: "VFs were bound before the LAG was active, so that it never came up.",
    spec: vfLag,
    until: "bonded",
    drift: ["vfs-bound-early"],
  },
  {
    name: "port-back-to-legacy-before-bond",
    story: "One port's eSwitch is in legacy mode, and the bond is not made yet.",
    spec: vfLag,
    until: "early",
    drift: ["port-to-legacy"],
  },
  {
    name: "lag-state-unknown",
    story: "debugfs is not mounted: nobody can tell whether the LAG works.",
    spec: vfLag,
    until: "works",
    drift: ["debugfs-missing"],
  },
  {
    name: "guests-run",
    story: "Guests hold VFs and all is well: nothing may be touched, and nothing needs to be.",
    spec: vfLag,
    until: "works",
    drift: ["guest-holds-vf"],
  },
  {
    name: "guests-talk-in-software",
    story: "Everything is in place for hardware, and the guests' flows are in software all the same.",
    spec: vfLagGuests,
    until: "works",
    change: (world) => {
      startGuests(world);
      inject(world, "flows-in-software");
    },
  },
  {
    name: "guests-talk-by-one-port",
    story:
      "One port has no link: its VFs leave by the other one, in hardware. A container and a guest with a name full of markup are there too.",
    spec: vfLagGuests,
    until: "works",
    change: (world) => {
      startGuests(world);
      inject(world, "container-holds-vf");
      for (const pf of world.state.pfs) {
        const lag = known(pf.lag);
        if (lag != null) Object.assign(lag, { portSelection: "queue_affinity", mapping: ["1:2", "2:2"] });
      }
      const slave = world.state.bonds[0]?.slaves[0];
      const netdev = world.state.netdevs.find(({ name }) => name === slave?.netdev);
      if (slave !== undefined) slave.up = false;
      if (netdev !== undefined) netdev.carrier = false;
      const guest = known(world.state.guests)?.[1];
      if (guest?.kind === "domain")
        guest.title = "<script>alert('&')</script>\n\u001b[31mred \u202etfel ot thgir";
    },
  },
  {
    name: "more-vfs-wanted-guests-run",
    story: "The spec asks for more VFs while guests hold some: a person must decide.",
    spec: vfLag4,
    madeWith: nic("mode: vf-lag\nports: [ens3f0, ens3f1]\nvfs: 2\nbond: bond0"),
    until: "early",
    drift: ["guest-holds-vf"],
  },
  {
    name: "more-vfs-wanted-bonded",
    story: "The spec asks for more VFs on ports that are in a bond: a reboot.",
    spec: vfLag4,
    madeWith: nic("mode: vf-lag\nports: [ens3f0, ens3f1]\nvfs: 2\nbond: bond0"),
    until: "works",
  },
  {
    name: "more-vfs-wanted-free",
    story: "The spec asks for more VFs and nothing stands in the way: 0 comes between.",
    spec: vfLag4,
    madeWith: nic("mode: vf-lag\nports: [ens3f0, ens3f1]\nvfs: 2\nbond: bond0"),
    until: "early",
  },
  {
    name: "firmware-short-of-vfs",
    story: "The firmware offers fewer VFs than wanted.",
    spec: nic("mode: vf-lag\nports: [ens3f0, ens3f1]\nvfs: 8\nbond: bond0"),
    until: "power-on",
    born: ["firmware-short"],
  },
  {
    name: "no-sriov-capability",
    story: "SR-IOV is off in the firmware: the ports have no such capability.",
    spec: vfLag,
    until: "power-on",
    born: ["no-virtualization"],
  },
  {
    name: "firmware-to-set",
    story:
      "The firmware offers fewer VFs than wanted, and the spec lets vflag set it: then a reboot, then the VFs.",
    spec: `${vfLag8}firmware: {}\n`,
    until: "power-on",
    born: ["firmware-short"],
  },
  {
    name: "firmware-sriov-off",
    story: "SR-IOV is off in the firmware, and the spec lets vflag set it.",
    spec: `${vfLag}firmware: {}\n`,
    until: "power-on",
    born: ["no-virtualization"],
  },
  {
    name: "firmware-waits-for-reboot",
    story: "The firmware is set, and the host was not rebooted since.",
    spec: `${vfLag8}firmware: {}\n`,
    until: "power-on",
    born: ["firmware-short"],
    change: (world) => setFirmware(world, "0000:37:00.0", { NUM_OF_VFS: "8" }),
  },
  {
    name: "firmware-by-hand",
    story:
      "Two NICs on the ports of one card want different numbers of VFs: one value, and a person sets it.",
    spec: `${nic("mode: sriov\nports: [ens3f0]\nvfs: 6")}  - name: other\n    mode: sriov\n    ports: [ens3f1]\n    vfs: 12\nfirmware: {manage: false}\n`,
    until: "power-on",
    born: ["firmware-short"],
  },
  {
    name: "firmware-lockdown",
    story: "The kernel's lockdown keeps mstconfig from the card, and the card offers fewer VFs than wanted.",
    spec: `${vfLag8}firmware: {}\n`,
    until: "power-on",
    born: ["firmware-short"],
    change: (world) => {
      const reason =
        "mstconfig -d 0000:37:00.0 -e query: exit code 3: write counter to semaphore: Permission denied; -E- Failed to open the device. The kernel's lockdown is on (integrity; secure boot does that) and keeps programs from a card's registers: kernel_lockdown(7)";
      for (const card of known(world.state.firmware) ?? []) card.configuration = { unknown: reason };
    },
  },
  {
    name: "firmware-not-asked-enough-vfs",
    story: "No program asks the firmware, and the kernel shows enough VFs: nothing is wrong.",
    spec: `${vfLag}firmware: {}\n`,
    until: "works",
    change: (world) => {
      world.state.firmware = {
        unknown: "neither mstconfig nor mlxconfig is installed (mstconfig is in the package mstflint)",
      };
    },
  },
  {
    name: "firmware-over-64-vfs",
    story: "NUM_OF_VFS is 127 on a card for VF-LAG: it may keep the LAG away, a warning is due.",
    spec: `${vfLag}firmware: {}\n`,
    until: "power-on",
    change: (world) => {
      for (const pf of world.state.pfs) {
        if (pf.sriov !== null) pf.sriov.total = 127;
        overwriteFirmware(world, pf, { NUM_OF_VFS: "127" });
      }
    },
  },
  {
    name: "firmware-infiniband",
    story: "A VPI card whose second port will be InfiniBand at the next boot.",
    spec: `${vfLag}firmware: {}\n`,
    until: "works",
    change: (world) => {
      for (const { configuration } of known(world.state.firmware) ?? []) {
        const parameters = known(configuration)?.parameters ?? {};
        parameters["LINK_TYPE_P1"] = { default: "IB", current: "ETH", next: "ETH", readOnly: false };
        parameters["LINK_TYPE_P2"] = { default: "IB", current: "ETH", next: "IB", readOnly: false };
      }
    },
  },
  {
    name: "firmware-dpu",
    story: "A BlueField DPU: a reboot of the host does not load what was set.",
    spec: `${vfLag8}firmware: {}\n`,
    cards: [{ ...dual, model: "BlueField-3" }],
    until: "power-on",
    born: ["firmware-short"],
  },
  {
    name: "vf-link-missing",
    story: "One VF of each port has not appeared on the PCI bus.",
    spec: vfLag,
    until: "early",
    born: ["missing-vf-link"],
  },
  {
    name: "holders-unknown",
    story: "It cannot be told who uses the VFs: the number is not changed.",
    spec: vfLag4,
    madeWith: nic("mode: vf-lag\nports: [ens3f0, ens3f1]\nvfs: 2\nbond: bond0"),
    until: "early",
    drift: ["holders-unknown"],
  },
  {
    name: "port-missing",
    story: "The second port is gone.",
    spec: vfLag,
    until: "power-on",
    born: ["port-missing"],
  },
  {
    name: "unknown-port-name",
    story: "The spec names a port that this host does not have.",
    spec: nic("mode: vf-lag\nports: [ens9f0, ens9f1]\nvfs: 2\nbond: bond0"),
    until: "power-on",
  },
  {
    name: "selector-matches-too-much",
    story: "A wildcard matches the four ports of two cards.",
    spec: nic('mode: vf-lag\nports: [{vendor: "15b3"}]\nvfs: 2\nbond: bond0'),
    cards: [dual, { model: "ConnectX-5", ports: 2 }],
    until: "power-on",
  },
  {
    name: "ports-of-two-cards",
    story: "The two ports belong to two cards: VF-LAG cannot join them.",
    spec: nic("mode: vf-lag\nports: [ens3f0, ens4f0]\nvfs: 2\nbond: bond0"),
    cards: [dual, { model: "ConnectX-5", ports: 2 }],
    until: "power-on",
  },
  {
    name: "two-nics-one-port",
    story: "Two NICs of the spec mean the same port by different selectors.",
    spec: `${vfLag}  - name: other\n    mode: sriov\n    ports: [{address: "0000:37:00.0"}]\n    vfs: 2\n`,
    until: "power-on",
  },
  {
    name: "selected-by-address",
    story: "The ports are named by PCI address with a wildcard.",
    spec: nic('mode: vf-lag\nports: [{address: "0000:37:00.*"}]\nvfs: 2\nbond: bond0'),
    until: "bonded",
  },
  {
    name: "selected-by-mac",
    story: "The ports are named by the first bytes of their MAC addresses.",
    spec: nic('mode: vf-lag\nports: [{mac: "24:8a:07:*"}]\nvfs: 2\nbond: bond0'),
    until: "works",
  },
  {
    name: "renamed-by-udev",
    story: "In switchdev mode udev renamed the ports: the bond misses them.",
    spec: vfLag,
    until: "bonded",
    born: ["renames-ports"],
    persistent: false,
  },
  {
    name: "other-bond",
    story: "The ports are in a bond of another name.",
    spec: nic("mode: vf-lag\nports: [ens3f0, ens3f1]\nvfs: 2\nbond: bond7"),
    madeWith: vfLag,
    until: "works",
  },
  {
    name: "connectx-4-lx-vf-lag",
    story: "A ConnectX-4 Lx is asked for VF-LAG, which it is not known to do.",
    spec: vfLag,
    cards: [{ ...dual, model: "ConnectX-4 Lx" }],
    until: "power-on",
  },
  {
    name: "connectx-4-lx-inline",
    story: "A ConnectX-4 Lx needs inline mode transport for switchdev.",
    spec: nic("mode: switchdev\nports: [ens3f0]\nvfs: 2\neswitch: {inline: transport}"),
    cards: [{ ...dual, model: "ConnectX-4 Lx" }],
    until: "power-on",
  },
  {
    name: "connectx-3",
    story: "A ConnectX-3 makes VFs only from module options.",
    spec: sriov,
    cards: [{ model: "ConnectX-3", ports: 2 }],
    until: "power-on",
  },
  {
    name: "connectx-3-by-modprobe",
    story: "A ConnectX-3 gets module options, and after a reboot its VFs.",
    spec: nic("mode: sriov\nports: [ens3f0, ens3f1]\nvfs: 2\npersistence: modprobe"),
    cards: [{ model: "ConnectX-3", ports: 2 }],
    until: "power-on",
  },
  {
    name: "sriov-by-udev",
    story: "Plain SR-IOV that a udev rule keeps: no unit of vflag's is needed.",
    spec: nic("mode: sriov\nports: [ens3f0, ens3f1]\nvfs: 2\npersistence: udev"),
    cards: [{ model: "X710", ports: 2 }],
    until: "power-on",
  },
  {
    name: "boot-files-edited",
    story:
      "Somebody edited the udev rules, and a file is there that is no longer wanted; another of that name is an operator's own.",
    spec: vfLag,
    until: "works",
    change: (world) => {
      const files = known(world.state.files) ?? [];
      for (const file of files)
        if (file.path.endsWith(".rules")) file.text = file.text.replaceAll("ens3f0", "data0");
      files.push({
        path: "/etc/modprobe.d/vflag.conf",
        text: "# Made by `vflag render`.\noptions mlx4_core num_vfs=4\n",
        mode: 0o644,
      });
      files.push({
        path: "/etc/NetworkManager/conf.d/vflag.conf",
        text: "[keyfile]\nunmanaged-devices=*\n",
        mode: 0o644,
      });
    },
  },
  {
    name: "intel-sriov",
    story: "Plain SR-IOV on an Intel NIC.",
    spec: sriov,
    cards: [{ model: "X710", ports: 2 }],
    until: "power-on",
  },
  {
    name: "intel-switchdev",
    story: "An Intel NIC without eSwitch is asked for switchdev.",
    spec: switchdev,
    cards: [{ model: "X710", ports: 2 }],
    until: "power-on",
  },
  {
    name: "sriov-works",
    story: "Plain SR-IOV on a ConnectX-5, as it should be.",
    spec: sriov,
    until: "works",
  },
  {
    name: "switchdev-from-power-on",
    story: "Switchdev without a bond, from power-on.",
    spec: switchdev,
    until: "power-on",
  },
  {
    name: "steering-to-change",
    story: "Another flow steering is asked of a port in switchdev mode: it goes through legacy.",
    spec: nic("mode: switchdev\nports: [ens3f0]\nvfs: 2\neswitch: {steering: dmfs}"),
    madeWith: nic("mode: switchdev\nports: [ens3f0]\nvfs: 2"),
    until: "works",
  },
  {
    name: "steering-without-value",
    story: "The kernel shows no value for the steering parameter: it is left alone.",
    spec: nic("mode: switchdev\nports: [ens3f0]\nvfs: 2\neswitch: {steering: smfs}"),
    until: "power-on",
    drift: ["steering-without-value"],
  },
  {
    name: "vf-addresses-forgotten",
    story: "The firmware forgot the VFs' addresses at the mode change.",
    spec: nic(
      'mode: vf-lag\nports: [ens3f0, ens3f1]\nvfs: 2\nbond: bond0\nvfSettings: {mac: "02:5d:00:00:{port}:{vf}"}',
    ),
    until: "bonded",
    born: ["forgets-vf-macs"],
  },
  {
    name: "offload-turned-off",
    story: "hw-tc-offload was turned off on the bonded ports: it is turned on without harm.",
    spec: vfLag,
    until: "works",
    drift: ["tc-offload-off"],
  },
  {
    name: "channels-reset",
    story:
      "Channels are back at 1: those of the representors are set, those of the bonded ports wait for a boot.",
    spec: vfLag,
    until: "works",
    drift: ["channels-reset"],
  },
  {
    name: "channels-more-than-offered",
    story: "More channels are declared than the device offers.",
    spec: nic(
      "mode: vf-lag\nports: [ens3f0, ens3f1]\nvfs: 2\nbond: bond0\nchannels: {pf: 128, representor: 18}",
    ),
    until: "power-on",
  },
  {
    name: "representor-missing",
    story: "One VF has no representor.",
    spec: vfLag,
    until: "works",
    drift: ["representors-lost"],
  },
  {
    name: "vfs-unbound",
    story: "Somebody unbound a port's VFs.",
    spec: vfLag,
    until: "works",
    drift: ["vfs-unbound"],
  },
  {
    name: "autoprobe-left-off",
    story: "Autoprobe was left off: libvirt could not give VFs back.",
    spec: vfLag,
    until: "works",
    change: (world) => {
      for (const pf of world.state.pfs) if (pf.sriov !== null) pf.sriov.autoprobe = false;
    },
  },
  {
    name: "port-in-a-bridge",
    story: "A port is the slave of a Linux bridge before the early stage: it is not touched.",
    spec: switchdev,
    until: "power-on",
    change: (world) => {
      const netdev = world.state.netdevs.find((candidate) => candidate.name === "ens3f0");
      if (netdev !== undefined) netdev.master = "br0";
    },
  },
  {
    name: "two-nics",
    story: "VF-LAG on one card and plain SR-IOV on another, from power-on.",
    spec: `${vfLag}  - name: storage\n    mode: sriov\n    ports: [ens4f0]\n    vfs: 2\n`,
    cards: [dual, { model: "ConnectX-6 Dx", ports: 2 }],
    until: "power-on",
  },
  {
    name: "bond-re-formed",
    story: "The bond was taken apart and made again with the VFs unbound.",
    spec: vfLag,
    until: "bonded",
    change: (world) => {
      for (const name of ["ens3f0", "ens3f1"]) release(world, name);
      for (const name of ["ens3f0", "ens3f1"]) enslave(world, "bond0", name);
      world.hidden.clock += 10;
    },
  },
  {
    name: "ovs-works",
    story: "Open vSwitch offloads, with the bond in a bridge: all is as it should be.",
    spec: vfLagOvs,
    until: "works",
  },
  {
    name: "ovs-offload-off",
    story:
      "Open vSwitch was never told to offload: it is told, and the ports' ingress blocks then need a restart.",
    spec: vfLagOvs,
    until: "works",
    drift: ["ovs-offload-off"],
  },
  {
    name: "ovs-waiting-for-restart",
    story: "hw-offload is set, but ovs-vswitchd was started before.",
    spec: vfLagOvs,
    until: "works",
    drift: ["ovs-offload-off"],
    change: (world) => {
      const ovs = known(world.state.ovs);
      if (ovs != null) ovs.hwOffload = true;
    },
  },
  {
    name: "ovs-skip-hw",
    story: "tc-policy keeps every rule out of the hardware.",
    spec: vfLagOvs,
    until: "works",
    drift: ["ovs-skip-hw"],
  },
  {
    name: "ovs-ingress-block-missing",
    story: "After a restart of Open vSwitch the bond has no ingress block any more.",
    spec: vfLagOvs,
    until: "works",
    drift: ["ingress-block-missing"],
  },
  {
    name: "ovs-stale-ports",
    story: "Dead ports: one of a VF that is no more goes, one of a Neutron port is left to a person.",
    spec: vfLagOvs,
    until: "works",
    drift: ["stale-port"],
    change: (world) => {
      const error = "could not open network device ens3f1npf1vf7 (No such device)";
      const dead = { name: "ens3f1npf1vf7", port: "ens3f1npf1vf7", type: "", ofport: -1, error };
      known(world.state.ovs)?.bridges[0]?.interfaces.push({
        ...dead,
        ifaceId: "0f2c4a5e-6a3b-4f1c-9d57-8b8f3a1c2d3e",
      });
    },
  },
  {
    name: "ovs-in-a-container",
    story:
      "Open vSwitch runs in Kolla's container under podman, and is not told to offload; its daemon is an old one.",
    spec: `${vfLag}ovs: {engine: podman, container: openvswitch_vswitchd}\n`,
    until: "works",
    drift: ["ovs-offload-off"],
    change: (world) => {
      const ovs = known(world.state.ovs);
      if (ovs == null) return;
      ovs.source = { kind: "container", engine: "podman", name: "openvswitch_vswitchd" };
      ovs.version = "2.11.9";
    },
  },
  {
    name: "ovs-not-found",
    story: "The spec speaks of Open vSwitch, and there is none.",
    spec: vfLagOvs,
    until: "works",
    change: (world) => {
      world.state.ovs = null;
      world.state.ingressQdiscs = [];
    },
  },
  {
    name: "ovs-stopped",
    story: "ovs-vswitchd has died.",
    spec: vfLagOvs,
    until: "works",
    drift: ["ovs-stopped"],
  },
  {
    name: "ovs-linux-bridge-on-bond",
    story: "A Linux bridge sits on the bond, and the userspace datapath has the bond as a port.",
    spec: vfLagOvs,
    until: "works",
    change: (world) => {
      addNetdev(world, { ...bridgeNetdev, name: "br-lan" });
      const bond = world.state.netdevs.find((candidate) => candidate.name === "bond0");
      if (bond !== undefined) bond.master = "br-lan";
      for (const bridge of known(world.state.ovs)?.bridges ?? []) bridge.datapathType = "netdev";
    },
  },
  {
    name: "iommu-off",
    story:
      "The kernel was started without intel_iommu=on: the arguments are set, and the rest follows at the reboot.",
    spec: `${vfLag}kernel: {iommu: auto}\n`,
    until: "works",
    drift: ["iommu-off"],
  },
  {
    name: "iommu-off-not-declared",
    story: "No guest can be given a VF, and the spec does not say what to do about it.",
    spec: vfLag,
    until: "works",
    drift: ["iommu-off"],
  },
  {
    name: "virtualization-off",
    story: "Virtualization and the IOMMU are off in the BIOS: nobody but a person can turn them on.",
    spec: `${vfLag}kernel: {iommu: auto}\n`,
    until: "works",
    drift: ["virtualization-off"],
  },
  {
    name: "huge-pages",
    story: "All works; huge pages, a C-state and an argument are declared and not set yet.",
    spec: `${vfLag}kernel: {hugepages: {size: 1G, count: 16}, maxCstate: 1, arguments: [pci=realloc]}\n`,
    until: "works",
  },
  {
    name: "kernel-arguments-with-grubby",
    story: "The same where grubby keeps the kernels' arguments.",
    spec: `${vfLag}kernel: {hugepages: {size: 1G, count: 16}}\n`,
    until: "works",
    change: (world) => changeLoader(world, (loader) => Object.assign(loader, { kind: "grubby" })),
  },
  {
    name: "kernel-arguments-with-systemd-boot",
    story: "systemd-boot's entries are a person's to change.",
    spec: `${vfLag}kernel: {iommu: auto}\n`,
    until: "works",
    drift: ["iommu-off"],
    change: (world) => changeLoader(world, (loader) => Object.assign(loader, { kind: "systemd-boot" })),
  },
  {
    name: "kernel-arguments-undone",
    story: "An operator's own iommu=off undoes what the spec wants: it is named.",
    spec: `${vfLag}kernel: {iommu: auto}\n`,
    until: "works",
    drift: ["iommu-off"],
    change: (world) => {
      world.hidden.ownArguments.push("iommu=off");
      known(known(world.state.platform)?.arguments ?? [])?.push("iommu=off");
      changeLoader(world, ({ entries }) => known(entries)?.[0]?.arguments.push("iommu=off"));
    },
  },
  {
    name: "openibd",
    story: "Mellanox's openibd is enabled: it would load the driver anew at the end of the boot.",
    spec: vfLag,
    until: "works",
    drift: ["openibd"],
  },
  {
    name: "no-room-for-vfs",
    story: "The BIOS left too little address space for the VFs: the kernel said so when they were tried.",
    spec: sriov,
    until: "early",
    born: ["no-mmio"],
  },
  {
    name: "lag-by-kernel-log",
    story:
      "A kernel before 5.19 tells the LAG in its log only: it reaches back far enough, and all is as it should be.",
    spec: vfLag,
    until: "works",
    born: ["lag-in-log-only"],
  },
  {
    name: "lag-by-kernel-log-refused",
    story: "A kernel before 5.19, whose log says that the firmware refused the LAG because VFs were bound.",
    spec: vfLag,
    until: "works",
    born: ["lag-in-log-only"],
    drift: ["vfs-bound-early"],
  },
  {
    name: "lag-by-kernel-log-lost",
    story: "A kernel before 5.19 whose log has lost what it said of the LAG: it cannot be told.",
    spec: vfLag,
    until: "works",
    born: ["lag-in-log-only"],
    drift: ["kernel-log-lost"],
  },
  {
    name: "lag-refused-by-firmware",
    story: "VFs were bound when the bond formed anew; the kernel log says what the firmware made of it.",
    spec: vfLag,
    until: "works",
    drift: ["vfs-bound-early"],
  },
  {
    name: "lag-stuck-in-firmware",
    story:
      "A third slave came and went while VFs were bound: the firmware kept its LAG, and only a start of the driver helps.",
    spec: vfLag,
    until: "works",
    drift: ["third-slave"],
    change: (world) => release(world, "eno1"),
  },
  {
    name: "mode-change-out-of-memory",
    story: "There was no memory for the ports' netdevs at the change to switchdev.",
    spec: vfLag,
    until: "early",
    born: ["mode-change-out-of-memory"],
  },
  {
    name: "steering-refused-by-card",
    story:
      "The card cannot do smfs, said so at boot, and is not asked again: the NIC works on, and the spec is what is wrong.",
    spec: `${switchdev}    eswitch: {steering: smfs}\n`,
    cards: [{ model: "ConnectX-6 Dx", ports: 2 }],
    until: "works",
    born: ["no-smfs"],
  },
  {
    name: "steering-asked-first",
    story:
      "smfs is wanted of a NIC that works with dmfs: card and eSwitch are asked before anything is taken apart.",
    spec: `${switchdev}    eswitch: {steering: smfs}\n`,
    madeWith: `${switchdev}    eswitch: {steering: dmfs}\n`,
    cards: [{ model: "ConnectX-6 Dx", ports: 2 }],
    until: "works",
  },
  {
    name: "encap-cannot-be-asked",
    story:
      "encap is wanted of a NIC in switchdev mode that has it off: nobody can ask the card without harm, so it waits for the next boot.",
    spec: `${switchdev}    eswitch: {encap: true}\n`,
    cards: [{ model: "ConnectX-6 Dx", ports: 2 }],
    until: "works",
    born: ["no-encap"],
    madeWith: switchdev,
  },
  {
    name: "kernel-without-tc-offload",
    story:
      "The kernel's mlx5 was built without CONFIG_MLX5_CLS_ACT: the plan says at power-on that no flow will be offloaded.",
    spec: vfLag,
    until: "power-on",
    born: ["kernel-without-tc-offload"],
  },
  {
    name: "lag-withdrawn-over-64-vfs",
    story:
      "The firmware is set up for 80 VFs and offers no LAG: no directory, no message, and a model that could.",
    spec: `${vfLag}firmware: {}\n`,
    until: "power-on",
    change: (world) => {
      for (const pf of world.state.pfs) {
        if (pf.sriov !== null) pf.sriov.total = 80;
        pf.lag = null;
        overwriteFirmware(world, pf, { NUM_OF_VFS: "80" });
      }
    },
  },
  {
    name: "channels-before-lag",
    story:
      "One channel on every port, and the LAG is off with VFs bound: guests lose most by the LAG, which is the headline.",
    spec: vfLag,
    until: "works",
    drift: ["channels-reset", "vfs-bound-early"],
  },
  {
    name: "probe-of-vfs-fails",
    story: "The driver does not take the VFs: it says why in the kernel log.",
    spec: vfLag,
    until: "works",
    born: ["bind-fails"],
  },
  {
    name: "flows-refused",
    story:
      "All that can be seen is right, and yet Open vSwitch says just now that the card refuses flows from the bond.",
    spec: vfLagOvs,
    until: "works",
    drift: ["flows-refused"],
  },
  {
    name: "error-not-known",
    story: "The driver says something that vflag does not know: it is shown as it is.",
    spec: vfLag,
    until: "works",
    drift: ["third-slave"],
    change: (world) =>
      logKernel(world, 3, "mlx5_core 0000:37:00.0: frobnicate:21:(pid 1): the flux has no capacitor"),
  },
];

const asked = process.argv.slice(2);
for (const wanted of cases) if (asked.length === 0 || asked.includes(wanted.name)) await writeCase(wanted);

function changeLoader(world: World, change: (loader: BootLoader) => unknown): void {
  const platform = known(world.state.platform);
  const loader = platform === undefined ? undefined : known(platform.bootLoader);
  if (loader !== undefined) change(loader);
}

async function writeCase({
  name,
  story,
  spec,
  cards = [dual],
  until,
  born = [],
  drift = [],
  change,
  persistent = true,
  madeWith = spec,
}: Case): Promise<void> {
  const world = buildHost(cards);
  for (const fault of born) inject(world, fault);
  const host = new SimulatedHost(world);
  const made = loadSpec(madeWith, name);
  if (until !== "power-on")
    await reconcile(host, made, { stages: persistent ? ["firmware", "persistence", "early"] : ["early"] });
  if (until === "bonded" || until === "works") network(world);
  if (until === "works") await reconcile(host, made, { stages: ["early", "late"] });
  for (const fault of drift) inject(world, fault);
  change?.(world);
  const folder = join(import.meta.dirname, "../test/golden", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "spec.yaml"), `# ${story}\n${spec}`);
  writeFileSync(join(folder, "state.json"), `${JSON.stringify(observeWorld(world), null, 1)}\n`);
}
