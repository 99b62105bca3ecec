import { driverOf } from "../../drivers/registry.ts";
import { mayBeInUse } from "../in-use.ts";
import { isUnknown, known } from "../state/observed.ts";
import { cardFaults } from "./card/card-faults.ts";
import { attachDriver } from "./card/drivers.ts";
import { overwriteFirmware } from "./card/firmware.ts";
import { disabledLag, giveUpLag, reconsiderLag } from "./card/lag.ts";
import { addRepresentors, removeRepresentors } from "./card/representors.ts";
import { enslave, lagEvent, network, release } from "./events.ts";
import { behaviour, type Fault } from "./fault.ts";
import { giveToGuest } from "./machine/guests.ts";
import { logEswitch } from "./machine/kernel-log.ts";
import { logOvs } from "./machine/ovs.ts";
import { ovsFaults } from "./machine/ovs-faults.ts";
import { addOpenibd, startWithoutIommu, turnVirtualizationOff } from "./machine/platform.ts";
import { Behaviour, cardOf, type World } from "./world.ts";

const container = { engine: "containerd", id: "5a1e".repeat(16), name: null } as const;

/**
 * Everything that can go wrong by name. Those that act at once change the host's state; the others stay as
 * behaviours.
 */
export const faults = {
  "missing-vf-link": behaviour("the last VF of each port never appears on the PCI bus"),
  "no-mmio": behaviour("the BIOS left too little address space for VFs"),
  "renames-ports": behaviour("udev renames the ports when their eSwitch goes to switchdev"),
  "bind-fails": behaviour("the driver fails to probe VFs"),
  ...cardFaults,
  "lag-in-log-only": {
    summary: "a kernel before 5.19: the LAG is told by the kernel log only",
    apply: (world) => {
      world.state.kernel = "5.10.0-simulated";
    },
  },
  "kernel-log-lost": {
    summary: "the kernel log has lost what was said so far",
    apply: (world) => {
      const log = known(world.state.kernelLog);
      if (log !== undefined) world.state.kernelLog = { complete: false, omitted: log.omitted, lines: [] };
    },
  },
  ...ovsFaults,
  "virtualization-off": {
    summary: "virtualization and the IOMMU are off in the BIOS",
    apply: (world) => turnVirtualizationOff(world),
  },
  "iommu-off": {
    summary: "the kernel was started without intel_iommu=on, so that there is no IOMMU group",
    apply: (world) => startWithoutIommu(world),
  },
  openibd: {
    summary: "Mellanox's openibd.service is enabled: it loads the driver anew at the end of the boot",
    apply: (world) => addOpenibd(world),
  },
  "firmware-short": {
    summary: "the firmware offers 4 VFs a port (NUM_OF_VFS)",
    apply: (world) => {
      for (const pf of world.state.pfs) {
        if (pf.sriov === null) continue;
        pf.sriov.total = Math.min(pf.sriov.total, 4);
        overwriteFirmware(world, pf, { NUM_OF_VFS: String(pf.sriov.total) });
      }
    },
  },
  "no-virtualization": {
    summary: "the ports have no SR-IOV capability (SRIOV_EN off)",
    apply: (world) => {
      // What a card runs with is one for its ports.
      for (const pf of world.state.pfs) {
        if (pf.vfs.length > 0) continue;
        pf.sriov = null;
        if (cardOf(world, pf).every((port) => port.sriov === null))
          overwriteFirmware(world, pf, { SRIOV_EN: "false" });
      }
    },
  },
  "port-missing": {
    summary: "the second port of the first card is gone",
    apply: (world) => {
      const gone = world.state.pfs[1];
      if (gone?.netdev == null || gone.vfs.length > 0) return;
      release(world, gone.netdev);
      world.state.netdevs = world.state.netdevs.filter((netdev) => netdev.name !== gone.netdev);
      world.state.pfs = world.state.pfs.filter((pf) => pf !== gone);
    },
  },
  "third-slave": {
    summary: "a port of no NIC of the spec joins the first bond",
    apply: (world) => {
      const bond = world.state.bonds[0];
      if (bond !== undefined) enslave(world, bond.name, "eno1");
      else world.hidden.networking[0]?.slaves.push("eno1");
    },
  },
  "slave-missing": {
    summary: "the second port leaves its bond",
    apply: (world) => {
      const slave = world.state.bonds[0]?.slaves[1];
      if (slave !== undefined) release(world, slave.netdev);
    },
  },
  "bond-mode": {
    summary: "the first bond has the mode balance-rr",
    apply: (world) => {
      for (const wanted of world.hidden.networking.slice(0, 1)) wanted.mode = "balance-rr";
      const bond = world.state.bonds[0];
      if (bond === undefined) return;
      bond.mode = "balance-rr";
      bond.lacp = null;
      lagEvent(world);
    },
  },
  "bonded-early": {
    summary: "networking has made the bond before the early stage ran",
    apply: (world) => network(world),
  },
  "port-to-legacy": {
    summary: "somebody sets the first port's eSwitch back to legacy",
    apply: (world) => {
      const pf = world.state.pfs[0];
      const eswitch = pf === undefined ? undefined : known(pf.eswitch);
      if (pf === undefined || eswitch == null || eswitch.mode === "legacy") return;
      giveUpLag(world, pf);
      removeRepresentors(world, pf);
      logEswitch(world, pf, "switchdev", false);
      eswitch.mode = "legacy";
      for (const vf of pf.vfs) if (!isUnknown(vf.settings)) vf.settings.linkState = "auto";
      logEswitch(world, pf, "legacy", true);
      reconsiderLag(world, pf);
    },
  },
  "vfs-bound-early": {
    summary: "the VFs were bound before the LAG was active, so that it never came up",
    apply: (world) => {
      for (const pf of world.state.pfs) {
        if (pf.sriov !== null) pf.sriov.autoprobe = true;
        for (const vf of pf.vfs)
          if (vf.driver === null) attachDriver(world, pf, vf, driverOf(pf.driver).vfDriver);
      }
      // It never came up, so that there is none to give up.
      for (const pf of world.state.pfs)
        if (known(pf.lag)?.state === "active") pf.lag = disabledLag(known(pf.lag)?.members ?? []);
      world.hidden.lagActiveAt = {};
      const names = world.state.bonds.flatMap((bond) =>
        bond.slaves.map((slave) => ({ bond: bond.name, netdev: slave.netdev })),
      );
      for (const { netdev } of names) release(world, netdev);
      for (const { bond, netdev } of names) enslave(world, bond, netdev);
    },
  },
  "guest-holds-vf": {
    summary: "a guest holds the first VF of each port",
    apply: (world) => {
      for (const pf of world.state.pfs) for (const vf of pf.vfs.slice(0, 1)) giveToGuest(world, pf, vf);
    },
  },
  "container-holds-vf": {
    summary: "the netdev of the first port's second VF is in a container's network namespace",
    apply: (world) => {
      const vf = world.state.pfs[0]?.vfs[1];
      if (vf === undefined || vf.driver === null) return;
      world.state.netdevs = world.state.netdevs.filter((netdev) => netdev.device !== vf.address);
      vf.holders = [{ kind: "namespace", name: "cni-5a1e" }];
      known(world.state.guests)?.push({ kind: "container", ...container, pid: 5201, vfs: [vf.address] });
    },
  },
  "holders-unknown": {
    summary: "it cannot be told who uses the VFs",
    apply: (world) => {
      for (const pf of world.state.pfs)
        for (const vf of pf.vfs) vf.holders = { unknown: "/proc could not be read" };
    },
  },
  "flows-refused": {
    summary: "the card refuses what Open vSwitch wants to offload from the first bond",
    apply: (world) => {
      const [bond] = world.state.bonds;
      if (bond !== undefined)
        logOvs(world, "ERR", "dpif_netlink", `failed to offload flow: Operation not supported: ${bond.name}`);
    },
  },
  "tc-offload-off": {
    summary: "somebody turned hw-tc-offload off on the ports",
    apply: (world) => {
      for (const pf of world.state.pfs) {
        const netdev = world.state.netdevs.find((candidate) => candidate.name === pf.netdev);
        if (netdev !== undefined && known(netdev.tcOffload)?.fixed === false)
          netdev.tcOffload = { on: false, fixed: false };
      }
    },
  },
  "channels-reset": {
    summary: "the channels of ports and representors are back at 1",
    apply: (world) => {
      for (const netdev of world.state.netdevs) {
        const channels = known(netdev.channels);
        if (channels != null && netdev.switchId !== null)
          netdev.channels = { combined: 1, max: channels.max };
      }
    },
  },
  "representors-lost": {
    summary: "the first port's representors vanish, and come back without the last one",
    apply: (world) => {
      const pf = world.state.pfs[0];
      if (pf === undefined || known(pf.eswitch)?.mode !== "switchdev") return;
      removeRepresentors(world, pf);
      addRepresentors(world, pf);
      const last = world.state.representors.filter((representor) => representor.pf === pf.address).at(-1);
      world.state.representors = world.state.representors.filter((representor) => representor !== last);
      world.state.netdevs = world.state.netdevs.filter((netdev) => netdev.name !== last?.netdev);
    },
  },
  "vfs-unbound": {
    summary: "somebody unbound the first port's VFs",
    apply: (world) => {
      for (const vf of world.state.pfs[0]?.vfs ?? []) {
        if (vf.driver === null || vf.driver === "vfio-pci" || mayBeInUse(vf)) continue;
        vf.driver = null;
        world.state.netdevs = world.state.netdevs.filter((netdev) => netdev.device !== vf.address);
      }
    },
  },
  "debugfs-missing": {
    summary: "debugfs is not mounted, so that nobody can tell the LAG's state",
    apply: (world) => {
      for (const pf of world.state.pfs)
        if (pf.lag !== null) pf.lag = { unknown: "debugfs is not mounted at /sys/kernel/debug" };
    },
  },
  "boot-files-gone": {
    summary: "somebody removed the units, rules and options that vflag made for the boot",
    apply: (world) => {
      if (known(world.state.files) === undefined || known(world.state.units) === undefined) return;
      world.state.files = [];
      world.state.units = (known(world.state.units) ?? []).filter(({ name }) => !name.startsWith("vflag-"));
    },
  },
  "steering-without-value": {
    summary: "the kernel shows no value for flow_steering_mode (a regression of some 5.4 kernels)",
    apply: (world) => {
      for (const pf of world.state.pfs) {
        const eswitch = known(pf.eswitch);
        if (eswitch != null)
          eswitch.steering = { unknown: "the kernel shows flow_steering_mode without a value" };
      }
    },
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

/** Puts a fault into a simulated host. */
export function inject(world: World, name: FaultName): void {
  const fault: Fault = faults[name];
  fault.apply(world);
  if (isBehaviour(name) && !world.hidden.behaviours.includes(name)) world.hidden.behaviours.push(name);
}

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(faults, name);
}

const behaviourNames = new Set<string>(Behaviour.options.filter((name) => isFaultName(name)));

function isBehaviour(name: string): name is Behaviour {
  return behaviourNames.has(name);
}
