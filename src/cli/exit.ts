/** The program's exit codes: 0 nothing to do, or all holds; 2 changes pending, or deviations; 1 it could not be carried out. */
export const exitCodes = { fine: 0, failed: 1, pending: 2 } as const;

/** Leaves the exit code behind; output still in the pipe is written. */
export function finish(code: (typeof exitCodes)[keyof typeof exitCodes]): void {
  process.exitCode = code;
}
