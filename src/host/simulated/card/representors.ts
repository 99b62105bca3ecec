import { profileOf } from "../../../drivers/registry.ts";
import { known } from "../../state/observed.ts";
import type { PhysicalFunction } from "../../state/state.ts";
import { slotOf } from "../../state/values.ts";
import { addNetdev, cardOf, removeNetdev, takesRules, type World } from "../world.ts";
import { baseName } from "./drivers.ts";

/**
 * The devlink port index of vport 0 of a PF: vhca id in the upper half, linux eswitch.h
 * mlx5_esw_vport_to_devlink_port_index().
 */
export function portIndexBase(pf: number): number {
  return pf * 65536;
}

/**
 * Gives every VF of a PF in switchdev mode its representor, named as systemd's udev does: `ens3f0npf0vf3`.
 */
export function addRepresentors(world: World, pf: PhysicalFunction): void {
  const port = cardOf(world, pf).indexOf(pf);
  const profile = profileOf(pf);
  const uplinkMax =
    known(world.state.netdevs.find((netdev) => netdev.name === pf.netdev)?.channels)?.max ??
    profile.representorChannels;
  const switchId =
    world.state.netdevs.find((netdev) => netdev.name === pf.netdev)?.switchId ?? switchIdOf(pf);
  for (const vf of pf.vfs) {
    const portName = `pf${port}vf${vf.index}`;
    const name = addNetdev(world, {
      name: `${baseName(pf)}n${portName}`,
      altNames: [],
      mac: `ae:b1:5c:${hex(port)}:${hex(vf.index >> 8)}:${hex(vf.index & 0xff)}`,
      permanentMac: null,
      kind: null,
      up: false,
      carrier: false,
      mtu: 1500,
      master: null,
      device: pf.address,
      switchId,
      portName,
      tcOffload: { on: takesRules(world, pf), fixed: !takesRules(world, pf) },
      // linux en_rep.c, MLX5E_REP_PARAMS_DEF_NUM_CHANNELS; the most are the uplink's, unless the firmware's
      // TIRs are shared by so many ports that they are fewer: mlx5e_rep_max_nch_limit().
      channels: { combined: 1, max: Math.min(profile.representorChannels, uplinkMax) },
    });
    world.state.representors.push({ netdev: name, pf: pf.address, vf: vf.index });
    known(world.state.devlinkPorts)?.push({
      handle: `pci/${pf.address}`,
      index: portIndexBase(port) + vf.index + 1,
      flavour: "pcivf",
      netdev: name,
      port: null,
      pf: port,
      vf: vf.index,
      controller: 0,
    });
  }
}

/**
 * Takes a PF's representors away; bridges that had them as ports keep stale entries, as with Open vSwitch.
 */
export function removeRepresentors(world: World, pf: PhysicalFunction): void {
  for (const representor of world.state.representors.filter((candidate) => candidate.pf === pf.address)) {
    removeNetdev(world, representor.netdev);
  }
  world.state.representors = world.state.representors.filter((representor) => representor.pf !== pf.address);
  const ports = known(world.state.devlinkPorts);
  if (ports !== undefined) {
    world.state.devlinkPorts = ports.filter(
      (port) => port.flavour !== "pcivf" || port.handle !== `pci/${pf.address}`,
    );
  }
}

/** One switch id a card: it is made of the card's system image GUID. */
export function switchIdOf(pf: PhysicalFunction): string {
  return `9c0391${slotOf(pf.address).replaceAll(":", "").slice(-4)}0594`.padEnd(16, "0");
}

function hex(value: number): string {
  return value.toString(16).padStart(2, "0");
}
