import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Build } from "./build.ts";
import { cached } from "./cache.ts";
import type { Nic } from "./cards.ts";
import { mustRun } from "./exec.ts";
import { monitor } from "./monitor.ts";
import { type Machine, qemuArguments } from "./qemu.ts";
import { copySettings } from "./settings.ts";
import { type Access, closeConnection, runInGuest } from "./ssh.ts";

/** A machine that was stopped, to go on any number of times. Belongs to an image, and goes with it. */
export interface Kept {
  /** Here are its cards' settings too. */
  readonly folder: string;
  readonly memory: string;
  readonly state: string;
}

/** One that has booted, stopped before the NIC's driver is loaded. */
export interface Snapshot extends Kept {
  readonly disk: string;
}

const files = (folder: string): Snapshot => ({
  folder,
  memory: join(folder, "memory"),
  state: join(folder, "state"),
  disk: join(folder, "root.ext4"),
});

/** The memory is a file already, and not written to the state. */
const ignoreShared = "migrate_set_capability x-ignore-shared on";

/**
 * Modules that are loaded after the snapshot was restored, so that their parameters can differ from guest to
 * guest.
 */
const drivers: Readonly<Record<Nic, string>> = { igb: "igb", connectx: "mlx5_core" };
const parameter = /^(mlx5_core|igb|igbvf|netdevsim)\.(\S+=\S+)$/;

/** Other kernel arguments have their effect at boot only. */
export function needsBoot(append: readonly string[]): boolean {
  return !append.every((argument) => parameter.test(argument));
}

/**
 * The snapshot of such a machine, made if there is none yet. `boot` starts a guest and waits until it is up.
 */
export async function snapshotFor(
  build: Build,
  like: Machine,
  boot: (machine: Machine) => Promise<Access>,
): Promise<Snapshot> {
  const step = join(basename(build.image.folder), "snapshot");
  const folder = await cached(step, ["5", ...whatMatters(build, like)], async (into) => {
    const { disk, memory } = files(into);
    await copySparse(build.image.disk, disk);
    const access = await boot({
      ...like,
      append: [],
      disk,
      keepDisk: true,
      attended: false,
      memoryFile: { path: memory, write: true },
    });
    await save(access, like.nic, into);
  });
  return files(folder);
}

/**
 * A machine that was switched on, stopped in its initial RAM disk (guest/init.sh waits there), before it has
 * looked at its root disk: firmware and kernel need not start again. `switchOn` returns the folder of such a
 * machine.
 */
export async function switchedOn(
  build: Build,
  like: Machine,
  switchOn: (machine: Machine) => Promise<string>,
): Promise<Kept> {
  const append = [...like.append, "lab.keep"];
  const step = join(basename(build.image.folder), "switched-on");
  const folder = await cached(step, ["2", ...append, ...whatMatters(build, like)], async (into) => {
    const { memory, state } = files(into);
    const running = await switchOn({ ...like, append, memoryFile: { path: memory, write: true } });
    await waitForMark(running);
    await keep(running, state);
    await copySettings(running, into);
    // The guest knows by whole seconds that it has been away.
    await sleep(5000);
  });
  return files(folder);
}

async function waitForMark(folder: string): Promise<void> {
  for (const end = performance.now() + 120_000; performance.now() < end; await sleep(50)) {
    if ((await readFile(join(folder, "console.log"), "latin1").catch(() => "")).includes("lab: keep")) return;
  }
  throw new Error("the guest does not come to its initial RAM disk within 120 s");
}

/** What is the same for all guests that can use a snapshot. */
function whatMatters(build: Build, machine: Machine): string[] {
  const own = {
    name: "",
    folder: "",
    share: "",
    repository: "",
    sshPort: 0,
    append: [],
    disk: "",
    keepDisk: false,
    attended: false,
    packages: "",
    program: "",
  };
  return [
    ...qemuArguments(build, { ...machine, ...own }),
    ...(machine.nic === "connectx" ? [build.card] : []),
  ];
}

/**
 * A mounted 9p cannot be saved (QEMU: "Migration is disabled when VirtFS export path is mounted").
 */
async function save(access: Access, nic: Nic, into: string): Promise<void> {
  await inGuest(
    access,
    `umount /vflag/node_modules /vflag /opt/vflag /mnt/share; modprobe -r ${drivers[nic]}; udevadm settle; sync`,
  );
  await closeConnection(access);
  await keep(access.folder, files(into).state);
  await copySettings(access.folder, into);
}

/** Has the QEMU of a guest's folder write its devices' state, and end. */
async function keep(folder: string, state: string): Promise<void> {
  const said = await monitor(folder, [ignoreShared, `migrate file:${state}`, "info migrate", "quit"]);
  if (!/status: completed/.test(said)) throw new Error(`QEMU does not save its state:\n${said}`);
}

/** The machine that goes on from there; a disk of its own must be a copy of the snapshot's. */
export function restored(machine: Machine, { memory, state }: Kept): Machine {
  return { ...machine, state, memoryFile: { path: memory, write: false } };
}

/** Has the waiting QEMU load the state, and the machine go on. */
export async function resume({ folder, state }: Pick<Machine, "folder" | "state">): Promise<void> {
  const said = await monitor(folder, [ignoreShared, `migrate_incoming file:${state}`, "info migrate"]);
  if (/Error|failed/.test(said)) throw new Error(`QEMU does not load ${state}:\n${said}`);
}

/** What a boot would have done: the mounts, the NIC's driver with its parameters, the clock. */
export async function catchUp(access: Access, machine: Machine): Promise<void> {
  const options = machine.append.flatMap((argument) => {
    const [, module, setting] = parameter.exec(argument) ?? [];
    return module === undefined ? [] : [`options ${module} ${setting}`];
  });
  const setClock = (): Promise<void> => inGuest(access, `date -s @${(Date.now() / 1000).toFixed(3)}`);
  // Once roughly, for what follows; the second time over the connection that is there by then.
  await setClock();
  await inGuest(
    access,
    [
      "mount /vflag && mount /vflag/node_modules && mount /opt/vflag && mount /mnt/share",
      `printf '${options.map((line) => `${line}\\n`).join("")}' > /etc/modprobe.d/lab.conf`,
      `modprobe ${drivers[machine.nic]} && udevadm settle`,
    ].join(" && "),
  );
  await setClock();
}

/** Node's copyFile writes the holes too, which takes 18 s for a disk of 3 GB. */
export async function copySparse(from: string, to: string): Promise<void> {
  await mustRun(["cp", "--sparse=always", "--reflink=auto", from, to]);
}

async function inGuest(access: Access, command: string): Promise<void> {
  const { code, stdout, stderr } = await runInGuest(access, [command], { timeout: 120_000 });
  if (code !== 0) throw new Error(`in the guest: ${command}: exit code ${code}\n${stdout}${stderr}`);
}
