import type { Guest } from "../guest.ts";
import { mustDo, write } from "../operate.ts";
import { type Card, inspect, timed } from "./hands.ts";
import { requestsOf } from "./requests.ts";

/** One way to bring up VF-LAG. Each stage tells how long it took, in milliseconds. */
export interface Way {
  readonly name: string;
  readonly prepare: (guest: Guest, card: Card) => Promise<void>;
  readonly early: (guest: Guest, card: Card) => Promise<number>;
  readonly late: (guest: Guest, card: Card) => Promise<number>;
  /** What starting the program takes, once. */
  readonly startup?: (guest: Guest) => Promise<number>;
}

const folder = "/vflag/lab/bench";
const journal = "/var/lib/vflag/journal.jsonl";
const noPreparation = () => Promise.resolve();

const vflag: Way = {
  name: "vflag",
  prepare: async (guest, { names, vfs, channels }) => {
    const spec = [
      "version: 1",
      "nics:",
      "  - name: data",
      "    mode: vf-lag",
      `    ports: [${names.join(", ")}]`,
      `    vfs: ${vfs}`,
      "    bond: bond0",
      `    channels: {pf: ${channels.pf}, representor: ${channels.representor}}`,
    ];
    await write(guest, "/etc/vflag/vflag.yaml", `${spec.join("\n")}\n`);
  },
  // Exit code 2: the bond is not there yet.
  early: async (guest) => timed(guest, "vflag boot early || [ $? = 2 ]").finally(() => keepRequests(guest, "early")),
  late: async (guest) => timed(guest, "vflag boot late").finally(() => keepRequests(guest, "late")),
  startup: (guest) => timed(guest, "vflag --help"),
};

/** Writes down for the floor what was asked of the kernel. */
async function keepRequests(guest: Guest, stage: "early" | "late"): Promise<void> {
  const state = await inspect(guest);
  const requests = requestsOf(await mustDo(guest, `cat ${journal}; rm ${journal}`), state);
  await write(guest, `/tmp/${stage}.json`, `${JSON.stringify(requests)}\n`);
}

const floor: Way = {
  name: "floor",
  prepare: noPreparation,
  early: (guest) => replay(guest, "early"),
  late: (guest) => replay(guest, "late"),
};

async function replay(guest: Guest, stage: "early" | "late"): Promise<number> {
  const node = "UV_THREADPOOL_SIZE=128 node --disable-warning=ExperimentalWarning";
  return Number(await mustDo(guest, `${node} ${folder}/floor.ts /tmp/${stage}.json`));
}

const scripts: Way = {
  name: "scripts",
  prepare: noPreparation,
  early: (guest, { names, vfs, channels }) =>
    // Its exit code is that of its last command, which fails where udev renames a representor meanwhile.
    timed(guest, `bash ${folder}/early.sh ${vfs} ${channels.pf} ${channels.representor} ${names.join(" ")} || true`),
  late: (guest, { names }) => timed(guest, `bash ${folder}/late.sh ${names.join(" ")}`),
};

/** It creates VFs, sets the mode and binds VFs; offload, channels and the LAG it leaves to others. */
const netplan: Way = {
  name: "netplan",
  prepare: async (guest, { names, vfs }) => {
    const port = (name: string) =>
      `    ${name}: {virtual-function-count: ${vfs}, embedded-switch-mode: switchdev, delay-virtual-functions-rebind: true}\n`;
    await write(guest, "/etc/netplan/data.yaml", `network:\n  version: 2\n  ethernets:\n${names.map(port).join("")}`);
    await mustDo(guest, "chmod 600 /etc/netplan/data.yaml");
  },
  early: (guest) => timed(guest, "netplan apply --sriov-only"),
  late: (guest, { names }) => timed(guest, `netplan rebind ${names.join(" ")}`),
};

/** The floor follows vflag, whose requests it repeats. */
export const ways: readonly Way[] = [vflag, floor, scripts, netplan];
