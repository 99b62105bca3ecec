import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { appendFile, open, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Nic } from "./cards.ts";
import { cache, runFolder } from "./paths.ts";
import { sameSettings } from "./settings.ts";
import { resume } from "./snapshot.ts";
import { type Access, closeConnection } from "./ssh.ts";

/** A guest's process: started, found again, ended, and started anew after a reboot or a power cut. */

/** What a running guest's folder says about it. */
export interface Guest {
  readonly name: string;
  readonly pid: number;
  readonly nic: Nic;
  /** The shared object with the emulated ConnectX, for QEMU alone. */
  readonly preload?: string;
  readonly access: Access;
}

export type Nameplate = Omit<Guest, "pid">;

/** Starts the process, and writes down which one it is. */
export async function spawnQemu(of: Nameplate, argv: readonly string[]): Promise<Guest> {
  const { folder, env } = of.access;
  const log = await open(join(folder, "qemu.log"), "a");
  const [program = "", ...args] = argv;
  const stdio = ["ignore", log.fd, log.fd] as const;
  const own = of.preload === undefined ? {} : { LD_PRELOAD: of.preload };
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, ...env, ...own },
    detached: true,
    stdio: [...stdio],
  });
  child.once("exit", (code) => wentOff(of.name, code));
  child.unref();
  await log.close();
  if (child.pid === undefined) throw new Error(`cannot start ${program}`);
  const guest: Guest = { ...of, pid: child.pid };
  await writeFile(join(folder, "guest.json"), JSON.stringify(guest));
  return guest;
}

/** How a guest is switched on again. */
export interface PowerOn {
  /** From firmware and kernel on. */
  readonly argv: readonly string[];
  /** From where it was kept, which is quicker. */
  readonly kept?: { readonly argv: readonly string[]; readonly state: string; readonly folder: string };
}

interface Attended {
  readonly plate: Nameplate;
  readonly again: PowerOn;
  /** The last time that it was switched on again by itself. */
  back: Promise<void>;
  /** True while its power is cut. */
  cut: boolean;
}

const attended = new Map<string, Attended>();

/**
 * From now on, and as long as this process lives, the guest is switched on again when it reboots (its QEMU
 * has `-no-reboot`, and ends then): QEMU's own reset goes through firmware and kernel, and under emulation a
 * processor's timer was seen dead after one.
 */
export function attend(plate: Nameplate, again: PowerOn): void {
  attended.set(plate.name, { plate, again, back: Promise.resolve(), cut: false });
}

/** A QEMU that ends with another code than 0 is broken, and stays off. */
function wentOff(name: string, code: number | null): void {
  const one = attended.get(name);
  if (one === undefined || one.cut) return;
  if (code !== 0) attended.delete(name);
  else one.back = switchOn(one).catch((error: unknown) => staysOff(one, error));
}

async function staysOff({ plate }: Attended, error: unknown): Promise<void> {
  attended.delete(plate.name);
  await appendFile(join(plate.access.folder, "qemu.log"), `not switched on again: ${String(error)}\n`);
}

/** Boots it on the disk as it is, with an empty console. */
async function switchOn({ plate, again }: Attended): Promise<void> {
  const { folder } = plate.access;
  await closeConnection(plate.access);
  await writeFile(join(folder, "console.log"), "");
  const { argv, kept } = again;
  if (kept === undefined || !(await sameSettings(folder, kept.folder))) {
    await spawnQemu(plate, argv);
    return;
  }
  await spawnQemu(plate, kept.argv);
  await resume({ folder, state: kept.state });
}

function mustAttend(name: string): Attended {
  const one = attended.get(name);
  if (one === undefined)
    throw new Error(`guest "${name}" is not attended: its power cannot be cut and come again`);
  return one;
}

/**
 * Cuts the power of an attended guest: its process is killed. What it had not written to the disk is lost;
 * what it wrote without flushing is not, as it might be with a real disk.
 */
export async function cutPower({ name }: Guest): Promise<void> {
  const one = mustAttend(name);
  await one.back;
  const running = runningGuest(name);
  if (running === undefined) throw new Error(`guest "${name}" does not run`);
  one.cut = true;
  process.kill(running.pid, "SIGKILL");
  // Until it is gone altogether it keeps its locks on the disk and on its pid file.
  for (let tries = 0; tries < 1500; tries++) {
    if (!isThere(running.pid)) return;
    await sleep(20);
  }
  throw new Error(`guest "${name}" (process ${running.pid}) was killed, and is still there after 30 s`);
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The power comes again. It does not wait for the boot. */
export async function powerOn({ name }: Guest): Promise<void> {
  const one = mustAttend(name);
  one.cut = false;
  await switchOn(one);
}

/** Ends the guest's process, at once, and nobody switches it on again. Returns whether there was one. */
export async function end(name: string): Promise<boolean> {
  const back = attended.get(name)?.back;
  attended.delete(name);
  await back;
  const guest = runningGuest(name);
  if (guest === undefined) return false;
  await closeConnection(guest.access);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    try {
      process.kill(guest.pid, signal);
    } catch {
      // It ended in between.
    }
    for (let tries = 0; tries < 50 && isOurs(guest); tries++) await sleep(100);
    if (!isOurs(guest)) return true;
  }
  throw new Error(`guest "${name}" (process ${guest.pid}) does not end`);
}

/** Whether it runs, or is about to run again. */
export function isOn({ name }: Pick<Guest, "name">): boolean {
  return attended.has(name) || runningGuest(name) !== undefined;
}

/** The pid may be another process's by now; ours has the guest's name among its arguments. */
function isOurs(guest: Guest): boolean {
  try {
    const argv = readFileSync(`/proc/${guest.pid}/cmdline`, "utf8").split("\0");
    return argv.includes(`vflag-lab-${guest.name}`);
  } catch {
    return false;
  }
}

/** The guest of this name, if its process is alive. */
export function runningGuest(name: string): Guest | undefined {
  try {
    const guest = JSON.parse(readFileSync(join(runFolder(name), "guest.json"), "utf8")) as Guest;
    return isOurs(guest) ? guest : undefined;
  } catch {
    return undefined;
  }
}

export async function runningGuests(): Promise<Guest[]> {
  return (await runNames()).flatMap((name) => runningGuest(name) ?? []);
}

/** The names that guests have or had. */
export async function runNames(): Promise<string[]> {
  const folder = join(cache, "run");
  return existsSync(folder) ? readdir(folder) : [];
}

/** The end of the console and of QEMU's own messages. */
export async function lastWords(folder: string): Promise<string> {
  const texts = ["qemu.log", "console.log"].map(async (name) => {
    const text = await readFile(join(folder, name), "utf8").catch(() => "");
    return `--- ${name}\n${text.trim().split("\n").slice(-15).join("\n")}`;
  });
  return (await Promise.all(texts)).join("\n");
}
