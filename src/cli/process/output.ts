import { fstatSync, writeSync } from "node:fs";
import { reasonInWords } from "../../host/linux/system/records.ts";
import { documentText, jsonText, terminalText } from "../../report/terminal/escape.ts";
import { coloured, plain, type Style } from "../../report/terminal/style.ts";
import { wrapped } from "../../report/terminal/wrap.ts";
import { loseOutput } from "./exit.ts";

/** Everything that this program prints goes out here, through the filter of its kind. */

type Stream = NodeJS.WriteStream & { readonly fd: number };

/**
 * A terminal that can do no more than print: no colours, no cursor. Source: terminfo(5), `dumb`; man
 * environ(7), TERM.
 */
export function isDumb(): boolean {
  const terminal = process.env["TERM"] ?? "";
  return terminal === "" || terminal === "dumb" || terminal === "unknown";
}

/** Takes what the program prints in place of its streams. */
type Taker = (stream: "stdout" | "stderr", text: string) => void;
let taker: Taker | null = null;

/**
 * Until it is disposed of, what is printed goes to `take`, as into a pipe: for whoever runs commands in a
 * process of its own.
 */
export function takeOutput(take: Taker): Disposable {
  taker = take;
  return {
    [Symbol.dispose]: () => {
      taker = null;
      lost.clear();
    },
  };
}

function isTerminal(stream: { isTTY?: boolean }): boolean {
  return taker === null && stream.isTTY === true;
}

/** Colours on a terminal only, and never where NO_COLOR is set (https://no-color.org). */
export function styleFor(stream: { isTTY?: boolean }): Style {
  const wanted = isTerminal(stream) && (process.env["NO_COLOR"] ?? "") === "" && !isDumb();
  return wanted ? coloured : plain;
}

/** Prints text for people: on a terminal at its width. Nothing in it draws but the colours of `styleFor`. */
export function print(text: string): void {
  write(process.stdout, shown(text, process.stdout));
}

/** Prints what is a file's text, or a document: as it is, but on a terminal nothing in it draws. */
export function printDocument(text: string): void {
  write(process.stdout, isTerminal(process.stdout) ? documentText(text) : text);
}

export function printJson(value: unknown): void {
  write(process.stdout, `${jsonText(value, 2)}\n`);
}

/** The same on one line, for a stream of them. */
export function printJsonLine(line: string): void {
  write(process.stdout, `${line}\n`);
}

/** Says something beside the command's output. */
export function say(text: string): void {
  write(process.stderr, shown(text, process.stderr));
}

/**
 * What was wrong, or is: its further lines are indented, so that none looks like one of the program's own.
 */
export function complain(text: string): void {
  say(`vflag: ${text.trimEnd().replaceAll("\n", "\n  ")}\n`);
}

/** A text as a stream shows it. */
export function shown(text: string, stream: { isTTY?: boolean; columns?: number }): string {
  const columns = isTerminal(stream) ? (stream.columns ?? 80) : 0;
  return terminalText(columns > 0 ? wrapped(text, columns) : text);
}

/** What could not be written, and where to, each once. */
const lost = new Map<Stream, string>();

/**
 * Hears that a stream could not be written to. The reader may have gone (`vflag apply | head`), or the
 * terminal: that is no failure.
 */
export function outputFails(stream: Stream, error: NodeJS.ErrnoException): void {
  if (
    error.code === "EPIPE" ||
    error.code === "EIO" ||
    error.code === "ERR_STREAM_DESTROYED" ||
    lost.has(stream)
  )
    return;
  lost.set(stream, reasonInWords(error));
  if (stream !== process.stdout) return;
  loseOutput();
  complain(`what it prints cannot be written: ${reasonInWords(error)}`);
}

function write(stream: Stream, text: string): void {
  if (text === "") return;
  if (taker !== null) return taker(stream === process.stderr ? "stderr" : "stdout", text);
  if (!isFile(stream)) {
    stream.write(text);
    return;
  }
  // Node takes a part of what a full disk took for all of it.
  try {
    for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(stream.fd, rest));
  } catch (error) {
    if (error instanceof Error) outputFails(stream, error);
    else throw error;
  }
}

function isFile(stream: Stream): boolean {
  try {
    const stats = fstatSync(stream.fd);
    return stats.isFile() || (stats.isCharacterDevice() && stream.isTTY !== true);
  } catch {
    return false;
  }
}
