import { countFrom } from "../test/support/count.ts";
import { answering } from "./asking.ts";
import { brokenOff } from "./broken-off.ts";
import { vfLagSpec } from "./hypervisor.ts";
import type { Told } from "./kill-rounds.ts";
import { oneFile } from "./one-file.ts";
import { mustDo, type Report, reboot, say, write } from "./operate.ts";
import { chooseSeed } from "./random.ts";
import type { Guest } from "./running.ts";
import type { Task } from "./task.ts";

/**
 * vflag killed at random moments of both boot stages, and run again: kill-rounds.ts does it, inside the
 * guest.
 */

/** Of each stage. */
const wanted = countFrom("KILLS", 12);
/**
 * Of the early stage's 12 kills, seen: 4 in a change of mode, which is most of its time, and after 2 of those
 * a reboot was needed.
 */
const mostReboots = 8;

export const kills: readonly Task[] = [
  { title: "kills", guest: { nic: "connectx", cpus: 2, persist: true }, run: killedAndRunAgain },
];

type Kill = Told & { readonly kind: "kill" };
const stages = ["early", "late"] as const;

async function killedAndRunAgain(guest: Guest, report: Report): Promise<void> {
  const seed = chooseSeed();
  process.stdout.write(`       kills: LAB_SEED=${seed} does the same again\n`);
  await write(guest, "/etc/vflag/vflag.yaml", vfLagSpec(2, ["channels: {pf: 2, representor: 2}"]));
  const seen: Kill[] = [];
  const of = (stage: Kill["stage"]) => seen.filter((kill) => kill.stage === stage);
  const left = (stage: Kill["stage"]) => Math.max(0, wanted - of(stage).length);
  for (let part = 0; stages.some((stage) => left(stage) > 0); part++) {
    const told = await rounds(guest, [seed + part, left("early"), left("late")], report);
    seen.push(...told.flatMap((one) => (one.kind === "kill" ? [one] : [])));
    const stopped = told.find((one) => one.kind === "stopped");
    if (stopped === undefined) break;
    const { shown, told: says, details } = await brokenOff(guest);
    const seenAndSaid = shown !== null && says && part < mostReboots;
    report(
      seenAndSaid,
      `a kill made the driver break off a change of mode (${shown}); vflag leaves it alone, and says so`,
      `${stopped.said}${details}`,
    );
    if (part === mostReboots) break;
    await reboot(guest);
  }
  for (const stage of stages) {
    const landed = of(stage);
    report(landed.length >= wanted, `${landed.length} kills of ${stage}`);
    const longest = Math.max(...landed.map(({ dying }) => dying));
    process.stdout.write(
      `       kills of ${stage} landed ${tally(landed.map((kill) => kill.landed))}; gone after ${longest} ms at most\n`,
    );
  }
}

/** Runs kill-rounds.ts to its end, and reports what it looked at. */
async function rounds(guest: Guest, numbers: readonly number[], report: Report): Promise<Told[]> {
  // Open vSwitch has nothing to do here, but looks at every netdev that comes and goes.
  await mustDo(
    guest,
    "systemctl stop openvswitch-switch ovs-vswitchd ovsdb-server; modprobe vfio-pci; modprobe bonding max_bonds=0",
  );
  const program = await oneFile(guest, "lab/kill-rounds.ts");
  const command = `node --disable-warning=ExperimentalWarning ${program} ${numbers.join(" ")} 2>&1`;
  const { code, output } = await answering(guest, say(guest, command, 900_000));
  const lines = output.split("\n");
  const told = lines.flatMap((line): Told[] => (line.startsWith('{"kind"') ? [JSON.parse(line)] : []));
  report(
    code === 0,
    `kill-rounds.ts ${numbers.join(" ")} went to its end`,
    lines.filter((line) => !line.startsWith('{"kind"')).join("\n"),
  );
  for (const one of told) if (one.kind === "looked") report(one.ok, one.what, one.details);
  return told;
}

function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${word} (${count})`).join(", ");
}
