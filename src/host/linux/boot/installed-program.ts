import { lstatSync, realpathSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { type Observed, unknown } from "../../state/observed.ts";
import { FileError } from "../system/system-error.ts";

/** What to do where the program that runs is none that units may start. */
const remedy =
  "install the package (apt install ./vflag_*.deb, or dnf install ./vflag-*.rpm), then: /usr/bin/vflag apply";

/**
 * The program as units may start it: an executable file that nobody but root can change or replace, from the
 * root directory down. Unknown: why it is not, with what to do.
 * @param path where it was started from
 * @param isExecutable false: from the sources
 */
export function installedProgram(path: string, isExecutable: boolean): Observed<string> {
  const shown = JSON.stringify(path);
  if (!isExecutable)
    return unknown(`vflag runs from its sources (${shown}), and units start an installed program: ${remedy}`);
  try {
    const whole = realpathSync(path);
    const wrong = reasonAgainst(whole, lstatSync(whole)) ?? folderAgainst(dirname(whole));
    if (wrong === null) return whole;
    return unknown(
      `units start a program that is root's alone, with its whole path, and this one is ` +
        `${shown}: ${wrong}; ${remedy}`,
    );
  } catch (error) {
    return unknown(
      `units start an installed program, and ${shown} cannot be looked at: ` +
        `${FileError.of(error, "stat", path).message}; ${remedy}`,
    );
  }
}

function reasonAgainst(path: string, stats: Stats): string | null {
  if (!stats.isFile()) return `${path} is no regular file`;
  if ((stats.mode & 0o111) === 0) return `${path} is not executable`;
  return changeableBy(path, stats);
}

/** The nearest folder that somebody else can put another program into. */
function folderAgainst(folder: string): string | null {
  return changeableBy(folder, lstatSync(folder)) ?? (folder === "/" ? null : folderAgainst(dirname(folder)));
}

function changeableBy(path: string, { uid, gid, mode }: Stats): string | null {
  if (uid !== 0) return `${path} is user ${uid}'s`;
  if ((mode & 0o020) !== 0 && gid !== 0) return `group ${gid} can write to ${path}`;
  return (mode & 0o002) === 0 ? null : `everybody can write to ${path}`;
}
