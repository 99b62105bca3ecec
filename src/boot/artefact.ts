import type { Reload } from "../host/actions/action.ts";
import type { HostState, PhysicalFunction } from "../host/state/state.ts";
import type { NicSpec, Spec } from "../spec/schema.ts";

/** What a file for the next boot is made of. */
export interface BootInput {
  readonly spec: Spec;
  readonly state: HostState;
  /** The absolute path of the program. */
  readonly program: string;
  /** The declared NICs with their ports. */
  readonly nics: readonly BootNic[];
}

export interface BootNic {
  readonly nic: NicSpec;
  readonly pfs: readonly PhysicalFunction[];
}

/** A file that a host needs at its next boot: text out, for one of the programs that read such files. */
export interface Artefact {
  /** What `vflag render` calls it: the file's own name. */
  readonly name: string;
  readonly path: string;
  /** What it is for, in a few words. */
  readonly summary: string;
  /** Who has to read it again. */
  readonly reload: Reload | null;
  /** True where the text depends on the ports that the host has. */
  readonly needsPorts: boolean;
  /** Null where this host needs no such file. */
  readonly text: (input: BootInput) => string | null;
}

const mark = "# Made by `vflag render`";

/** The first line of every file that vflag makes, by which it knows its own. */
export const madeByVflag = `${mark}: \`vflag apply\` writes it anew.`;

/** The same for a file that `apply` leaves alone. */
export const renderedByVflag = `${mark}.`;

/** Whether vflag made this text. A file that a person wrote under one of vflag's names is that person's. */
export function isMadeByVflag(text: string): boolean {
  return text.startsWith(mark);
}
