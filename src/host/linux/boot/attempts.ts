import { constants } from "node:fs";
import { join } from "node:path";
import { type Attempt, Attempts, withAttempt } from "../../state/attempts.ts";
import { known, type Observed, unknown } from "../../state/observed.ts";
import { readBounded } from "../system/bounded-file.ts";
import { writeWhole } from "../system/files.ts";
import type { Kernel } from "../system/kernel.ts";
import { errnoName, reasonOf } from "../system/refusal.ts";
import { readText } from "../system/sysfs.ts";

type Places = Pick<Kernel, "procRoot" | "runRoot">;

/** More than two runs leave. */
const mostBytes = 1024 * 1024;

/**
 * What vflag could not put right in this boot; null where it has not run. A file of another boot says nothing
 * of this one.
 */
export function readAttempts(places: Places): Observed<Attempts | null> {
  try {
    const found: unknown = JSON.parse(
      readBounded(pathOf(places), mostBytes, constants.O_NOFOLLOW).toString(),
    );
    if (typeof found !== "object" || found === null || Reflect.get(found, "boot") !== bootOf(places))
      return null;
    const parsed = Attempts.safeParse(Reflect.get(found, "attempts"));
    return parsed.success ? parsed.data : unknown(`${pathOf(places)} is not as vflag writes it`);
  } catch (error) {
    return errnoName(error) === "ENOENT" ? null : unknown(`${pathOf(places)}: ${reasonOf(error)}`);
  }
}

/**
 * Keeps how a run ended. Of the early stage that found a port in a bond already it is kept only while the
 * host boots: started later by hand it always finds the bond, and that says nothing of the order at boot.
 */
export async function keepAttempt(kernel: Places & Pick<Kernel, "run">, attempt: Attempt): Promise<void> {
  try {
    const bonded = attempt.left.some(({ requirement }) => requirement === "not-in-bond");
    const early = attempt.early && !(bonded && !(await isBooting(kernel)));
    const attempts = withAttempt(known(readAttempts(kernel)) ?? null, { ...attempt, early });
    await writeWhole(pathOf(kernel), `${JSON.stringify({ boot: bootOf(kernel), attempts })}\n`, {
      create: 0o700,
    });
  } catch {
    // It only records.
  }
}

/** False also where systemd does not answer. Source: systemctl(1), is-system-running. */
async function isBooting({ run }: Pick<Kernel, "run">): Promise<boolean> {
  const state = await run(["systemctl", "is-system-running"], { limit: 5000 }).catch(() => null);
  return /^(?:initializing|starting)$/.test(state?.stdout.trim() ?? "");
}

function bootOf({ procRoot }: Places): string | null {
  return readText(join(procRoot, "sys/kernel/random/boot_id"));
}

function pathOf({ runRoot }: Places): string {
  return join(runRoot, "vflag/attempts.json");
}
