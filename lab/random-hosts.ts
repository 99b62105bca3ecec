import { countFrom } from "../test/support/count.ts";
import { answering } from "./asking.ts";
import { oneFile } from "./one-file.ts";
import { mustDo, type Report, say } from "./operate.ts";
import { chooseSeed } from "./random.ts";
import type { Told } from "./random-rounds.ts";
import type { Guest } from "./running.ts";
import type { Task } from "./task.ts";

/**
 * The real driver and the simulated host go through the same random actions, bond events, faults and kills,
 * and are compared after each: random-rounds.ts does it, inside the guest. STEPS says how many steps,
 * LAB_SEED which.
 */
export const randomHosts: readonly Task[] = [
  { title: "random steps", guest: { nic: "connectx", cpus: 2 }, run: inStep },
];

const steps = countFrom("STEPS", 250);
/**
 * So many from one power-on to the next: after some hundred a firmware often keeps a LAG, and then there is
 * no other.
 */
const inRound = 125;
/** Milliseconds that a step takes at most, on the average: far more than it does on a quiet machine. */
const MOST_A_STEP = 10_000;

async function inStep(guest: Guest, report: Report): Promise<void> {
  const seed = chooseSeed();
  await mustDo(guest, quiet);
  const program = await oneFile(guest, "lab/random-rounds.ts");
  // Threads of V8's own are a third of what an emulated Node does.
  const node = "node --single-threaded --enable-source-maps --disable-warning=ExperimentalWarning";
  const command = `${node} ${program} ${seed} ${steps} ${inRound} 2>&1`;
  const { code, output } = await answering(guest, say(guest, command, steps * MOST_A_STEP));
  const lines = output.split("\n");
  const told = lines.flatMap((line): Told[] => (line.startsWith('{"kind"') ? [JSON.parse(line)] : []));
  const rounds = told.flatMap((one) => (one.kind === "round" ? [one] : []));
  const done = rounds.reduce((sum, round) => sum + round.steps, 0);
  const seconds = rounds.reduce((sum, round) => sum + round.ms, 0) / 1000;
  process.stdout.write(`       random steps: ${done} in ${seconds.toFixed(0)} s\n`);
  for (const one of told) {
    if (one.kind !== "difference") continue;
    const again = `LAB_SEED=${one.seed} STEPS=${one.steps.length} does the same again`;
    report(false, `seed ${one.seed}: ${one.differences.join("; ")}`, [...one.steps, again].join("\n"));
  }
  report(
    code === 0 && done >= steps,
    `${steps} random steps on both hosts (LAB_SEED=${seed})`,
    lines.slice(-50).join("\n"),
  );
  const { output: splats } = await say(guest, 'dmesg | grep -A 25 -e "WARNING: CPU" -e "BUG:" -e "Oops:"');
  report(splats.trim() === "", "the kernel has nothing to complain of", splats);
}

/**
 * Nobody else looks at each netdev that comes and goes, or at each line of the kernel: more than half of the
 * machine's time.
 */
const quiet = `
systemctl stop openvswitch-switch ovs-vswitchd ovsdb-server
systemctl stop systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udevd
mkdir -p /run/systemd/journald.conf.d
printf '[Journal]\\nReadKMsg=no\\n' > /run/systemd/journald.conf.d/lab.conf
systemctl restart systemd-journald
modprobe bonding max_bonds=0`;
