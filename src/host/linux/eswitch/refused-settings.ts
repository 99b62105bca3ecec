import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Action } from "../../actions/action.ts";
import { refusedForGood, withRefused } from "../../actions/refusals.ts";
import type { RefusedSetting } from "../../state/refused.ts";
import { parsePciAddress } from "../../state/values.ts";
import { writeWhole } from "../system/files.ts";
import type { Kernel } from "../system/kernel.ts";

/**
 * Where it is kept what devices were asked for and cannot do, so that they are not asked again at each boot.
 */
const path = "/var/lib/vflag/refused.json";
/** More than all ports of a host have settings. */
const most = 256;

/**
 * What was kept; nothing where there is no such file, or it is damaged: the device is then asked once more.
 */
export function readRefused({ filesRoot }: Pick<Kernel, "filesRoot">): RefusedSetting[] {
  try {
    const found: unknown = JSON.parse(readFileSync(join(filesRoot, path), "utf8"));
    return Array.isArray(found) ? found.slice(0, most).flatMap(refusedOf) : [];
  } catch {
    return [];
  }
}

/** Keeps a refusal, if it is one for good. That it cannot be kept stops nobody. */
export async function keepRefused(
  kernel: Pick<Kernel, "filesRoot">,
  action: Action,
  code: string | null,
  words: string,
  state: Parameters<typeof refusedForGood>[3],
): Promise<void> {
  const refused = refusedForGood(action, code, words, state);
  if (refused === null) return;
  try {
    const file = join(kernel.filesRoot, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
    await writeWhole(file, `${JSON.stringify(withRefused(readRefused(kernel), refused), null, 2)}\n`);
  } catch {
    // It is asked again next time, which harms nobody.
  }
}

function refusedOf(found: unknown): RefusedSetting[] {
  if (typeof found !== "object" || found === null) return [];
  const text = (key: string) => {
    const value: unknown = Reflect.get(found, key);
    return typeof value === "string" && value.length <= 1000 ? value : null;
  };
  const [pf, setting, value, words, kernel] = [
    parsePciAddress(text("pf")),
    text("setting"),
    text("value"),
    text("words"),
    text("kernel"),
  ];
  if (pf === null || value === null || words === null || kernel === null) return [];
  return setting === "steering" || setting === "encap"
    ? [{ pf, setting, value, words, kernel, firmware: text("firmware") }]
    : [];
}
