import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { LinuxHost } from "../src/host/linux/host.ts";
import { converge } from "../test/conformance/converge.ts";

/**
 * A second process of the program in the guest, which begins to bring the NIC to VF-LAG and is killed on the
 * way. An emulated Node takes seconds to start, so the next one starts when the last one is gone, and waits.
 */
const word = "converge-and-die";
/** Longer than most actions take on the emulated machine, in ms. */
const MOST_LATER = 300;

let waiting: ChildProcess | null = null;

/** Starts the first one. */
export function beReadyToKill(): void {
  waiting ??= start();
}

/** Has a process begin, and waits until it is gone. @param actions how many have begun when it is killed */
export async function killOnTheWay(actions: number): Promise<void> {
  const child = waiting ?? start();
  waiting = null;
  const closed = once(child, "close");
  child.stdin?.end(`${actions}\n`);
  await closed;
  // 0: it came to its end before.
  if (child.signalCode !== "SIGKILL" && child.exitCode !== 0)
    throw new Error(`a process that was to be killed ended with ${child.exitCode}`);
  waiting = start();
}

/** Ends the process that still waits. */
export function endWaiting(): void {
  waiting?.kill("SIGKILL");
  waiting = null;
}

/** Whether this process was started to be killed; then it does what it was started for. */
export async function isToBeKilled(): Promise<boolean> {
  if (process.argv[2] !== word) return false;
  using host = LinuxHost.open({ looks: "nics" });
  const [line = "0"] = await once(createInterface(process.stdin), "line");
  await dieAfter(host, Number(line));
  return true;
}

/**
 * SIGKILL comes from the process itself, so that it knows what it is in the middle of. A change of mode is
 * never cut off: the driver's threads are not made while a signal that kills is there (linux
 * kernel/kthread.c, __kthread_create_on_node()), it cannot go back, and only a reboot helps
 * (mlx5e_netdev_change_profile()).
 */
async function dieAfter(host: LinuxHost, actions: number): Promise<void> {
  let begun = 0;
  let changes = 0;
  let due = false;
  const dieIfDue = () => {
    if (due && changes === 0) process.kill(process.pid, "SIGKILL");
  };
  const die = () => {
    due = true;
    dieIfDue();
  };
  await converge(host, {
    actionBegins: (_, { kind }) => {
      if (begun++ === actions) setTimeout(die, Math.random() * MOST_LATER);
      dieIfDue();
      if (kind === "set-eswitch-mode") changes++;
    },
    actionEnds: (_, { kind }) => {
      if (kind === "set-eswitch-mode") changes--;
      dieIfDue();
    },
  });
}

function start(): ChildProcess {
  const [program = ""] = process.argv.slice(1);
  return spawn(process.execPath, [...process.execArgv, program, word], {
    stdio: ["pipe", "inherit", "inherit"],
  });
}
