import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildHost } from "../src/host/simulated/build.ts";
import { setVfCount } from "../src/host/simulated/card/sriov.ts";

/**
 * A Kayobe configuration with a fleet: ten groups of hardware with a spec each, and every tenth host with one
 * of its own.
 */
export interface FleetTree {
  readonly config: string;
  readonly states: string;
  readonly inventory: string;
}

/** Makes the tree, and the saved state of each host: one ConnectX-5 with 63 VFs on each of two ports. */
export function fleetTree(folder: string, hosts: number): FleetTree {
  const config = join(folder, "etc/kayobe");
  const states = join(folder, "states");
  const inventory = join(config, "inventory");
  const names = Array.from({ length: hosts }, (_, index) => `hv${String(index).padStart(5, "0")}`);
  write(join(inventory, "hosts"), inventoryText(names));
  write(join(inventory, "group_vars/all/vflag.yml"), specText("physnet1"));
  for (let group = 0; group < 10; group++)
    write(join(inventory, `group_vars/hw${group}/vflag.yml`), specText(`physnet${group + 2}`));
  names.forEach((name, index) => {
    if (index % 10 === 0) write(join(inventory, "host_vars", name, "vflag.yml"), specText(`own${index}`));
    write(join(states, `${name}.json`), stateText(name, index));
  });
  return { config, states, inventory };
}

function inventoryText(names: readonly string[]): string {
  const groups = Array.from({ length: 10 }, (_, group) => {
    return `[hw${group}]\n${names.filter((_, index) => index % 10 === group).join("\n")}\n\n`;
  });
  return `${groups.join("")}[compute:children]\n${groups.map((_, group) => `hw${group}`).join("\n")}\n`;
}

function specText(physnet: string): string {
  return `vflag:\n  version: 1\n  nics:\n    - {name: data, mode: sriov, ports: [ens3f0, ens3f1], vfs: 63, physnet: ${physnet}}\n`;
}

const world = buildHost([{ model: "ConnectX-5", ports: 2 }]);
for (const pf of world.state.pfs) setVfCount(world, pf.address, 63);
const state = JSON.stringify(world.state, null, 2);

/** Each host has addresses of its own, as in life; its card is on one of 16 buses. */
function stateText(name: string, index: number): string {
  const bus = (0x37 + (index % 16)).toString(16);
  const mac = index
    .toString(16)
    .padStart(4, "0")
    .replace(/(..)(..)/, "$1:$2");
  return state
    .replace(/"hostname": "[^"]*"/, `"hostname": "${name}"`)
    .replaceAll("0000:37:", `0000:${bus}:`)
    .replaceAll(/"((?:[0-9a-f]{2}:){2})[0-9a-f]{2}:[0-9a-f]{2}((?::[0-9a-f]{2}){2})"/g, `"$1${mac}$2"`);
}

function write(path: string, text: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
}
