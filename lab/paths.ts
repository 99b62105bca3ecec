import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The repository that this file is in; the guest sees it at /vflag. */
export const repository = resolve(import.meta.dirname, "..");

/** Everything that the lab makes is below this folder, and nothing outside of it. */
export const cache = resolve(process.env.VFLAG_LAB_CACHE ?? join(homedir(), ".cache", "vflag-lab"));

/** A running guest's folder: console, sockets, state and the writable share. */
export const runFolder = (name: string): string => join(cache, "run", name);
