import type { Artefact } from "./artefact.ts";
import { modprobeOptions } from "./modprobe.ts";
import { networkFile } from "./networkd.ts";
import { udevRules } from "./udev.ts";
import { unitArtefacts } from "./units.ts";

/** Files for the next boot that are only read; a unit must be enabled too. */
export const plainArtefacts: readonly Artefact[] = [udevRules, networkFile, modprobeOptions];

/** Every file that vflag makes for the next boot. */
export const artefacts: readonly Artefact[] = [...unitArtefacts, ...plainArtefacts];
