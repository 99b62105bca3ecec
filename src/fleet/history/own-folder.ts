import { lstatSync, mkdirSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { FleetError } from "../error.ts";

const groupOrOthersWrite = 0o022;
const othersWrite = 0o002;
const sticky = 0o1000;

/**
 * Makes a folder that is this user's alone, or makes sure that one is: what lies in it is believed, and run.
 * Where somebody else could put another one in its place it is refused too.
 * @throws {FleetError} with whose it is
 */
export function ownFolder(path: string): void {
  const parent = dirname(path);
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const wrong = reasonOf(lstatSync(path));
  if (wrong !== null) throw new FleetError(`${path} ${wrong}: what lies in it is not trusted. ${remedy}`);
  const { mode, uid } = lstatSync(parent);
  if (((mode & othersWrite) !== 0 && (mode & sticky) === 0) || (uid !== 0 && uid !== process.geteuid?.()))
    throw new FleetError(
      `${parent} is not this user's alone, and whoever may write there can replace ${path}. ${remedy}`,
    );
}

const remedy = "Name a database in a folder of your own with --db, or remove what others have put there.";

function reasonOf(found: Stats): string | null {
  if (found.isSymbolicLink()) return "is a link";
  if (!found.isDirectory()) return "is no folder";
  if (found.uid !== process.geteuid?.()) return `belongs to user ${found.uid}`;
  return (found.mode & groupOrOthersWrite) !== 0 ? "can be written by others" : null;
}
