import { Command, InvalidArgumentError } from "commander";
import type { HostState } from "../../host/state/state.ts";
import type { Entry } from "../../watch/watch.ts";
import { hostOption, type OutputOptions, outputOption, type SpecOptions, specOption } from "../options.ts";
import { printJsonLine } from "../process/output.ts";
import { onSignal } from "../process/signals.ts";

interface WatchCommandOptions extends SpecOptions, OutputOptions {
  readonly flowsEvery: number;
}

export function watchCommand(): Command {
  return new Command("watch")
    .description("follow kernel and Open vSwitch events, and print what changes and what it means")
    .addOption(specOption())
    .addOption(hostOption())
    .addOption(outputOption())
    .option(
      "--flows-every <seconds>",
      "how often to look at what tells nothing by itself: flows, guests, units, files; 0: never",
      seconds,
      30,
    )
    .addHelpText(
      "after",
      "\nOne line per change; with -o json one JSON object per line. It ends with Ctrl-C, or when nobody " +
        "reads it any more.\n" +
        "Exit code: 0 it was ended, 1 error.\n\n" +
        "Examples:\n" +
        "  vflag watch\n" +
        `  vflag watch -o json | jq -c 'select(.effect == "worse")'\n`,
    )
    .action(run);
}

async function run({ spec: file, host: name, output, flowsEvery }: WatchCommandOptions): Promise<void> {
  const { print, readSpec, styleFor, openWatchable } = await import("../target.ts");
  const { watchHost } = await import("../../watch/watch.ts");
  const { entryJson, entryLine, startJson, startLine } = await import("../../report/text/change-text.ts");
  const { verdicts } = await import("../../verdict/verdict.ts");
  const spec = readSpec(file);
  const style = styleFor(process.stdout);
  const target = await openWatchable(name, spec);
  using ended = untilEnded();
  try {
    const tell = async (entry: Entry) => {
      if (output === "json") printJsonLine(entryJson(entry));
      else print(`${entryLine(entry, style)}\n`);
      // A reader that is slow makes the watch slow, and not large.
      if (process.stdout.writableNeedDrain && !ended.signal.aborted) await drained(ended.signal);
    };
    const begin = (first: HostState) => {
      const nics = verdicts(spec, first);
      const at = new Date(first.observedAt);
      if (output === "json") printJsonLine(startJson(at, nics));
      else for (const verdict of nics) print(`${startLine(at, verdict, style)}\n`);
    };
    const options = { host: target.host, spec, begin, signal: ended.signal, every: flowsEvery };
    await watchHost({ ...options, tell });
  } finally {
    target.close();
  }
}

/** A signal that comes when somebody ends the watch, the terminal closes, or nobody reads what it prints. */
function untilEnded(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const end = () => controller.abort();
  const listening = onSignal(end);
  process.stdout.on("error", end);
  process.stdout.on("close", end);
  // Neither signals nor sockets without a handle of libuv keep a process alive.
  const alive = setInterval(() => {}, 3_600_000);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      listening[Symbol.dispose]();
      process.stdout.off("close", end);
      clearInterval(alive);
    },
  };
}

function drained(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.once("drain", resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function seconds(text: string): number {
  const number = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || number > 86_400 || (number > 0 && number < 1)) {
    throw new InvalidArgumentError("a number of seconds: 0, or 1 to 86400.");
  }
  return number;
}
