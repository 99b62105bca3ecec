/**
 * What became of a configuration file: the text as it shall be, and what an operator has to know about it.
 */
export interface Outcome {
  /** The text as it shall be; as it was where there are conflicts. */
  readonly text: string;
  /** What is written, and why: also what is left out on purpose. */
  readonly notes: readonly string[];
  /** Where the file says something else than the spec: nothing is written until somebody has decided. */
  readonly conflicts: readonly Conflict[];
}

export interface Conflict {
  /** In the file; `null`: not in one place. */
  readonly line: number | null;
  readonly there: string;
  readonly wanted: string;
  readonly why: string;
}

/** The text unless something stands against it. */
export function outcome(
  before: string,
  after: () => string,
  notes: readonly string[],
  conflicts: readonly Conflict[],
): Outcome {
  return { text: conflicts.length > 0 ? before : after(), notes: [...new Set(notes)], conflicts };
}
