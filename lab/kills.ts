import { answering } from "./asking.ts";
import { vfLagSpec } from "./hypervisor.ts";
import type { Told } from "./kill-rounds.ts";
import { oneFile } from "./one-file.ts";
import { mustDo, type Report, say, write } from "./operate.ts";
import { chooseSeed } from "./random.ts";
import type { Guest } from "./running.ts";
import type { Task } from "./task.ts";

/** vflag killed at random moments of both boot stages, and run again: kill-rounds.ts does it, inside the guest. */

const wanted = 12;

export const kills: readonly Task[] = [{ title: "kills", guest: { nic: "connectx", cpus: 2 }, run: killedAndRunAgain }];

async function killedAndRunAgain(guest: Guest, report: Report): Promise<void> {
  const seed = chooseSeed();
  process.stdout.write(`       kills: LAB_SEED=${seed} does the same again\n`);
  await write(guest, "/etc/vflag/vflag.yaml", vfLagSpec(2, ["channels: {pf: 2, representor: 2}"]));
  // Open vSwitch has nothing to do here, but looks at every netdev that comes and goes.
  await mustDo(guest, "systemctl stop openvswitch-switch ovs-vswitchd ovsdb-server; modprobe vfio-pci; modprobe bonding max_bonds=0");
  const program = await oneFile(guest, "lab/kill-rounds.ts");
  const command = `node --disable-warning=ExperimentalWarning ${program} ${seed} ${wanted} 2>&1`;
  const { code, output } = await answering(guest, say(guest, command, 900_000));
  const lines = output.split("\n");
  const told = lines.flatMap((line): Told[] => (line.startsWith('{"kind"') ? [JSON.parse(line)] : []));
  report(code === 0, `went to its end (LAB_SEED=${seed})`, lines.filter((line) => !line.startsWith('{"kind"')).join("\n"));
  for (const one of told) if (one.kind === "looked") report(one.ok, one.what, one.details);
  for (const stage of ["early", "late"] as const) {
    const landed = told.flatMap((one) => (one.kind === "kill" && one.stage === stage ? [one] : []));
    report(landed.length >= wanted, `${landed.length} kills of ${stage}`, output);
    const longest = Math.max(...landed.map(({ dying }) => dying));
    process.stdout.write(`       kills of ${stage} landed ${tally(landed.map((kill) => kill.landed))}; gone after ${longest} ms at most\n`);
  }
}

function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${word} (${count})`).join(", ");
}
