import * as z from "zod";
import { profileOf } from "../../drivers/registry.ts";
import { cardsOf } from "../cards.ts";
import { NetdevName, PciAddress } from "../state/schemas.ts";
import { HostState, type PhysicalFunction, type VirtualFunction } from "../state/state.ts";
import { isNetdevName } from "../state/values.ts";

/** Behaviours that a simulated host keeps until they are taken away: see faults.ts for their meaning. */
export const Behaviour = z.enum([
  "missing-vf-link",
  "mode-change-fails",
  "eswitch-busy",
  "no-mmio",
  "lag-refused",
  "renames-ports",
  "forgets-vf-macs",
  "bind-fails",
  "ovs-reads-at-start",
  "ovs-forgets-bond",
  "virtualization-off",
  "mode-change-out-of-memory",
  "lag-in-log-only",
  "flows-in-software",
  "kernel-without-tc-offload",
  "no-smfs",
  "no-encap",
  "firmware-takes-encap",
  "firmware-frees-lag",
  "firmware-keeps-lag-over-64",
]);
export type Behaviour = z.infer<typeof Behaviour>;

const WantedBond = z.strictObject({ name: NetdevName, mode: z.string(), slaves: z.array(NetdevName) });

/** A simulated host: what can be observed of it, and what lies behind. It is one JSON file. */
export const World = z
  .strictObject({
    schema: z.literal("vflag/simulated-host/1"),
    state: HostState,
    hidden: z.strictObject({
      clock: z.number().meta({ description: "seconds of virtual time" }),
      startedAt: z
        .number()
        .default(0)
        .meta({ description: "the clock when the kernel started, from which its log counts" }),
      nextIndex: z.int().meta({ description: "the ifindex of the next netdev" }),
      networking: z.array(WantedBond).meta({ description: "the bonds that this host's networking makes" }),
      behaviours: z.array(Behaviour),
      lagActiveAt: z
        .record(z.string(), z.number())
        .meta({ description: "by card: when the LAG that is coming up will be active" }),
      withoutFdb: z
        .array(PciAddress)
        .default([])
        .meta({
          description:
            "the ports whose eSwitch is in legacy mode without a table: a change to switchdev failed, and " +
            "their VFs are dead",
        }),
      halfWay: z.array(PciAddress).default([]).meta({
        description:
          "the ports whose mode change failed and could not be rolled back: a second one crashes the kernel",
      }),
      stuckLags: z
        .array(z.string())
        .default([])
        .meta({ description: "the cards whose firmware kept its LAG when the driver gave it up" }),
      home: z
        .record(PciAddress, z.strictObject({ netdev: NetdevName, channels: z.int() }))
        .meta({ description: "by PF: name and channels at power-on" }),
      ownArguments: z
        .array(z.string())
        .meta({ description: "kernel arguments that the host's own boot loader configuration has" }),
      traffic: z
        .boolean()
        .default(false)
        .meta({ description: "whether guests that have a VF and a port in a bridge talk" }),
      harm: z.array(z.string()).meta({ description: "what was done that must never be done" }),
    }),
  })
  .meta({ id: "SimulatedHost", title: "vflag simulated host" });
export type World = z.infer<typeof World>;

/** A refusal in the kernel's words. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export function pfAt(world: World, address: string): PhysicalFunction {
  const pf = world.state.pfs.find((candidate) => candidate.address === address);
  if (pf === undefined) throw new Refusal("ENOENT", `no PCI function ${address}`);
  return pf;
}

export function vfAt(pf: PhysicalFunction, address: string): VirtualFunction {
  const vf = pf.vfs.find((candidate) => candidate.address === address);
  if (vf === undefined) throw new Refusal("ENODEV", `no VF ${address} of ${pf.address}`);
  return vf;
}

export function netdevNamed(world: World, name: string): World["state"]["netdevs"][number] {
  const netdev = world.state.netdevs.find((candidate) => candidate.name === name);
  if (netdev === undefined) throw new Refusal("ENODEV", `no device ${name}`);
  return netdev;
}

/** All PFs of the card that this PF is on, in the order of their functions. */
export function cardOf(world: World, pf: PhysicalFunction): PhysicalFunction[] {
  const cardOf = cardsOf(world.state);
  return world.state.pfs
    .filter((candidate) => cardOf(candidate.address) === cardOf(pf.address))
    .sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** The bond (or other master) that a PF's netdev is in. */
export function masterOf(world: World, pf: PhysicalFunction): string | null {
  return world.state.netdevs.find((netdev) => netdev.name === pf.netdev)?.master ?? null;
}

/**
 * Whether the kernel's driver takes rules for the NIC at all: linux en_rep.c, mlx5e_build_rep_netdev(),
 * offers hw-tc-offload only where it was built with CONFIG_MLX5_CLS_ACT.
 */
export function takesRules(world: World, pf: PhysicalFunction): boolean {
  return profileOf(pf).tcOffload && !has(world, "kernel-without-tc-offload");
}

export function has(world: World, behaviour: Behaviour): boolean {
  return world.hidden.behaviours.includes(behaviour);
}

/**
 * Adds a netdev with what the kernel gives every new one. A name that is taken or too long becomes `eth<N>`,
 * as with udev.
 */
export function addNetdev(world: World, netdev: Omit<World["state"]["netdevs"][number], "index">): string {
  const taken = new Set(world.state.netdevs.map((other) => other.name));
  let name = netdev.name;
  for (let n = 0; taken.has(name) || !isNetdevName(name); n++) name = `eth${n}`;
  world.state.netdevs.push({ ...netdev, name, index: world.hidden.nextIndex++ });
  return name;
}

/** Removes a netdev, from its bond too. */
export function removeNetdev(world: World, name: string): void {
  world.state.netdevs = world.state.netdevs.filter((netdev) => netdev.name !== name);
  for (const bond of world.state.bonds) bond.slaves = bond.slaves.filter((slave) => slave.netdev !== name);
}
