import { constants, existsSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { readBounded } from "../../host/linux/system/bounded-file.ts";
import { stateLimits } from "../../host/schema/state-limits.ts";
import { FleetError } from "../error.ts";
import type { Prepared } from "../reading/prepare.ts";
import { ahead, type Reader } from "../reading/reader.ts";
import type { SpecText } from "../reading/report.ts";
import type { FailureKind, History } from "./history.ts";

/**
 * What the callback plugin writes of a host: this, and beside it, where the host has answered, the answer
 * itself as NAME.out. The name of the host is known even where its answer cannot be read.
 */
const Spooled = z.object({
  host: z.string().min(1),
  status: z.enum(["ok", "failed", "unreachable", "skipped"]),
  rc: z.number().nullish(),
  stderr: z.string().optional(),
  msg: z.string().optional(),
  /** The end of what a host said that failed. */
  stdout: z.string().optional(),
  /** Bytes of an answer that was too large to be kept. */
  excess: z.number().optional(),
});
type Spooled = z.infer<typeof Spooled>;

export interface Taken {
  readonly host: string;
  readonly result: "stored" | "known" | FailureKind;
  /** Why it is no state. */
  readonly message: string;
}

/** A file of the spool and what it is. Null: it is somebody else's, or half of one after a power cut. */
interface Entry {
  readonly file: string;
  readonly spooled: Spooled | null;
}

/** Why a host is in the database without a state. */
interface Failed {
  readonly kind: FailureKind;
  readonly reason: string;
}

/**
 * Takes in what lies in the spool: a file goes once its host is in the database, and not before. One that a
 * killed process took in and had no time to remove is recognised. An answer that cannot be read, or that
 * takes too much, is recorded as that and goes too: it holds up no later run.
 */
export async function takeIn(
  history: History,
  reader: Reader,
  folder: string,
  specs: ReadonlyMap<string, SpecText | FleetError>,
): Promise<Taken[]> {
  const taken: Taken[] = [];
  let some: (readonly [Entry, Prepared | Failed])[] = [];
  const keep = () => {
    history.together(() => {
      for (const [{ file, spooled }, report] of some)
        if (spooled !== null) taken.push(kept(history, file, spooled, report));
    });
    for (const [, report] of some) if ("text" in report) reader.reuse(report.text);
    for (const [{ file }] of some) for (const path of [file, answerOf(file)]) rmSync(path, { force: true });
    some = [];
  };
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const entries = names.values().map((name) => entryAt(join(folder, name)));
  for await (const done of ahead(entries, 2 * batch, (entry) => read(reader, entry, specs)))
    if (some.push(done) === batch) keep();
  keep();
  return taken;
}

/** So many files are one transaction. */
const batch = 32;

/** Bytes of what is written of a host beside its answer: the plugin keeps to a tenth of it. */
const mostBytes = 256 * 1024;

function answerOf(file: string): string {
  return file.replace(/\.json$/, ".out");
}

function entryAt(file: string): Entry {
  try {
    const text = readBounded(file, mostBytes, constants.O_NOFOLLOW).toString();
    return { file, spooled: Spooled.safeParse(JSON.parse(text)).data ?? null };
  } catch {
    return { file, spooled: null };
  }
}

async function read(
  reader: Reader,
  { file, spooled }: Entry,
  specs: ReadonlyMap<string, SpecText | FleetError>,
): Promise<Prepared | Failed> {
  if (spooled === null) return { kind: "invalid", reason: "" };
  const { host, status, excess } = spooled;
  if (status !== "ok")
    return { kind: status === "unreachable" ? "unreachable" : "failed", reason: wordsOf(spooled) };
  const spec = specs.get(host) ?? null;
  if (spec instanceof FleetError) return { kind: "invalid", reason: spec.message };
  if (excess !== undefined)
    return {
      kind: "invalid",
      reason: `too much for one host: its answer has ${excess} bytes, and ${stateLimits.bytes} is the limit`,
    };
  const answer = answerOf(file);
  if (!existsSync(answer)) return { kind: "invalid", reason: "nothing was said" };
  const report = await reader.run({
    kind: "report",
    host,
    file: answer,
    flags: constants.O_NOFOLLOW,
    spec,
    specFile: null,
  });
  return "refused" in report ? { kind: "invalid", reason: report.refused } : report;
}

function kept(history: History, file: string, { host }: Spooled, report: Prepared | Failed): Taken {
  // The file was written when the host had answered, also where a run that was killed has written it.
  const collected = Math.min(Date.now(), Math.floor(lstatSync(file).mtimeMs));
  if (!("reason" in report))
    return { host, message: "", result: history.keep(report, { collected, justAsked: true }) };
  history.fail(host, report.kind, report.reason, collected);
  return { host, message: report.reason, result: report.kind };
}

/** What Ansible and the program said, the end of it. */
function wordsOf({ rc, stderr, stdout, msg }: Spooled): string {
  const said = [msg, stderr, stdout]
    .map((text) => (text ?? "").trim())
    .filter((text) => text !== "" && text !== "non-zero return code");
  const code = rc == null ? [] : [`exit code ${rc}`];
  return [...code, ...said.map((text) => text.slice(-1000))].join(": ") || "nothing was said";
}
