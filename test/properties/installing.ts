import type { Action } from "../../src/host/actions/action.ts";
import { removeOwnFile, writeOwnFile } from "../../src/host/linux/boot/installation.ts";

/** Carries out what installs a file, or removes one, below a folder. */
export async function perform(root: string, action: Action): Promise<void> {
  const kernel = { filesRoot: root, run: async () => ({ stdout: "", stderr: "", code: 0 }) };
  if (action.kind === "write-file") await writeOwnFile(kernel, action.path, action.text, action.reload);
  if (action.kind === "remove-file") await removeOwnFile(kernel, action.path, action.reload);
}
