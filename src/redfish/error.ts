/** Why a service did not do what it was asked. */
export type RedfishFailure =
  /** No connection, or it broke. */
  | "unreachable"
  /** It is not known to be the one that was meant. */
  | "certificate"
  | "time"
  /** Its answer is too long, or not as the standard says. */
  | "answer"
  /** It does not let this user in, or do this. */
  | "denied"
  /** Somebody else changed it meanwhile. */
  | "changed"
  | "refused"
  | "missing";

/**
 * A Redfish service did not answer, or refused; the message says what was asked, what came back and what to
 * do. No secret is in it.
 */
export class RedfishError extends Error {
  override readonly name = "RedfishError";
  readonly failure: RedfishFailure;
  /** Of the HTTP answer; null where there was none. */
  readonly status: number | null;

  constructor(
    failure: RedfishFailure,
    message: string,
    status: number | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.failure = failure;
    this.status = status;
  }
}
