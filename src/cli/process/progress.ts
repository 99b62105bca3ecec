import { type Progress, plainProgress, terminalProgress } from "../../report/terminal/progress.ts";
import { isDumb, say, shown, styleFor } from "./output.ts";

/**
 * Shows on the error output what goes on: in place on a terminal that can, line by line elsewhere, and
 * nothing where `silent`.
 */
export async function progressOf(silent: boolean, nics: readonly string[]): Promise<Progress> {
  const style = styleFor(process.stderr);
  if (silent) return plainProgress(() => {}, style);
  if (process.stderr.isTTY !== true || isDumb()) return plainProgress((line) => say(`${line}\n`), style);
  return terminalProgress(nics, style, (text) => shown(text, {}));
}
