import { existsSync } from "node:fs";
import { openSavedHost, saveWorld } from "../../host/saved.ts";
import { buildHost, cardModels } from "../../host/simulated/build.ts";
import { network, reboot } from "../../host/simulated/events.ts";
import type { Fault } from "../../host/simulated/fault.ts";
import { faults, inject, isFaultName } from "../../host/simulated/faults.ts";
import { startGuests } from "../../host/simulated/machine/guests.ts";
import { twinOf } from "../../host/simulated/twin.ts";
import type { World } from "../../host/simulated/world.ts";
import { isNetdevName } from "../../host/state/values.ts";
import { table } from "../../report/terminal/style.ts";
import { nearest } from "../../spec/nearest.ts";
import { print, UsageError } from "../target.ts";

export interface CreateOptions {
  readonly nic: readonly string[];
  readonly ports: string;
  readonly bond?: string;
  readonly bondMode: string;
  readonly fault: readonly string[];
  readonly from?: string;
  readonly force: boolean;
}

/** `simulate new`: writes a host as it is after power-on, or the twin of a saved state. */
export async function createHost(file: string, options: CreateOptions): Promise<void> {
  if (existsSync(file) && !options.force)
    throw new UsageError(`${file} is there already: --force replaces it`);
  const world = options.from === undefined ? built(options) : worldFrom(options.from);
  for (const name of options.fault) injectNamed(world, name);
  await saveWorld(file, world);
  const ports = world.state.pfs
    .map((pf) => `${pf.netdev ?? pf.address} (${pf.model ?? pf.product})`)
    .join(", ");
  print(`${file}: a simulated host with ${ports}.\n`);
}

/** `simulate network`, `simulate reboot` and `simulate guests`. */
export async function happenTo(file: string, event: "network" | "reboot" | "guests"): Promise<void> {
  const world = simulatedWorld(file);
  const started = event === "guests" ? startGuests(world) : [];
  if (event === "reboot") reboot(world);
  const warnings = event === "network" ? network(world) : [];
  await saveWorld(file, world);
  const bonds = world.state.bonds.map(
    (bond) => `${bond.name} (${bond.mode}) of ${bond.slaves.map((slave) => slave.netdev).join(", ")}`,
  );
  if (event === "reboot") print("The host has rebooted.\n");
  else if (event === "guests")
    print(
      started.length === 0 ? "No VF with a driver is free.\n" : `Guests started: ${started.join(", ")}.\n`,
    );
  else
    print(
      bonds.length === 0
        ? "Networking ran; this host's networking makes no bond.\n"
        : `Networking made ${bonds.join("; ")}.\n`,
    );
  for (const warning of warnings) print(`It was warned: ${warning}\n`);
}

/** `simulate fault`. */
export async function injectFaults(file: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) throw new UsageError("name the faults: `vflag simulate fault` lists them");
  const world = simulatedWorld(file);
  for (const name of names) injectNamed(world, name);
  await saveWorld(file, world);
}

export function listFaults(): void {
  const rows = Object.entries<Fault>(faults).map(([name, fault]) => [name, fault.summary]);
  print(`${table(rows).join("\n")}\n`);
}

function injectNamed(world: World, name: string): void {
  if (!isFaultName(name)) {
    const guess = nearest(name, Object.keys(faults));
    throw new UsageError(
      `no fault is called "${name}"${guess === undefined ? "" : `: did you mean ${guess}?`}\n` +
        "`vflag simulate fault` lists them.",
    );
  }
  inject(world, name);
  print(`${name}: ${faults[name].summary}.\n`);
}

function built({ nic, ports, bond, bondMode }: CreateOptions): World {
  const models = nic.map((name) => {
    const model = cardModels.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
    if (model === undefined)
      throw new UsageError(`no NIC model is called "${name}": ${cardModels.join(", ")}`);
    return model;
  });
  if (models.length > 5) throw new UsageError("a simulated host has room for 5 NICs");
  if (bond !== undefined && !isNetdevName(bond))
    throw new UsageError(`"${bond}" is not a name that the kernel accepts for a bond`);
  return buildHost(
    models.map((model, index) => ({
      model,
      ports: Number(ports),
      ...(bond !== undefined && index === 0 ? { bond: { name: bond, mode: bondMode } } : {}),
    })),
  );
}

function worldFrom(file: string): World {
  const saved = openSavedHost(file);
  if (saved.kind !== "state") throw new UsageError(`${file} is a simulated host already: copy it instead`);
  return twinOf(saved.state);
}

function simulatedWorld(file: string): World {
  const saved = openSavedHost(file);
  if (saved.kind !== "simulated")
    throw new UsageError(
      `${file} is a saved state: \`vflag simulate new HOST.json --from ${file}\` makes a simulated ` +
        `host of it`,
    );
  return saved.world;
}
