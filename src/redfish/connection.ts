import {
  Agent,
  type ClientRequestArgs,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from "node:http";
import type { Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { type BmcAddress, originOf, type Trust } from "./access.ts";
import { RedfishError } from "./error.ts";

/** HTTPS to one service, with limits on time and size. What it answers is nobody's business here. */

export interface Limits {
  /** For one request, from the connection to the last byte of the answer, in ms. */
  readonly requestMs: number;
  /** Bytes of an answer as it comes. */
  readonly bytes: number;
}

/** A registry of Dell has 2 MB, of HPE 3 MB. */
export const usualLimits: Limits = { requestMs: 60_000, bytes: 8 * 1024 * 1024 };

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Begins with a slash. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export class Connection implements Disposable {
  readonly #address: BmcAddress;
  readonly #agent: VerifyingAgent;
  readonly #limits: Limits;

  constructor(address: BmcAddress, trust: Trust, limits: Limits = usualLimits) {
    this.#address = address;
    this.#agent = new VerifyingAgent(address, trust, limits.requestMs);
    this.#limits = limits;
  }

  get origin(): string {
    return originOf(this.#address);
  }

  /** @param signal ends it at once @throws {RedfishError} */
  async ask(asked: HttpRequest, signal?: AbortSignal): Promise<HttpAnswer> {
    try {
      return await this.#once(asked, signal);
    } catch (error) {
      // A service may close a connection that it kept just when the next request comes. What only reads is
      // asked again.
      if (!(error instanceof ClosedWhileIdle)) throw error;
      if (asked.method === "GET") return await this.#once(asked, signal);
      throw new RedfishError("unreachable", `${asked.method} ${asked.path}: the connection broke: ${unsure}`);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #once(
    { method, path, headers = {}, body }: HttpRequest,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    const what = `${method} ${path}`;
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const { requestMs, bytes } = this.#limits;
    const content =
      body === undefined
        ? {}
        : { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) };
    // Without an answer, it is not known what a service has done that was reached.
    const lost = () => (method === "GET" || outgoing.socket === null ? "" : `: ${unsure}`);
    const outgoing = request({
      agent: this.#agent,
      method,
      path,
      // Only what the standard needs of HTTP, and no header larger than a service has a reason for.
      maxHeaderSize: 16 * 1024,
      headers: {
        Host: this.origin.slice("https://".length),
        Accept: "application/json",
        "OData-Version": "4.0",
        ...content,
        ...headers,
      },
    });
    const end = (error: Error) => {
      outgoing.destroy(error);
      reject(error);
    };
    const timer = setTimeout(
      () => end(new RedfishError("time", `${what}: no answer within ${requestMs / 1000} s${lost()}`)),
      requestMs,
    );
    const stop = () => end(stopped(signal, what));
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted === true) stop();
    outgoing.once("error", (error) => reject(failureOf(error, what, outgoing.reusedSocket, lost())));
    outgoing.once("response", (response) => void receive(response, bytes, what, lost()).then(resolve, end));
    outgoing.end(body);
    return promise.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    });
  }
}

/** What a request says that was ended by its signal. */
export function stopped(signal: AbortSignal | undefined, what: string): RedfishError {
  const reason: unknown = signal?.reason;
  const isLate = reason instanceof Error && reason.name === "TimeoutError";
  return new RedfishError(
    "time",
    `${what}: ${isLate ? "the service took too long over all of it" : "interrupted"}`,
  );
}

async function receive(
  response: IncomingMessage,
  most: number,
  what: string,
  lost: string,
): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response) {
      const bytes = Buffer.from(chunk);
      length += bytes.length;
      if (length > most)
        throw new RedfishError("answer", `${what}: its answer has more than ${most / 1024 / 1024} MiB`);
      chunks.push(bytes);
    }
  } catch (error) {
    if (error instanceof RedfishError) throw error;
    throw new RedfishError(
      "unreachable",
      `${what}: the connection broke in the middle of the answer${lost}`,
      null,
      { cause: error },
    );
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

/** Said of what changes something. */
const unsure = "what came of it is not known";

class ClosedWhileIdle extends Error {}

function failureOf(error: Error, what: string, reused: boolean, lost: string): Error {
  if (error instanceof RedfishError) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : null;
  if (reused && (code === "ECONNRESET" || code === "EPIPE")) return new ClosedWhileIdle();
  if (code?.startsWith("HPE_") === true)
    return new RedfishError("answer", `${what}: its answer is no HTTP (${code})`, null, { cause: error });
  const words = code === null ? error.message : (reasons[code] ?? error.message);
  return new RedfishError("unreachable", `${what}: ${words}${lost}`, null, { cause: error });
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused: nothing listens there",
  ECONNRESET: "the connection was closed by the other side",
  EHOSTUNREACH: "no route to it",
  ENETUNREACH: "no route to its network",
  ENOTFOUND: "its name is not known to DNS",
  EAI_AGAIN: "DNS does not answer",
  ETIMEDOUT: "no connection in time",
};

/**
 * Gives out only connections whose other end was verified: nothing is sent before, not even a request's first
 * line.
 */
class VerifyingAgent extends Agent {
  readonly #address: BmcAddress;
  readonly #trust: Trust;
  readonly #limit: number;

  constructor(address: BmcAddress, trust: Trust, limit: number) {
    // A BMC answers one request after the other; some close what is asked in parallel.
    super({ keepAlive: true, maxSockets: 1, timeout: limit });
    this.#address = address;
    this.#trust = trust;
    this.#limit = limit;
  }

  override createConnection(
    _options: ClientRequestArgs,
    given?: (error: Error | null, socket: Socket) => void,
  ): undefined {
    const { host, port } = this.#address;
    // The verification is made below, in one place for both kinds, so that its failure can name the
    // certificate.
    const socket = connect({
      host,
      port,
      rejectUnauthorized: false,
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      ...(this.#trust.kind === "authorities" && this.#trust.ca !== null ? { ca: this.#trust.ca } : {}),
    });
    const failed = (error: Error) => given?.(error, socket);
    socket.once("error", failed);
    socket.setTimeout(this.#limit, () =>
      socket.destroy(new RedfishError("time", `no connection to ${host} within ${this.#limit / 1000} s`)),
    );
    socket.once("secureConnect", () => {
      const refusal = refusalOf(socket, this.#trust);
      if (refusal !== null) return void socket.destroy(new RedfishError("certificate", refusal));
      socket.removeAllListeners("timeout").setTimeout(0);
      socket.removeListener("error", failed);
      given?.(null, socket);
    });
    return undefined;
  }
}

/** Why a service is not taken for the one that is meant; null where it is. */
function refusalOf(socket: TLSSocket, trust: Trust): string | null {
  const { fingerprint256: colons = "" } = socket.getPeerCertificate();
  const shown = `its certificate has the SHA-256 fingerprint ${colons || "(none)"}`;
  if (trust.kind === "fingerprint") {
    if (colons.replaceAll(":", "").toUpperCase() === trust.sha256) return null;
    return (
      `this is not the certificate of vflag_bmc_fingerprint: ${shown}. Nothing was sent. If it was ` +
      `renewed, correct the variable`
    );
  }
  if (socket.authorized) return null;
  const error: unknown = socket.authorizationError;
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  const reason = certificateReasons[code] ?? (error instanceof Error ? error.message : code);
  return (
    `its certificate is not trusted: ${reason}; ${shown}. Nothing was sent. ` +
    "Name its authority in vflag_bmc_ca_file, or, if you know this certificate, its fingerprint in " +
    "vflag_bmc_fingerprint"
  );
}

/** Source: Node's documentation, tls, X509 certificate error codes. */
const certificateReasons: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "the authority that signed it is not known here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the authority that signed it is not known here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the authority that signed it is not known here",
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not valid yet (is this machine's clock right?)",
  ERR_TLS_CERT_ALTNAME_INVALID: "it is another host's",
};
