import { runningPrograms } from "../../host/linux/system/program.ts";

/** What a terminal, its end, or systemd sends to end a program. */
const names = ["SIGINT", "SIGHUP", "SIGTERM"] as const;
export type EndSignal = (typeof names)[number];

type Handler = (signal: EndSignal) => void;

/** The last one decides. */
const handlers: Handler[] = [endAtOnce];

/**
 * From now on such a signal ends the programs that this one has started, and then this one. To be called
 * once.
 */
export function hearSignals(): void {
  for (const name of names) process.on(name, () => handlers.at(-1)?.(name));
}

/** While it is not disposed of, `handler` decides what such a signal means. */
export function onSignal(handler: Handler): Disposable {
  handlers.push(handler);
  return { [Symbol.dispose]: () => void handlers.splice(handlers.lastIndexOf(handler), 1) };
}

/** The command was interrupted, and has come to rest. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly signal: EndSignal;

  constructor(signal: EndSignal) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/**
 * Ends this process by the signal itself, so that whoever started it sees by what it ended (man wait(2),
 * WIFSIGNALED).
 */
export function dieBy(signal: EndSignal): void {
  for (const name of names) process.removeAllListeners(name);
  process.kill(process.pid, signal);
}

function endAtOnce(signal: EndSignal): void {
  for (const program of runningPrograms()) program.signal("SIGTERM");
  dieBy(signal);
}
