import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { countFrom } from "../test/support/count.ts";
import { dockerLike, installUnits, vfLagSpec } from "./hypervisor.ts";
import { mustDo, type Report, say, write } from "./operate.ts";
import { chooseSeed, seeded } from "./random.ts";
import { cutPower, type Guest, isOn, lastWords, powerOn } from "./running.ts";
import { waitForSsh } from "./ssh.ts";
import type { Task } from "./task.ts";

/**
 * The power is cut at random moments of the boot, from the early stage's beginning until shortly after the
 * late stage's end. The next boot must bring VF-LAG without a hand, with the file system and vflag's files
 * sound.
 *
 * QEMU is killed and started anew on the same disk (running.ts).
 */

const cuts = countFrom("CUTS", 20);
/**
 * Boots that follow a cut are cut too, and then one goes to its end: a whole boot under emulation takes up to
 * a minute.
 */
const cutsInARow = 5;

export const power: readonly Task[] = [
  { title: "power cuts", guest: { nic: "connectx", persist: true }, run: cutAndBootAgain },
];

const interfaces = `auto peer0
iface peer0 inet manual
  up ip link set peer0 up
auto peer1
iface peer1 inet manual
  up ip link set peer1 up
auto bond0
iface bond0 inet static
  address 10.9.0.1/24
  bond-mode active-backup
  bond-miimon 100
  bond-slaves enp1s0f0np0 enp1s0f1np1
`;

const stages = ["early", "late"] as const;

/**
 * Each stage tells the console when it begins and ends; outside the unit's sandbox, which takes half a second
 * to set up.
 */
const marked = (stage: (typeof stages)[number]) => `[Service]
ExecStartPre=+/bin/sh -c 'echo vflag: ${stage} begins > /dev/ttyS0'
ExecStartPost=+/bin/sh -c 'echo vflag: ${stage} ends > /dev/ttyS0'
`;

/** Nothing of this is needed here, and each costs a part of a second at each boot. */
const unneeded = [
  ...[
    "openvswitch-switch",
    "ovs-vswitchd",
    "ovsdb-server",
    "systemd-logind",
    "dbus",
    "dbus.socket",
    "kmod-static-nodes",
    "systemd-binfmt",
  ],
  ...[
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "sys-kernel-tracing.mount",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
  ],
  ...["configfs", "dm_mod", "drm", "efi_pstore", "fuse", "loop"].map((module) => `modprobe@${module}`),
].join(" ");

async function prepare(guest: Guest): Promise<void> {
  await write(guest, "/etc/vflag/vflag.yaml", vfLagSpec(2));
  await write(guest, "/etc/network/interfaces.d/bond0", interfaces);
  await write(
    guest,
    "/etc/systemd/system/docker.service",
    dockerLike("echo vflag: docker begins > /dev/ttyS0"),
  );
  for (const stage of stages)
    await write(guest, `/etc/systemd/system/vflag-${stage}.service.d/lab.conf`, marked(stage));
  // Only the program's disk is mounted at boot.
  await mustDo(guest, "sed -i '/9p/d; /node_modules/d' /etc/fstab");
  await installUnits(guest);
  await write(guest, "/etc/systemd/journald.conf.d/lab.conf", "[Journal]\nStorage=volatile\n");
  await mustDo(guest, `systemctl mask --no-reload -q ${unneeded}; sync`);
}

async function cutAndBootAgain(guest: Guest, report: Report): Promise<void> {
  const seed = chooseSeed();
  const random = seeded(seed);
  await prepare(guest);
  const files = await sums(guest);
  await cutPower(guest);
  let span = await bootToTheEnd(guest);
  await sound(guest, files, "without a cut", report);
  // One cut in each twentieth of the time, in any order, so that every part of the boot has its share.
  const parts = Array.from({ length: cuts }, (_, part) => ({ part, order: random() })).sort(
    (a, b) => a.order - b.order,
  );
  const landed: string[] = [];
  for (let first = 0; first < cuts; first += cutsInARow) {
    await cutPower(guest);
    for (const { part } of parts.slice(first, first + cutsInARow)) {
      const after = ((part + random()) / cuts) * (span + 1000);
      await powerOn(guest);
      const early = await awaitMark(guest, "early begins");
      await sleep(early + after - performance.now());
      await cutPower(guest);
      landed.push(`${(after / 1000).toFixed(1)} s (${(await marks(guest)).at(-1)})`);
    }
    span = await bootToTheEnd(guest);
    await sound(
      guest,
      files,
      `after cuts at ${landed.slice(-cutsInARow).join(", ")} (LAB_SEED=${seed})`,
      report,
    );
  }
  process.stdout.write(`       ${landed.length} cuts, after early's beginning: ${landed.join(", ")}\n`);
}

/** What must be as it was after every boot. */
async function sums(guest: Guest): Promise<string> {
  return mustDo(guest, "find /etc/vflag /etc/systemd/system /etc/network -type f | sort | xargs sha256sum");
}

async function sound(guest: Guest, files: string, when: string, report: Report): Promise<void> {
  const { code, output } = await say(guest, "vflag verify");
  report(
    code === 0 && /data {2}vf-lag {2}works/.test(output),
    `${when} VF-LAG works, without a hand`,
    output,
  );
  const host = await say(
    guest,
    "ip -br addr show mgmt0; systemctl --failed --no-legend; cat /sys/fs/ext4/vda/errors_count; dmesg | grep 'EXT4-fs.*error'",
  );
  report(
    /^mgmt0 +UP +10\.0\.2\.15\/24 .*\n0\n$/.test(host.output),
    `${when} the host is reachable, no unit has failed, and its file system is sound`,
    host.output,
  );
  const now = await sums(guest);
  report(now === files, `${when} the spec, the units and the networks are as they were`, now);
  const journal = await mustDo(
    guest,
    `jq -R -r 'try (fromjson | .kind) catch "half a line"' /var/lib/vflag/journal.jsonl | uniq -c`,
  );
  report(/\bend\n$/.test(journal), `${when} vflag's journal can be read to its end`, journal);
  if (journal.includes("half a line")) process.stdout.write(`       ${when}: the journal has half a line\n`);
}

/**
 * Boots, and waits until that has come to its end, whatever came of it; returns the milliseconds from early's
 * beginning to late's end.
 */
async function bootToTheEnd(guest: Guest): Promise<number> {
  await powerOn(guest);
  const begun = performance.now();
  const early = await awaitMark(guest, "early begins");
  const late = await awaitMark(guest, "docker begins");
  await waitForSsh(guest.access.sshPort, () => isOn(guest), 300_000);
  await say(guest, "systemctl is-system-running --wait");
  const times = [early - begun, late - early, performance.now() - begun].map(
    (time) => `${(time / 1000).toFixed(1)} s`,
  );
  process.stdout.write(
    `       boot: early begins after ${times[0]}, late has ended ${times[1]} later; ${times[2]} in all\n`,
  );
  return late - early;
}

/** Waits until the console has said it, and returns when that was, within 20 ms. */
async function awaitMark(guest: Guest, mark: string): Promise<number> {
  for (const end = performance.now() + 300_000; performance.now() < end; await sleep(20)) {
    if ((await marks(guest)).includes(mark)) return performance.now();
    if (!isOn(guest)) throw new Error(`QEMU has ended\n${await lastWords(guest.access.folder)}`);
  }
  throw new Error(`the console does not say "vflag: ${mark}" within 300 s`);
}

/** What the stages have told the console since the guest was switched on. */
async function marks(guest: Guest): Promise<string[]> {
  const text = await readFile(join(guest.access.folder, "console.log"), "latin1");
  return [...text.matchAll(/vflag: (.*?)\r?\n/g)].map(([, mark]) => mark ?? "");
}
