import { readdirSync, readFileSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { FleetError } from "./database.ts";
import type { FailureKind, History, SpecText } from "./history.ts";
import { readReport } from "./report.ts";

/** What the callback plugin writes of a host. */
const Spooled = z.object({
  host: z.string().min(1),
  status: z.enum(["ok", "failed", "unreachable", "skipped"]),
  rc: z.number().nullish(),
  stdout: z.string().optional(),
  stderr: z.string().optional(),
  msg: z.string().optional(),
});
type Spooled = z.infer<typeof Spooled>;

export interface Taken {
  readonly host: string;
  readonly result: "stored" | "known" | FailureKind;
}

/**
 * Takes in what lies in the spool: a file goes once its host is in the database, and not before. One that a killed process took in
 * and had no time to remove is recognised.
 */
export function takeIn(history: History, folder: string, specs: ReadonlyMap<string, SpecText | FleetError>): Taken[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const taken: Taken[] = [];
  for (let at = 0; at < files.length; at += batch) {
    const some = files.slice(at, at + batch).map((name) => join(folder, name));
    taken.push(...history.together(() => some.flatMap((file) => take(history, readFileSync(file, "utf8"), specs))));
    for (const file of some) unlinkSync(file);
  }
  return taken;
}

/** So many files are one transaction. */
const batch = 32;

function take(history: History, text: string, specs: ReadonlyMap<string, SpecText | FleetError>): Taken[] {
  const parsed = Spooled.safeParse(jsonOf(text));
  // A file of somebody else, or half of one after a power cut: which host it was is not known, and it is one without an answer.
  if (!parsed.success) return [];
  const spooled = parsed.data;
  const { host } = spooled;
  const fail = (kind: FailureKind, message: string): Taken[] => {
    history.fail(host, kind, message);
    return [{ host, result: kind }];
  };
  if (spooled.status !== "ok") return fail(spooled.status === "unreachable" ? "unreachable" : "failed", wordsOf(spooled));
  try {
    const spec = specs.get(host) ?? null;
    if (spec instanceof FleetError) throw spec;
    return [{ host, result: history.record(readReport(host, spooled.stdout ?? "", spec)) }];
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    return fail("invalid", error.message);
  }
}

/** What Ansible and the program said, the end of it. */
function wordsOf({ rc, stderr, stdout, msg }: Spooled): string {
  const said = [msg, stderr, stdout].map((text) => (text ?? "").trim()).filter((text) => text !== "" && text !== "non-zero return code");
  const code = rc == null ? [] : [`exit code ${rc}`];
  return [...code, ...said.map((text) => text.slice(-1000))].join(": ") || "nothing was said";
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
