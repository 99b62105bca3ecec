import { hasFirmwareTool, models, profileOf } from "../../drivers/registry.ts";
import { known } from "../state/observed.ts";
import type { HostState, PhysicalFunction } from "../state/state.ts";
import { type PciAddress, pciAddress } from "../state/values.ts";
import { capabilityOf, firmwareOf } from "./card/firmware.ts";
import { disabledLag } from "./card/lag.ts";
import { portIndexBase, switchIdOf } from "./card/representors.ts";
import { startLog } from "./machine/kernel-log.ts";
import { buildOvs, startOvs } from "./machine/ovs.ts";
import type { World } from "./world.ts";

/** A NIC to be put into a new simulated host. */
export interface CardOptions {
  /** A model's name, such as `ConnectX-5`. */
  readonly model: string;
  readonly ports: number;
  /** The bond that the host's networking makes of the first two ports, if any. */
  readonly bond?: { readonly name: string; readonly mode: string };
}

const kernelImage = "/boot/vmlinuz-6.12.0-simulated";
const ownArguments = [
  "root=UUID=5a1e0000-0000-4000-8000-000000000001",
  "ro",
  "quiet",
  "intel_iommu=on",
  "iommu=pt",
];

/** The models that a simulated host can have. */
export const cardModels: readonly string[] = models.map((model) => model.name);

/**
 * A host as it is after power-on, before anything was set up: the first card is `ens3f0`, `ens3f1` at
 * 0000:37:00.
 */
export function buildHost(cards: readonly CardOptions[]): World {
  const state: HostState = {
    schema: "vflag/state/1",
    hostname: "simulated",
    kernel: "6.12.0-simulated",
    observedAt: "2026-01-01T00:00:00.000Z",
    pfs: [],
    netdevs: [],
    bonds: [],
    devlinkPorts: [],
    representors: [],
    program: "/usr/bin/vflag",
    files: [],
    units: [],
    firmware: [],
    ovs: buildOvs(cards.find(({ bond }) => bond !== undefined)?.bond?.name),
    ingressQdiscs: [],
    platform: {
      cpu: { vendor: "GenuineIntel", virtualization: "vmx" },
      iommuGroups: 40 + cards.reduce((ports, card) => ports + card.ports, 0),
      arguments: [`BOOT_IMAGE=${kernelImage}`, ...ownArguments],
      lockdown: "none",
      biosSigns: [],
      bootLoader: {
        kind: "grub",
        entries: [{ title: "Debian GNU/Linux", arguments: [...ownArguments] }],
        outdated: false,
      },
    },
    openStack: { sriovAgent: null, nova: null },
    kernelLog: { complete: true, omitted: 0, lines: [] },
    ovsLog: { from: "/var/log/openvswitch/ovs-vswitchd.log", sinceStart: true, lines: [] },
    guests: [],
    kernelOptions: { CONFIG_MLX5_CLS_ACT: true },
    refused: [],
    attempts: null,
    vfMakers: [],
    flows: { tallies: [], listed: 0, notUnderstood: 0, cut: null, tunnels: [] },
  };
  const world: World = {
    schema: "vflag/simulated-host/1",
    state,
    hidden: {
      clock: 0,
      startedAt: 0,
      nextIndex: 1,
      networking: [],
      behaviours: [],
      lagActiveAt: {},
      withoutFdb: [],
      halfWay: [],
      stuckLags: [],
      home: {},
      ownArguments: [...ownArguments],
      traffic: false,
      harm: [],
    },
  };
  addPlainNetdev(world, "lo", null);
  addPlainNetdev(world, "eno1", "0c:42:a1:00:00:01");
  for (const [index, card] of cards.entries()) addCard(world, card, index);
  for (const { name } of known(world.state.ovs)?.bridges ?? []) addPlainNetdev(world, name, null);
  startOvs(world);
  startLog(world);
  return world;
}

function addCard(world: World, card: CardOptions, index: number): void {
  const model = models.find((candidate) => candidate.name === card.model);
  if (model === undefined) throw new Error(`no NIC model "${card.model}": one of ${cardModels.join(", ")}`);
  const bus = (0x37 + index * 0x26).toString(16).padStart(2, "0");
  const slot = 3 + index;
  const addresses = Array.from({ length: card.ports }, (_, port) => pciAddress(`0000:${bus}:00.${port}`));
  addresses.forEach((address, port) => {
    const pf: PhysicalFunction = {
      address,
      vendor: model.vendor,
      product: model.product,
      model: model.name,
      driver: model.driver,
      firmware: hasFirmwareTool(model.vendor) ? "22.41.1000" : null,
      serial: hasFirmwareTool(model.vendor) ? `MT2026X${String(index).padStart(5, "0")}` : null,
      iommuGroup: 40 + index * 100 + port,
      numaNode: index % 2,
      netdev: `ens${slot}f${port}`,
      sriov: null,
      vfs: [],
      users: [],
      eswitch: null,
      lag: null,
    };
    world.state.pfs.push(pf);
    equip(world, pf, port, addresses, model.vfProduct);
  });
  if (hasFirmwareTool(model.vendor) && Array.isArray(world.state.firmware))
    world.state.firmware.push(firmwareOf(world, addresses, model));
  if (card.bond !== undefined) {
    const slaves = addresses.slice(0, 2).map((_, port) => `ens${slot}f${port}`);
    world.hidden.networking.push({ ...card.bond, slaves });
  }
}

function equip(
  world: World,
  pf: PhysicalFunction,
  port: number,
  card: PciAddress[],
  vfProduct: string | null,
): void {
  const profile = profileOf(pf);
  pf.sriov = capabilityOf(pf, port, profile.totalVfs, vfProduct);
  if (profile.eswitch) {
    const steering = profile.steering.includes("smfs") ? "smfs" : (profile.steering[0] ?? null);
    pf.eswitch = {
      mode: "legacy",
      inline: profile.inline === "none" ? "none" : "link",
      encap: true,
      steering,
    };
    pf.lag = profile.vfLag && card.length === 2 ? disabledLag([...card]) : null;
    if (Array.isArray(world.state.devlinkPorts)) {
      world.state.devlinkPorts.push({
        handle: `pci/${pf.address}`,
        index: portIndexBase(port) + 65535,
        flavour: "physical",
        netdev: pf.netdev,
        port,
        pf: null,
        vf: null,
        controller: null,
      });
    }
  }
  const channels = Math.min(profile.pfChannels, 32);
  const name = pf.netdev ?? "eth0";
  const mac = `24:8a:07:b4:${pf.address.slice(5, 7)}:8${port}`;
  world.hidden.home[pf.address] = { netdev: name, channels };
  world.state.netdevs.push({
    name,
    altNames: [],
    index: world.hidden.nextIndex++,
    mac,
    permanentMac: mac,
    kind: null,
    up: false,
    carrier: true,
    mtu: 9000,
    master: null,
    device: pf.address,
    switchId: profile.eswitch ? switchIdOf(pf) : null,
    portName: profile.eswitch ? `p${port}` : null,
    tcOffload: { on: false, fixed: !profile.tcOffload },
    channels: { combined: channels, max: profile.pfChannels },
  });
}

function addPlainNetdev(world: World, name: string, mac: string | null): void {
  world.state.netdevs.push({
    name,
    altNames: [],
    index: world.hidden.nextIndex++,
    mac,
    permanentMac: mac,
    kind: null,
    up: true,
    carrier: true,
    mtu: 1500,
    master: null,
    device: mac === null ? null : "0000:01:00.0",
    switchId: null,
    portName: null,
    tcOffload: { on: false, fixed: true },
    channels: mac === null ? null : { combined: 8, max: 8 },
  });
}
