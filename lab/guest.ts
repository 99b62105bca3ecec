import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Build, lastBuild } from "./build.ts";
import { cached, needRoom } from "./cache.ts";
import { mustRun } from "./exec.ts";
import type { Series } from "./kernel.ts";
import { cache, repository, runFolder } from "./paths.ts";
import { programDisk } from "./program.ts";
import { type Acceleration, type Machine, type Nic, needsNvme, qemuArguments } from "./qemu.ts";
import { catchUp, copySparse, type Kept, needsBoot, restored, resume, type Snapshot, snapshotFor, switchedOn } from "./snapshot.ts";
import { type Access, closeConnection, runInGuest, waitForSsh } from "./ssh.ts";

export interface StartOptions {
  readonly name?: string;
  readonly nic?: Nic;
  readonly kernel?: Series;
  readonly cards?: 1 | 2;
  /** More than 8 VFs a port, up to 127 (mlx5 only). */
  readonly vfs?: number;
  /** The local TCP port that leads to the guest's ssh; a free one by default. */
  readonly port?: number;
  readonly cpus?: number;
  readonly memory?: number;
  readonly iommu?: boolean;
  readonly acceleration?: Acceleration;
  /** Keep a disk of its own, so that reboots work. */
  readonly persist?: boolean;
  /** Its power will be cut, and come again (`powerOn`): from its initial RAM disk on it boots then, without firmware and kernel. */
  readonly powerCuts?: boolean;
  readonly append?: readonly string[];
  /** False: boot, even where a snapshot would do. */
  readonly snapshot?: boolean;
  /** Milliseconds to wait for ssh. */
  readonly timeout?: number;
}

/** What a running guest's folder says about it. */
export interface Guest {
  readonly name: string;
  readonly pid: number;
  readonly nic: Nic;
  readonly access: Access;
}

/** Starts a guest, from a snapshot where it can, and waits until ssh answers, systemd is done and the repository is there. */
export async function startGuest(options: StartOptions = {}): Promise<Guest> {
  const name = options.name ?? "lab";
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) throw new Error(`bad guest name "${name}": use a-z, 0-9 and "-"`);
  if (runningGuest(name) !== undefined) throw new Error(`guest "${name}" is already running: stop it, or give --name`);
  if ((options.vfs ?? 8) > (options.nic === "igb" ? 8 : 127)) throw new Error("127 VFs of a port at most, and more than 8 with mlx5 only");
  const build = await lastBuild(options.kernel);
  await removeLeftDisks();
  await needRoom();
  const machine = await machineFor(name, build, options);
  const boots = options.snapshot === false || needsNvme(machine) || needsBoot(machine.append);
  const snapshot = boots ? undefined : await snapshotOrNot(build, machine);
  const switched = options.powerCuts === true && !needsNvme(machine) ? await switchedOnOrNot(build, machine) : undefined;
  await rm(machine.folder, { recursive: true, force: true });
  await mkdir(machine.share, { recursive: true });
  const original = snapshot?.disk ?? machine.disk;
  const disk = machine.keepDisk ? ownDisk(machine.folder) : original;
  if (machine.keepDisk) await copySparse(original, disk);
  return launch(build, snapshot === undefined ? { ...machine, disk } : restored({ ...machine, disk }, snapshot), switched);
}

/** The disk of a guest that can reboot. */
const ownDisk = (folder: string): string => join(folder, "root.ext4");

/** Disks of guests that nobody stopped, because who started them was killed. What they said stays. */
async function removeLeftDisks(): Promise<void> {
  const anHourAgo = Date.now() - 3_600_000;
  for (const name of await runNames()) {
    const disk = ownDisk(runFolder(name));
    const written = await stat(disk).catch(() => undefined);
    if (written !== undefined && written.mtimeMs < anHourAgo && runningGuest(name) === undefined) await rm(disk, { force: true });
  }
}

function snapshotOrNot(build: Build, machine: Machine): Promise<Snapshot | undefined> {
  return keptOrNot(machine, (place) =>
    snapshotFor(build, machine, async (like) => (await launch(build, { ...like, ...(await place()) })).access),
  );
}

function switchedOnOrNot(build: Build, machine: Machine): Promise<Kept | undefined> {
  return keptOrNot(machine, (place) =>
    switchedOn(build, machine, async (like) => {
      const own = { ...like, ...(await place()) };
      await spawnQemu(nameplate(build, own), qemuArguments(build, own));
      return own.folder;
    }),
  );
}

/** Where a machine is made that is kept. */
type Place = Pick<Machine, "name" | "folder" | "share" | "sshPort">;

/** Without a machine to go on from a guest takes longer, that is all. */
async function keptOrNot<T extends Kept>(machine: Machine, make: (place: () => Promise<Place>) => Promise<T>): Promise<T | undefined> {
  const name = `${machine.name}-kept`;
  const folder = runFolder(name);
  const share = join(folder, "share");
  try {
    return await make(async () => {
      await rm(folder, { recursive: true, force: true });
      await mkdir(share, { recursive: true });
      return { name, folder, share, sshPort: await freePort() };
    });
  } catch (error) {
    process.stderr.write(`no snapshot, so the guest boots: ${error instanceof Error ? error.message : error}\n`);
    return undefined;
  } finally {
    await stopGuest(name);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Starts QEMU and waits until the guest can be used. @param switched how it comes back after a power cut; otherwise it boots */
async function launch(build: Build, machine: Machine, switched?: Kept): Promise<Guest> {
  const plate = nameplate(build, machine);
  const { access } = plate;
  // From a snapshot it goes on only once.
  const { state: _state, memoryFile: _memory, ...bootable } = machine;
  const again: Machine = switched === undefined ? bootable : restored(bootable, switched);
  const record: PowerOn = { argv: qemuArguments(build, again), ...(again.state === undefined ? {} : { state: again.state }) };
  await writeFile(join(machine.folder, powerOnRecord), JSON.stringify(record));
  const guest = await spawnQemu(plate, qemuArguments(build, machine));
  const interrupted = (): void => {
    process.kill(guest.pid, "SIGKILL");
    process.exit(130);
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    if (machine.state !== undefined) await resume(machine);
    await waitForSsh(machine.sshPort, () => isOurs(guest), machine.timeout);
    if (machine.state === undefined) await runInGuest(access, ["systemctl", "is-system-running", "--wait"]);
    else await catchUp(access, machine);
    await checkMounts(access);
    return guest;
  } catch (error) {
    const said = await lastWords(machine.folder);
    await stopGuest(machine.name);
    throw new Error(`guest "${machine.name}" did not come up: ${String(error)}\n${said}`);
  } finally {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
  }
}

type Nameplate = Omit<Guest, "pid">;

function nameplate({ privateKey, tools }: Build, { name, nic, folder, sshPort }: Machine): Nameplate {
  return { name, nic, access: { folder, sshPort, privateKey, env: tools.env } };
}

/** Starts the process, and writes down which one it is. */
async function spawnQemu(of: Nameplate, argv: readonly string[]): Promise<Guest> {
  const { folder, env } = of.access;
  const log = await open(join(folder, "qemu.log"), "a");
  const [program = "", ...args] = argv;
  const stdio = ["ignore", log.fd, log.fd] as const;
  const child = spawn(program, args, { cwd: folder, env: { ...process.env, ...env }, detached: true, stdio: [...stdio] });
  await log.close();
  if (child.pid === undefined) throw new Error(`cannot start ${program}`);
  child.unref();
  const guest: Guest = { ...of, pid: child.pid };
  await writeFile(join(folder, "guest.json"), JSON.stringify(guest));
  return guest;
}

/** How a guest is switched on again. */
interface PowerOn {
  readonly argv: readonly string[];
  /** The devices' state to go on from, instead of booting from the start. */
  readonly state?: string;
}

const powerOnRecord = "power-on.json";

/**
 * Cuts the power of a guest that has a disk of its own: its process is killed. What it had not written to the disk is lost;
 * what it wrote without flushing is not, as it might be with a real disk.
 */
export async function cutPower(guest: Guest): Promise<void> {
  await closeConnection(guest.access);
  const running = runningGuest(guest.name);
  if (running === undefined) throw new Error(`guest "${guest.name}" does not run`);
  process.kill(running.pid, "SIGKILL");
  // Until it is gone altogether it keeps its locks on the disk and on its pid file.
  for (let tries = 0; tries < 1500; tries++) {
    if (!isThere(running.pid)) return;
    await sleep(20);
  }
  throw new Error(`guest "${guest.name}" (process ${running.pid}) was killed, and is still there after 30 s`);
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Boots it again on the same disk, with an empty console. It does not wait for that. */
export async function powerOn(guest: Guest): Promise<void> {
  const { folder } = guest.access;
  const { argv, state } = JSON.parse(await readFile(join(folder, powerOnRecord), "utf8")) as PowerOn;
  await writeFile(join(folder, "console.log"), "");
  await spawnQemu(guest, argv);
  if (state !== undefined) await resume({ folder, state });
}

async function checkMounts(access: Access): Promise<void> {
  const check = "for path in /vflag /vflag/node_modules /opt/vflag /mnt/share; do mountpoint -q $path || echo $path; done";
  const { code, stdout, stderr } = await runInGuest(access, [check], { timeout: 60_000 });
  if (code !== 0) throw new Error(`ssh: ${stderr.trim()}`);
  if (stdout !== "") throw new Error(`not mounted: ${stdout.trim().split("\n").join(", ")}`);
}

async function machineFor(name: string, build: Build, options: StartOptions): Promise<Machine> {
  const folder = runFolder(name);
  return {
    name,
    folder,
    share: join(folder, "share"),
    repository,
    sshPort: options.port ?? (await freePort()),
    nic: options.nic ?? "mlx5",
    vfs: options.vfs ?? 8,
    cards: options.cards ?? 1,
    cpus: options.cpus ?? 2,
    memory: options.memory ?? 2048,
    iommu: options.iommu ?? true,
    acceleration: chooseAcceleration(options.acceleration ?? "auto"),
    disk: build.image.disk,
    keepDisk: options.persist === true,
    packages: await packagesDisk(build),
    program: await programDisk(build.tools),
    append: options.append ?? [],
    timeout: options.timeout ?? 600_000,
  };
}

function chooseAcceleration(wanted: Acceleration): "kvm" | "tcg" {
  if (wanted !== "auto") return wanted;
  const flags = readFileSync("/proc/cpuinfo", "utf8");
  return existsSync("/dev/kvm") && /^flags\s*:.*\b(vmx|svm)\b/m.test(flags) ? "kvm" : "tcg";
}

/** node_modules as a disk (empty, if there is none): through 9p, starting Node takes seconds more. */
async function packagesDisk(build: Build): Promise<string> {
  const modules = join(repository, "node_modules");
  const lock = await readFile(join(modules, ".package-lock.json"), "utf8").catch(() => undefined);
  const folder = await cached("packages", ["3", lock ?? ""], async (into) => {
    const disk = join(into, "packages.ext4");
    await mustRun(["truncate", "-s", "2G", disk]);
    const content = lock === undefined ? [] : ["-d", modules];
    const argv = ["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-L", "packages", ...content, disk];
    await mustRun(argv, { env: build.tools.env });
  });
  return join(folder, "packages.ext4");
}

/**
 * Below the ports that the kernel gives to connections: while a guest's power is off, one of those (an ssh of another guest, or an
 * ssh that connects to itself) could take its port.
 */
async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(20_000, 32_768);
    if (await isFree(port)) return port;
  }
  throw new Error("no free TCP port between 20000 and 32767");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
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

async function runNames(): Promise<string[]> {
  const folder = join(cache, "run");
  return existsSync(folder) ? readdir(folder) : [];
}

/** Ends the guest's process, at once; its disk is worth nothing and goes. Returns whether there was one. */
export async function stopGuest(name: string): Promise<boolean> {
  const guest = runningGuest(name);
  if (guest !== undefined) await end(guest);
  for (const file of [join(runFolder(name), "guest.json"), ownDisk(runFolder(name))]) await rm(file, { force: true });
  return guest !== undefined;
}

async function end(guest: Guest): Promise<void> {
  await closeConnection(guest.access);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    try {
      process.kill(guest.pid, signal);
    } catch {
      // It ended in between.
    }
    for (let tries = 0; tries < 50 && isOurs(guest); tries++) await sleep(100);
    if (!isOurs(guest)) break;
  }
  if (isOurs(guest)) throw new Error(`guest "${guest.name}" (process ${guest.pid}) does not end`);
}

/** The end of the console and of QEMU's own messages. */
export async function lastWords(folder: string): Promise<string> {
  const texts = ["qemu.log", "console.log"].map(async (name) => {
    const text = await readFile(join(folder, name), "utf8").catch(() => "");
    return `--- ${name}\n${text.trim().split("\n").slice(-15).join("\n")}`;
  });
  return (await Promise.all(texts)).join("\n");
}
