import { randomInt } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Build, lastBuild } from "./build.ts";
import { cached, needRoom } from "./cache.ts";
import type { Model, Nic } from "./cards.ts";
import { mustRun } from "./exec.ts";
import type { Series } from "./kernel.ts";
import { repository, runFolder } from "./paths.ts";
import { programDisk } from "./program.ts";
import { type Acceleration, type Machine, qemuArguments } from "./qemu.ts";
import {
  attend,
  end,
  type Guest,
  isOn,
  lastWords,
  type Nameplate,
  type PowerOn,
  runNames,
  runningGuest,
  spawnQemu,
} from "./running.ts";
import { copySettings } from "./settings.ts";
import {
  catchUp,
  copySparse,
  type Kept,
  needsBoot,
  restored,
  resume,
  type Snapshot,
  snapshotFor,
  switchedOn,
} from "./snapshot.ts";
import { type Access, runInGuest, waitForSsh } from "./ssh.ts";

export interface StartOptions {
  readonly name?: string;
  readonly nic?: Nic;
  readonly kernel?: Series;
  readonly cards?: 1 | 2;
  /** connectx only. */
  readonly model?: Model;
  /** What the firmware of a connectx is set to offer on each port: 1 to 127, 8 by default. */
  readonly vfs?: number;
  /** The local TCP port that leads to the guest's ssh; a free one by default. */
  readonly port?: number;
  readonly cpus?: number;
  readonly memory?: number;
  readonly iommu?: boolean;
  readonly acceleration?: Acceleration;
  /** Keep a disk of its own, so that reboots work. */
  readonly persist?: boolean;
  /**
   * With a disk of its own: this process stays, and switches the guest on again after a reboot or a power
   * cut. It boots then from its initial RAM disk on, without firmware and kernel. Otherwise QEMU resets the
   * machine by itself.
   */
  readonly attended?: boolean;
  readonly append?: readonly string[];
  /** False: boot, even where a snapshot would do. */
  readonly snapshot?: boolean;
  /** Milliseconds to wait for ssh. */
  readonly timeout?: number;
}

/**
 * Starts a guest, from a snapshot where it can, and waits until ssh answers, systemd is done and the
 * repository is there.
 */
export async function startGuest(options: StartOptions = {}): Promise<Guest> {
  const name = options.name ?? "lab";
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name))
    throw new Error(`bad guest name "${name}": use a-z, 0-9 and "-"`);
  if (runningGuest(name) !== undefined)
    throw new Error(`guest "${name}" is already running: stop it, or give --name`);
  if (options.nic === "igb" && options.vfs !== undefined)
    throw new Error("igb has 7 VFs a port: --vfs is for connectx");
  if ((options.vfs ?? 8) > 127) throw new Error(`a port has 127 VFs at most, not ${options.vfs}`);
  const build = await lastBuild(options.kernel);
  await removeLeftDisks();
  await needRoom();
  const machine = await machineFor(name, build, options);
  const boots = options.snapshot === false || needsBoot(machine.append);
  const snapshot = boots ? undefined : await snapshotOrNot(build, machine);
  const switched = machine.attended ? await switchedOnOrNot(build, machine) : undefined;
  await rm(machine.folder, { recursive: true, force: true });
  await mkdir(machine.share, { recursive: true });
  const original = snapshot?.disk ?? machine.disk;
  const disk = machine.keepDisk ? ownDisk(machine.folder) : original;
  if (machine.keepDisk) await copySparse(original, disk);
  if (snapshot !== undefined) await copySettings(snapshot.folder, machine.folder);
  return launch(
    build,
    snapshot === undefined ? { ...machine, disk } : restored({ ...machine, disk }, snapshot),
    switched,
  );
}

/**
 * Makes the snapshot that `startGuest` with these options will go on from, so that its first start is as
 * quick as any other.
 */
export async function prepareStart(options: StartOptions = {}): Promise<void> {
  const build = await lastBuild(options.kernel);
  await needRoom();
  await snapshotOrNot(build, await machineFor(options.name ?? "lab", build, options));
}

/** The disk of a guest that can reboot. */
const ownDisk = (folder: string): string => join(folder, "root.ext4");

/** Disks of guests that nobody stopped, because who started them was killed. What they said stays. */
async function removeLeftDisks(): Promise<void> {
  const anHourAgo = Date.now() - 3_600_000;
  for (const name of await runNames()) {
    const disk = ownDisk(runFolder(name));
    const written = await stat(disk).catch(() => undefined);
    if (written !== undefined && written.mtimeMs < anHourAgo && runningGuest(name) === undefined)
      await rm(disk, { force: true });
  }
}

function snapshotOrNot(build: Build, machine: Machine): Promise<Snapshot | undefined> {
  return keptOrNot(machine, (place) =>
    snapshotFor(
      build,
      machine,
      async (like) => (await launch(build, { ...like, ...(await place()) })).access,
    ),
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
async function keptOrNot<T extends Kept>(
  machine: Machine,
  make: (place: () => Promise<Place>) => Promise<T>,
): Promise<T | undefined> {
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
    process.stderr.write(
      `no snapshot, so the guest boots: ${error instanceof Error ? error.message : error}\n`,
    );
    return undefined;
  } finally {
    await stopGuest(name);
    await rm(folder, { recursive: true, force: true });
  }
}

function powerOn(build: Build, machine: Machine, switched: Kept | undefined): PowerOn {
  const argv = qemuArguments(build, machine);
  if (switched === undefined) return { argv };
  const { state, folder } = switched;
  return { argv, kept: { argv: qemuArguments(build, restored(machine, switched)), state, folder } };
}

/**
 * Starts QEMU and waits until the guest can be used. @param switched how it comes back after a reboot or a
 * power cut; otherwise it boots
 */
async function launch(build: Build, machine: Machine, switched?: Kept): Promise<Guest> {
  const plate = nameplate(build, machine);
  const { access } = plate;
  // From a snapshot it goes on only once.
  const { state: _state, memoryFile: _memory, ...bootable } = machine;
  if (machine.attended) attend(plate, powerOn(build, bootable, switched));
  const guest = await spawnQemu(plate, qemuArguments(build, machine));
  const interrupted = (): void => {
    process.kill(guest.pid, "SIGKILL");
    process.exit(130);
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    if (machine.state !== undefined) await resume(machine);
    await waitForSsh(machine.sshPort, () => isOn(guest), machine.timeout);
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

function nameplate({ privateKey, tools, card }: Build, { name, nic, folder, sshPort }: Machine): Nameplate {
  const preload = nic === "connectx" ? { preload: card } : {};
  return { name, nic, ...preload, access: { folder, sshPort, privateKey, env: tools.env } };
}

async function checkMounts(access: Access): Promise<void> {
  const check =
    "for path in /vflag /vflag/node_modules /opt/vflag /mnt/share; do mountpoint -q $path || echo $path; done";
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
    nic: options.nic ?? "connectx",
    model: options.model ?? "cx6dx",
    vfs: options.vfs ?? 8,
    cards: options.cards ?? 1,
    cpus: options.cpus ?? 2,
    memory: options.memory ?? 2048,
    iommu: options.iommu ?? true,
    acceleration: chooseAcceleration(options.acceleration ?? "auto"),
    disk: build.image.disk,
    keepDisk: options.persist === true,
    attended: options.persist === true && options.attended === true,
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
    const argv = [
      "mke2fs",
      "-q",
      "-F",
      "-t",
      "ext4",
      "-O",
      "^has_journal",
      "-L",
      "packages",
      ...content,
      disk,
    ];
    await mustRun(argv, { env: build.tools.env });
  });
  return join(folder, "packages.ext4");
}

/**
 * Below the ports that the kernel gives to connections: while a guest's power is off, one of those (an ssh of
 * another guest, or an ssh that connects to itself) could take its port.
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

/** Ends the guest's process, at once; its disk is worth nothing and goes. Returns whether there was one. */
export async function stopGuest(name: string): Promise<boolean> {
  const ended = await end(name);
  for (const file of [join(runFolder(name), "guest.json"), ownDisk(runFolder(name))])
    await rm(file, { force: true });
  return ended;
}
