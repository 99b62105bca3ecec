import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { networkInterfaces } from "node:os";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LinuxHost } from "../src/host/linux/host.ts";
import { isUnknown } from "../src/host/state/observed.ts";
import type { Lag } from "../src/host/state/state.ts";
import type { JournalEntry } from "../src/reconcile/journal.ts";
import { loadSpec } from "../src/spec/load.ts";
import { verdicts } from "../src/verdict/verdict.ts";
import { ask } from "./asking.ts";
import { vfAddress } from "./cards.ts";
import { seeded } from "./random.ts";

/**
 * Runs in the guest, as root, for kills.ts: `node kill-rounds.ts SEED EARLY LATE`. In each round a NIC goes
 * from power-on to VF-LAG; both stages are killed at random moments on the way, and run again, until they
 * have been killed so many times. It tells each thing in a line of JSON. It ends before that where a stage
 * that was killed in a change of mode does not come to its end.
 */
export type Told =
  /** `dying`: milliseconds from the kill until the process was gone, which the kernel's own work delays. */
  | { readonly kind: "kill"; readonly stage: Stage; readonly dying: number; readonly landed: string }
  | { readonly kind: "looked"; readonly ok: boolean; readonly what: string; readonly details: string }
  | { readonly kind: "stopped"; readonly said: string };

type Stage = "early" | "late";

const ports = ["0000:01:00.0", "0000:01:00.1"] as const;
/** In most rounds this program has this VF open through vfio-pci, as a guest would. */
const guestsVf = vfAddress(1, 1);
const journal = "/var/lib/vflag/journal.jsonl";

/** The firmware takes as long as a ConnectX-5's, or nearly, so that kills land in the driver's work. */
const slow = "delay INIT_HCA@vf 450; delay CREATE_FLOW_TABLE@pf 50";

const [seed = 1, early = 20, late = 20] = process.argv.slice(2).map(Number);
const wanted = { early, late };
const random = seeded(seed);
const spec = loadSpec(readFileSync("/etc/vflag/vflag.yaml", "utf8"), "/etc/vflag/vflag.yaml");
const host = LinuxHost.open();
/** What the stages themselves look at, in a fraction of the time. */
const nics = LinuxHost.open({ looks: "nics" });
const kills = { early: 0, late: 0 };

/** What ends the program: a stage that was killed in a change of mode does not come to its end. */
class Stopped extends Error {}

try {
  await allRounds();
} catch (error) {
  if (!(error instanceof Stopped)) throw error;
  tell({ kind: "stopped", said: error.message });
}
for (const opened of [host, nics]) opened.close();

async function allRounds(): Promise<void> {
  const reference = await round(0, false);
  for (let number = 1; kills.early < wanted.early || kills.late < wanted.late; number++) {
    if (number > 3 * Math.max(early, late))
      throw new Error(`after ${number} rounds there are only ${JSON.stringify(kills)} kills`);
    compare(number, reference, await round(number, number % 3 === 0, reference));
  }
  await reset();
}

function compare(
  number: number,
  reference: Readonly<Record<Stage, Seen>>,
  seen: Readonly<Record<Stage, Seen>>,
): void {
  for (const stage of ["early", "late"] as const) {
    look(
      seen[stage].state === reference[stage].state,
      `round ${number}: after ${stage} all is as without a kill`,
      differences(reference[stage].state, seen[stage].state),
    );
  }
}

interface Seen {
  readonly state: string;
  /** Milliseconds from the start of the process until its journal began. */
  readonly begins: number;
  /** In its journal. */
  readonly entries: number;
}

/**
 * One NIC from power-on to VF-LAG. @param tooEarly somebody binds the VFs before the bond is made, so that
 * the late stage must unbind them
 * @param pace how long the stages take when nobody kills them; without it nobody does
 */
async function round(
  number: number,
  tooEarly: boolean,
  pace?: Readonly<Record<Stage, Seen>>,
): Promise<Record<Stage, Seen>> {
  await reset();
  const early = await through("early", number, pace?.early);
  if (tooEarly) await bindAll();
  const guest = tooEarly ? undefined : takeVf();
  await bond();
  const before = carriers();
  const late = await through("late", number, pace?.late);
  const works = verdicts(spec, await host.observe());
  look(
    works.every(({ answer }) => answer === "works"),
    `round ${number}: it works`,
    JSON.stringify(works),
  );
  look(
    before === carriers(),
    `round ${number}: no port's carrier changed under the bond`,
    `${before} before, ${carriers()} after`,
  );
  look(
    networkInterfaces()["mgmt0"]?.some(({ address }) => address === "10.0.2.15") ?? false,
    `round ${number}: mgmt0 has its address`,
  );
  if (guest !== undefined) {
    look(
      driverOf(guestsVf) === "vfio-pci",
      `round ${number}: the guest's VF stays with vfio-pci`,
      `it has ${driverOf(guestsVf)}`,
    );
    closeSync(guest);
  }
  return { early, late };
}

/**
 * A stage: killed up to six times in a row, and then run to its end. Starting Node takes most of the time, so
 * runs are few.
 */
async function through(stage: Stage, number: number, pace?: Seen): Promise<Seen> {
  let inChange = false;
  if (pace !== undefined && kills[stage] < wanted[stage]) {
    let left = pace.entries;
    for (let times = Math.ceil(6 * random()); times > 0; times--) {
      // What the machine is busy with makes times mean little, so the journal is the clock; a driver's work
      // takes up to a second.
      const entries = Math.floor(left * random());
      const run = await start(stage, { entries, later: random() * (entries === 0 ? pace.begins : 500) });
      if (run.killed) {
        kills[stage]++;
        inChange ||= run.landed === "in set-eswitch-mode";
        tell({ kind: "kill", stage, dying: run.dying, landed: run.landed });
      }
      look(lockIsFree(), `round ${number}: the lock is free after ${stage} ended`);
      left = Math.max(3, left - run.entries);
    }
  }
  const { code, said, begins, entries } = await start(stage);
  // The driver may have broken the change off (broken-off.ts): whether it did is looked at outside.
  if (inChange && code !== 0) throw new Stopped(said);
  look(code === 0, `round ${number}: ${stage} goes to its end`, said);
  execFileSync("udevadm", ["settle"]);
  return { state: await essence(), begins, entries };
}

/** When to kill: so many milliseconds after the journal has so many entries of the run. */
interface Moment {
  readonly entries: number;
  readonly later: number;
}

interface Run {
  readonly killed: boolean;
  readonly code: number | null;
  readonly said: string;
  readonly begins: number;
  readonly entries: number;
  readonly dying: number;
  readonly landed: string;
}

async function start(stage: Stage, moment?: Moment): Promise<Run> {
  const from = statSync(journal, { throwIfNoEntry: false })?.size ?? 0;
  const begun = Date.now();
  const child = spawn("vflag", ["boot", stage], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const ended = once(child, "close");
  let killedAt: number | undefined;
  if (moment !== undefined) {
    while (child.exitCode === null && entriesFrom(from).length < moment.entries) await sleep(5);
    await Promise.race([sleep(moment.later), ended]);
    killedAt = Date.now();
    child.kill("SIGKILL");
  }
  await ended;
  const entries = entriesFrom(from);
  return {
    killed: child.signalCode === "SIGKILL",
    code: child.exitCode,
    said,
    begins: Date.parse(entries[0]?.at ?? "") - begun,
    entries: entries.length,
    dying: Date.now() - (killedAt ?? Date.now()),
    landed: landing(entries),
  };
}

type Written = JournalEntry & { readonly at: string };

/** The entries of a run; the last one may be half written. @param from where in the journal the run began */
function entriesFrom(from: number): Written[] {
  if ((statSync(journal, { throwIfNoEntry: false })?.size ?? 0) === from) return [];
  const lines = readFileSync(journal).subarray(from).toString("utf8").split("\n");
  return lines.slice(0, -1).flatMap((line): Written[] => (line === "" ? [] : [JSON.parse(line)]));
}

/** What a run had come to. */
function landing(entries: readonly Written[]): string {
  if (entries.length === 0) return "before the journal began";
  if (entries.at(-1)?.kind === "end") return "after the journal's end";
  const begun = entries.flatMap((entry) => (entry.kind === "action" ? [entry.action.kind] : []));
  const ended = entries.filter(({ kind }) => kind === "done" || kind === "failed").length;
  const last = begun.at(-1);
  if (last === undefined) return "before the first action";
  return begun.length > ended ? `in ${last}` : `after ${last}`;
}

/**
 * All that the stages bring about, and what must not depend on when vflag was killed. The guest's VF is
 * looked at elsewhere.
 */
async function essence(): Promise<string> {
  const { pfs, netdevs, bonds, representors } = await nics.observe();
  const vfs = new Set(pfs.flatMap((pf) => pf.vfs.map((vf): string => vf.address)));
  const lines = [
    ...pfs.map(({ address, sriov, eswitch, lag }) => ({
      address,
      sriov,
      eswitch,
      lag: isUnknown(lag) || lag === null ? lag : byActivePort(lag),
    })),
    ...pfs.flatMap((pf) =>
      pf.vfs.flatMap(({ address, driver, driverOverride, settings }) =>
        address === guestsVf ? [] : [{ address, driver, driverOverride, settings }],
      ),
    ),
    ...netdevs
      .filter(({ switchId }) => switchId !== null)
      .map(({ name, device, master, tcOffload, channels }) => ({
        name,
        device,
        master,
        tcOffload,
        channels,
      })),
    ...netdevs.flatMap(({ name, device, mac }) =>
      device !== null && vfs.has(device) && device !== guestsVf ? [{ name, device, mac }] : [],
    ),
    ...bonds.map(({ name, mode, slaves }) => ({ name, mode, slaves: slaves.map(({ netdev }) => netdev) })),
    ...representors,
  ];
  return lines
    .map((line) => JSON.stringify(line))
    .sort()
    .join("\n");
}

/** Under active-backup all goes by the port that is active, which is the one whose link was up first. */
function byActivePort(lag: Lag): object {
  const slave = existsSync("/sys/class/net/bond0")
    ? readFileSync("/sys/class/net/bond0/bonding/active_slave", "utf8").trim()
    : "";
  const active = `:${Number(/np(\d)$/.exec(slave)?.[1]) + 1}`;
  return {
    ...lag,
    mapping: lag.mapping.map((entry) => (entry.endsWith(active) ? "the active port" : entry)),
  };
}

function differences(expected: string, actual: string): string {
  const [before, after] = [expected.split("\n"), actual.split("\n")];
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
  ].join("\n");
}

/**
 * First the VFs, then the bond: a LAG cannot be taken down while a VF is driven ("driver restart required").
 */
async function reset(): Promise<void> {
  rmSync(journal, { force: true });
  await ask({ fault: "clear" });
  for (const port of ports) writeFileSync(`/sys/bus/pci/devices/${port}/sriov_numvfs`, "0");
  if (existsSync("/sys/class/net/bond0")) ip("link", "del", "bond0");
  for (const port of ports) {
    execFileSync("devlink", ["dev", "eswitch", "set", `pci/${port}`, "mode", "legacy"]);
    writeFileSync(`/sys/bus/pci/devices/${port}/sriov_drivers_autoprobe`, "1");
  }
  execFileSync("udevadm", ["settle"]);
  for (const peer of ["peer0", "peer1"]) ip("link", "set", peer, "up");
  await ask({ fault: slow });
}

/** As networking does, which waits for the bond's links. */
async function bond(): Promise<void> {
  ip("link", "add", "bond0", "type", "bond", "mode", "active-backup", "miimon", "100");
  for (const netdev of ["enp1s0f0np0", "enp1s0f1np1"]) {
    ip("link", "set", netdev, "down");
    ip("link", "set", netdev, "master", "bond0");
  }
  ip("link", "set", "bond0", "up");
  const linksUp = () =>
    readFileSync("/proc/net/bonding/bond0", "utf8").match(/^MII Status: up$/gm)?.length === ports.length + 1;
  for (let tries = 0; tries < 100 && !linksUp(); tries++) await sleep(50);
}

async function bindAll(): Promise<void> {
  await ask({ fault: "clear" });
  for (const port of ports) writeFileSync(`/sys/bus/pci/devices/${port}/sriov_drivers_autoprobe`, "1");
  for (const port of [0, 1] as const) {
    for (const vf of [0, 1]) writeFileSync("/sys/bus/pci/drivers/mlx5_core/bind", vfAddress(port, vf));
  }
  await ask({ fault: slow });
}

/** Takes a VF as a guest does; returns the file that holds it. */
function takeVf(): number {
  writeFileSync(`/sys/bus/pci/devices/${guestsVf}/driver_override`, "vfio-pci");
  writeFileSync("/sys/bus/pci/drivers/vfio-pci/bind", guestsVf);
  return openSync(
    `/dev/vfio/${basename(readlinkSync(`/sys/bus/pci/devices/${guestsVf}/iommu_group`))}`,
    "r+",
  );
}

/** How often each port's carrier went or came. */
function carriers(): string {
  return ports
    .map((_, port) =>
      readFileSync(`/sys/class/net/enp1s0f${port}np${port}/carrier_down_count`, "utf8").trim(),
    )
    .join(" and ");
}

function driverOf(address: string): string {
  try {
    return basename(readlinkSync(`/sys/bus/pci/devices/${address}/driver`));
  } catch {
    return "no driver";
  }
}

function lockIsFree(): boolean {
  try {
    execFileSync("flock", ["-n", "/run/vflag/lock", "true"]);
    return true;
  } catch {
    return false;
  }
}

function look(ok: boolean, what: string, details = ""): void {
  tell({ kind: "looked", ok, what, details });
}

function tell(told: Told): void {
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

function ip(...words: string[]): void {
  execFileSync("ip", words, { stdio: ["ignore", "ignore", "inherit"] });
}
