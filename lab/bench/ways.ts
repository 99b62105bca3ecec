import { mustDo, write } from "../operate.ts";
import type { Guest } from "../running.ts";
import type { Stage } from "./figures.ts";
import { type Card, inspect, timed } from "./hands.ts";
import { durationsOf, requestsOf } from "./requests.ts";

/** One way to bring up VF-LAG. */
export interface Way {
  readonly name: string;
  readonly prepare: (guest: Guest, card: Card) => Promise<void>;
  readonly early: (guest: Guest, card: Card) => Promise<Stage>;
  readonly late: (guest: Guest, card: Card) => Promise<Stage>;
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
  // As the units run them. Exit code 2: the bond is not there yet.
  early: (guest) =>
    runStage(guest, "early", "INVOCATION_ID=bench vflag boot early --hold-udev || [ $? = 2 ]"),
  late: (guest) => runStage(guest, "late", "INVOCATION_ID=bench vflag boot late --hold-udev"),
  startup: (guest) => timed(guest, "vflag --help"),
};

/** Runs a stage, and writes down for the floor what it asked of the kernel. */
async function runStage(guest: Guest, stage: "early" | "late", command: string): Promise<Stage> {
  const total = await timed(guest, command);
  const written = await mustDo(guest, `cat ${journal}; rm ${journal}`);
  await write(guest, `/tmp/${stage}.json`, `${JSON.stringify(requestsOf(written, await inspect(guest)))}\n`);
  return { total, took: durationsOf(written) };
}

/** As many writes at once as vflag has under way. */
const replayed = (stage: "early" | "late") =>
  `UV_THREADPOOL_SIZE=32 node --disable-warning=ExperimentalWarning ${folder}/floor.ts /tmp/${stage}.json`;

/** The requests alone, on the machine as it is: udev hears of every device, and works beside them. */
const floor: Way = {
  name: "floor",
  prepare: noPreparation,
  early: async (guest) => JSON.parse(await mustDo(guest, replayed("early"))) as Stage,
  late: async (guest) => JSON.parse(await mustDo(guest, replayed("late"))) as Stage,
};

/**
 * The requests while udev waits, as vflag has it wait: not what the kernel alone would take, but a measure of
 * what vflag itself takes beside them. To tell udev is part of either: it answers when it has started the
 * programs that had to wait.
 */
const heldFloor: Way = {
  name: "held-floor",
  prepare: noPreparation,
  early: (guest) => replayHeld(guest, "early"),
  late: (guest) => replayHeld(guest, "late"),
};

async function replayHeld(guest: Guest, stage: "early" | "late"): Promise<Stage> {
  const tell = (request: "stop" | "start") =>
    `begun=$(date +%s%N); udevadm control --${request}-exec-queue; udev=$((\${udev:-0} + $(date +%s%N) - begun))`;
  const said = await mustDo(
    guest,
    `${tell("stop")}; ${replayed(stage)}; code=$?; ${tell("start")}; echo $udev; exit $code`,
  );
  const [requests = "", nanoseconds = ""] = said.split("\n");
  const { total, took } = JSON.parse(requests) as Required<Stage>;
  const udev = Number(nanoseconds) / 1e6;
  return { total: total + udev, took: { ...took, "(udev told)": udev } };
}

const scripts: Way = {
  name: "scripts",
  prepare: noPreparation,
  early: async (guest, { names, vfs, channels }) => ({
    // Its exit code is that of its last command, which fails where udev renames a representor meanwhile.
    total: await timed(
      guest,
      `bash ${folder}/early.sh ${vfs} ${channels.pf} ${channels.representor} ${names.join(" ")} || true`,
    ),
  }),
  late: async (guest, { names }) => ({
    total: await timed(guest, `bash ${folder}/late.sh ${names.join(" ")}`),
  }),
};

/** It creates VFs, sets the mode and binds VFs; offload, channels and the LAG it leaves to others. */
const netplan: Way = {
  name: "netplan",
  prepare: async (guest, { names, vfs }) => {
    const port = (name: string) =>
      `    ${name}: {virtual-function-count: ${vfs}, embedded-switch-mode: switchdev, delay-virtual-functions-rebind: true}\n`;
    await write(
      guest,
      "/etc/netplan/data.yaml",
      `network:\n  version: 2\n  ethernets:\n${names.map(port).join("")}`,
    );
    await mustDo(guest, "chmod 600 /etc/netplan/data.yaml");
  },
  early: async (guest) => ({ total: await timed(guest, "netplan apply --sriov-only") }),
  late: async (guest, { names }) => ({ total: await timed(guest, `netplan rebind ${names.join(" ")}`) }),
};

/** The floors follow vflag, whose requests they repeat. */
export const ways: readonly Way[] = [vflag, floor, heldFloor, scripts, netplan];
