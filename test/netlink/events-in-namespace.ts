/*
 * Runs inside a network namespace of its own (see events.test.ts): hears of the kernel's events while links
 * come, change and go, and prints what was heard as JSON.
 */
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { type KernelEvent, openKernelEvents } from "../../src/netlink/index.ts";

/** SIGIO is no reason to stay alive. */
const alive = setInterval(() => {}, 1000);
const ip = (...words: string[]) => void execFileSync("ip", words);

/** What is heard while something happens, and how much of a processor hearing it took. */
async function heardWhile(act: () => void, receiveBuffer?: number): Promise<KernelEvent[]> {
  const heard: KernelEvent[] = [];
  using _events = openKernelEvents(
    (event) => heard.push(event),
    receiveBuffer === undefined ? {} : { receiveBuffer },
  );
  act();
  await sleep(300);
  return heard;
}

function flap(times: number): void {
  const batch = "link set v0 up\nlink set v0 down\n".repeat(times);
  execFileSync("ip", ["-batch", "-"], { input: batch });
}

const appeared = await heardWhile(() => ip("link", "add", "v0", "type", "veth", "peer", "name", "v1"));
const changed = await heardWhile(() => ip("link", "set", "v0", "up"));
const qdisc = await heardWhile(() => {
  try {
    execFileSync("tc", ["qdisc", "add", "dev", "v0", "clsact"], { stdio: "ignore" });
  } catch {
    // This kernel has no such qdisc: nothing is heard.
  }
});
const idle = process.cpuUsage();
const quiet = await heardWhile(() => {});
await sleep(1000);
const spent = process.cpuUsage(idle);
// The thread does not read while it waits for ip: what comes meanwhile must fit into the buffer.
const lost = await heardWhile(() => flap(300), 2048);
const afterLoss = await heardWhile(() => ip("link", "set", "v0", "up"), 2048);
const memory: number[] = [];
{
  let count = 0;
  using _events = openKernelEvents(() => count++);
  for (let round = 0; round < 6; round++) {
    flap(250);
    await sleep(50);
    globalThis.gc?.();
    memory.push(process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers);
  }
  if (count < 1000) throw new Error(`heard only ${count} events`);
}
const gone = await heardWhile(() => ip("link", "del", "v0"));
clearInterval(alive);

const seen = {
  appeared,
  changed,
  qdisc,
  quiet,
  spent: spent.user + spent.system,
  lost,
  afterLoss,
  memory,
  gone,
};
export type Seen = typeof seen;
process.stdout.write(JSON.stringify(seen));
