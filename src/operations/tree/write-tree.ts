import { accessSync, constants, existsSync, readFileSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";
import { makeLink, removeWhole, writeWhole } from "../../host/linux/system/files.ts";
import { DeploymentError } from "../inventory/ansible-inventory.ts";
import type { TreeChange } from "./tree-plan.ts";

/**
 * Carries out all changes of a tree. Each file is replaced whole, and each is right on its own, so that a run
 * that was killed is finished by the next one. The hosts' values come first: a template must not be there
 * before the variables that it reads.
 * @throws {DeploymentError} before anything is written, where a directory cannot be written to, or a file is
 * not as it was read
 */
export async function writeTree(changes: readonly TreeChange[]): Promise<void> {
  const closed = [...new Set(changes.map(({ path }) => nearest(dirname(path))))].filter(
    (folder) => !isWritable(folder),
  );
  if (closed.length > 0)
    throw new DeploymentError(`nothing was written, since these cannot be written to: ${closed.join(", ")}`);
  const changed = changes.filter(({ path, kind, before }) => kind === "file" && textOf(path) !== before);
  if (changed.length > 0)
    throw new DeploymentError(
      `nothing was written, since somebody else did meanwhile: ${changed.map(({ name }) => name).join(", ")}`,
    );
  for (const { path, kind, after } of changes) {
    if (after === null) {
      await removeWhole(path);
      removeEmpty(dirname(path));
      continue;
    }
    if (kind === "file") await writeWhole(path, after, { create: 0o755 });
    else makeLink(path, after);
  }
}

function textOf(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

/** The first directory on the way up that is there. */
function nearest(folder: string): string {
  return existsSync(folder) || folder === dirname(folder) ? folder : nearest(dirname(folder));
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A directory that vflag's file was alone in: left empty, it would hide a file of the same name from Ansible.
 */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (
      !(error instanceof Error && "code" in error && (error.code === "ENOTEMPTY" || error.code === "EEXIST"))
    )
      throw error;
  }
}
