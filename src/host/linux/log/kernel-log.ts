import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { isUnknown, known, type Observed, unknown } from "../../state/observed.ts";
import type { Kernel } from "../system/kernel.ts";
import { ProgramError } from "../system/program.ts";
import { errnoName, reasonOf } from "../system/refusal.ts";
import { type KernelRecord, parseJournal, parseKmsg } from "./kernel-records.ts";

/**
 * The kernel log: the kernel's own ring, and the journal where the ring has lost its beginning or cannot be
 * read.
 */

/**
 * What the kernel log says of a PF, or of a LAG of mlx5, as far as it matters now; nothing when the log
 * cannot be read.
 */
export function kernelLogOf(devRoot: string, pf: string): string[] {
  return linesAbout(
    pf,
    (known(readKmsg(devRoot)) ?? []).map(({ text }) => text),
  );
}

/**
 * The last five lines, and before them, if it is older, the one that says that the driver must be restarted:
 * until it is, the others follow from that. At its start the driver tells its firmware's version.
 */
export function linesAbout(pf: string, log: readonly string[]): string[] {
  const lines = log.filter(
    (text) =>
      (text.includes(pf) || (text.includes("mlx5") && /\blag\b/i.test(text))) &&
      !text.includes(": renamed from "),
  );
  const started = lines.findLastIndex((text) => text.includes(pf) && text.includes("firmware version"));
  const restart = lines.findLastIndex((text) => text.includes("driver restart required"));
  const from = Math.max(0, lines.length - 5);
  return [
    ...(restart > started && restart < from ? lines.slice(restart, restart + 1) : []),
    ...lines.slice(from),
  ];
}

/** A journal of a long uptime on a busy host takes its time. */
const journalLimit = 5000;
const journalCommand = [
  ...["journalctl", "--quiet", "--no-pager", "--boot", "--output=json"],
  "--output-fields=MESSAGE,PRIORITY,_TRANSPORT,_KERNEL_DEVICE,_SOURCE_MONOTONIC_TIMESTAMP",
  // Matches of one field are alternatives. `driver`: what journald says of itself, such as that it missed
  // messages.
  ...["_TRANSPORT=kernel", "_TRANSPORT=driver"],
];

/**
 * This boot's kernel log, which is looked at again and again: the ring each time, the journal (which takes
 * its time) once, and only where the ring has lost its beginning or cannot be read.
 */
export class KernelLogReader {
  readonly #kernel: Pick<Kernel, "devRoot" | "run">;
  #journal: Observed<KernelRecord[]> | null = null;

  constructor(kernel: Pick<Kernel, "devRoot" | "run">) {
    this.#kernel = kernel;
  }

  /** All that is there, oldest first; unknown where neither the ring nor the journal can be read. */
  async read(): Promise<Observed<KernelRecord[]>> {
    const ring = readKmsg(this.#kernel.devRoot);
    if (!isWhole(ring)) this.#journal ??= await readJournal(this.#kernel.run);
    return this.#with(ring);
  }

  /** The ring, and the journal if it was read before. */
  readNow(): Observed<KernelRecord[]> {
    return this.#with(readKmsg(this.#kernel.devRoot));
  }

  #with(ring: Observed<KernelRecord[]>): Observed<KernelRecord[]> {
    const journal = this.#journal;
    if (journal === null || isWhole(ring)) return ring;
    if (isUnknown(journal)) return isUnknown(ring) ? unknown(`${ring.unknown}; ${journal.unknown}`) : ring;
    return isUnknown(ring) ? journal : joined(journal, ring);
  }
}

function isWhole(ring: Observed<KernelRecord[]>): boolean {
  return !isUnknown(ring) && ring[0]?.gap === false;
}

/**
 * The ring with what the journal has from before it; what the journal does not reach up to the ring with is a
 * gap.
 */
export function joined(journal: readonly KernelRecord[], ring: readonly KernelRecord[]): KernelRecord[] {
  const [first, ...rest] = ring;
  if (first === undefined) return [...journal];
  const before = journal.filter(({ seconds }) => seconds < first.seconds);
  const meets = before.length > 0 && journal.some(({ seconds }) => seconds >= first.seconds);
  return [...before, { ...first, gap: !meets }, ...rest];
}

async function readJournal(run: Kernel["run"]): Promise<Observed<KernelRecord[]>> {
  try {
    const { stdout, code } = await run(journalCommand, { limit: journalLimit });
    const records = code === 0 ? parseJournal(stdout) : [];
    return records.length > 0 ? records : unknown("the journal has no kernel messages of this boot");
  } catch (error) {
    if (error instanceof ProgramError && error.code === "ENOENT") return unknown("there is no journalctl");
    return unknown(reasonOf(error));
  }
}

/** The records that the kernel still has in its ring, oldest first; unknown when it cannot be opened. */
export function readKmsg(devRoot: string): Observed<KernelRecord[]> {
  let file: number;
  try {
    file = openSync(join(devRoot, "kmsg"), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return unknown(`the kernel log cannot be read: ${reasonOf(error)}`);
  }
  try {
    if (fstatSync(file).isFile()) return parseKmsg(readFileSync(file, "utf8")).records;
    const buffer = Buffer.alloc(8192);
    let text = "";
    for (;;) {
      const record = readRecord(file, buffer);
      if (record === null) return parseKmsg(text).records;
      text += record;
    }
  } finally {
    closeSync(file);
  }
}

/** The next record, one to a read; null at the end, where the kernel answers EAGAIN. */
function readRecord(file: number, buffer: Buffer): string | null {
  for (;;) {
    try {
      const length = readSync(file, buffer);
      return length === 0 ? null : buffer.toString("latin1", 0, length);
    } catch (error) {
      // Records that were overwritten before they could be read are skipped: their numbers are missing.
      if (errnoName(error) !== "EPIPE") return null;
    }
  }
}
