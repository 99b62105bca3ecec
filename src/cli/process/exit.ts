/**
 * The program's exit codes: 0 nothing to do, or all holds; 2 changes pending, or deviations; 1 it could not
 * be carried out.
 */
export const exitCodes = { fine: 0, failed: 1, pending: 2 } as const;

type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

let wanted: ExitCode = exitCodes.fine;
let outputIsLost = false;
let outputIsRecord = false;

/** Leaves the exit code behind; output still in the pipe is written. */
export function finish(code: ExitCode): void {
  wanted = code;
  leave();
}

/** Forgets what commands before left behind, in a process that runs several. */
export function startOver(): void {
  [wanted, outputIsLost, outputIsRecord] = [exitCodes.fine, false, false];
  process.exitCode = undefined;
}

/**
 * What the command prints was not all written. The command has failed with it, unless it only records what
 * was done.
 */
export function loseOutput(): void {
  outputIsLost = true;
  leave();
}

/**
 * The command acts on the host, and its exit code says how that ended: what it prints is a record, which
 * stops nothing.
 */
export function actFirst(): void {
  outputIsRecord = true;
}

function leave(): void {
  process.exitCode = outputIsLost && !outputIsRecord ? exitCodes.failed : wanted;
}
