import { NetlinkError, NetlinkFormatError } from "../../../netlink/index.ts";
import { ProgramError } from "./program.ts";
import { FileError, systemErrorOf } from "./system-error.ts";

/**
 * Why an action was not done: the errno's name where there is one, and one line that says what was tried, on
 * what, and what came back.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: string | null;

  constructor(code: string | null, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Any failure as a refusal. @param what what was tried, for failures that do not say it themselves */
export function refusalOf(error: unknown, what: string): Refusal {
  if (error instanceof Refusal) return error;
  // A NetlinkError's message has the request, the errno and the kernel's sentence already.
  if (error instanceof NetlinkError) return new Refusal(error.code, error.message, { cause: error });
  if (error instanceof NetlinkFormatError) return new Refusal(null, error.message, { cause: error });
  if (error instanceof ProgramError) return new Refusal(error.code, error.message, { cause: error });
  if (error instanceof FileError) return new Refusal(error.code, error.message, { cause: error });
  const system = systemErrorOf(error);
  if (system !== null)
    return new Refusal(system.code, `${what}: ${system.code}: ${system.words}`, { cause: error });
  return new Refusal(null, `${what}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}

/** The errno's name of a failed system call, such as `EACCES`; null for any other error. */
export function errnoName(error: unknown): string | null {
  if (error instanceof NetlinkError) return error.code;
  if (error instanceof FileError) return error.code;
  return systemErrorOf(error)?.code ?? null;
}

/** The driver's words for an eSwitch that somebody uses, or whose lock is held. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && error.message.includes("Can't change mode, E-Switch is busy");
}

/** The reason of a failed observation, in one line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
