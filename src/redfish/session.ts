import type { BmcAccess } from "./access.ts";
import { isObject, type JsonObject, jsonOf, refuseFailure } from "./answers.ts";
import {
  Connection,
  type HttpAnswer,
  type HttpRequest,
  type Limits,
  stopped,
  usualLimits,
} from "./connection.ts";
import { RedfishError } from "./error.ts";
import { hidden } from "./hide.ts";

/** A resource, and the tag of the state in which it was read. */
export interface Resource {
  readonly data: JsonObject;
  readonly etag: string | null;
}

/** What came of a change. */
export interface Accepted {
  readonly data: JsonObject;
  /** The task that carries it out, where the service has made one. */
  readonly task: string | null;
}

/** How often one answer may lead on to another place of the same service. */
const mostRedirects = 3;

/** The service is asked for no longer than this many times the limit of one request. */
const patience = 10;

/**
 * A session with a service: opened with the user's password, which is sent once, and closed at the end,
 * because a BMC has few of them. Source: DMTF DSP0266, "Redfish session login authentication".
 */
export class Session implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #access: BmcAccess;
  readonly #limits: Limits;
  readonly #signal: AbortSignal;
  #token: string | null = null;
  #location: string | null = null;
  #root: JsonObject = {};

  private constructor(access: BmcAccess, limits: Limits, signal: AbortSignal | undefined) {
    this.#access = access;
    this.#limits = limits;
    this.#connection = new Connection(access.address, access.trust, limits);
    const whole = AbortSignal.timeout(limits.requestMs * patience);
    this.#signal = signal === undefined ? whole : AbortSignal.any([signal, whole]);
  }

  /** @param signal ends what is asked; the session is closed all the same @throws {RedfishError} */
  static async open(access: BmcAccess, limits: Limits = usualLimits, signal?: AbortSignal): Promise<Session> {
    const session = new Session(access, limits, signal);
    try {
      await session.#enter();
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The service's root, which names all else. */
  get root(): JsonObject {
    return this.#root;
  }

  async get(link: string): Promise<Resource> {
    let path = this.#pathOf(link);
    for (let hops = 0; ; hops++) {
      const what = this.#hide(`GET ${path}`);
      const answer = await this.#ask({ method: "GET", path });
      if (answer.status >= 300 && answer.status < 400) {
        if (hops === mostRedirects)
          throw new RedfishError("answer", `${what}: it leads from one place to the next`, answer.status);
        path = this.#pathOf(answer.headers.location ?? "", what);
        continue;
      }
      refuseFailure(answer, what, this.#limits.bytes, this.#hide);
      const data = jsonOf(answer, what, this.#limits.bytes);
      const tag = answer.headers.etag ?? data["@odata.etag"];
      return { data, etag: typeof tag === "string" && /^[\x21-\x7e ]{1,500}$/.test(tag) ? tag : null };
    }
  }

  /**
   * Changes a resource in the state that `etag` stands for. It is waited for, whatever is interrupted
   * meanwhile.
   */
  async patch(link: string, etag: string | null, body: unknown): Promise<Accepted> {
    const path = this.#pathOf(link);
    const what = this.#hide(`PATCH ${path}`);
    if (this.#signal.aborted) throw stopped(this.#signal, `${what}, before it was sent`);
    let answer = await this.#change(path, etag, body);
    // Some services give a weak tag and compare it as a strong one. It stands for the same state. Source:
    // sushy 4.3, connector.py, _etag_handler().
    if (answer.status === 412 && etag?.startsWith("W/") === true)
      answer = await this.#change(path, etag.slice("W/".length), body);
    if (answer.status >= 300 && answer.status < 400)
      throw new RedfishError(
        "answer",
        `${what}: it leads elsewhere, and was not followed: nothing is known to be set`,
        answer.status,
      );
    refuseFailure(answer, what, this.#limits.bytes, this.#hide);
    const { location } = answer.headers;
    const task = answer.status === 202 && location !== undefined ? this.#pathOf(location, what) : null;
    return { data: answer.body.length === 0 ? {} : jsonOf(answer, what, this.#limits.bytes), task };
  }

  #change(path: string, etag: string | null, body: unknown): Promise<HttpAnswer> {
    const headers = { ...this.#credentials(), ...(etag === null ? {} : { "If-Match": etag }) };
    return this.#connection.ask({ method: "PATCH", path, headers, body: JSON.stringify(body) });
  }

  /** Takes the user's secrets out of a text that the service has sent. */
  readonly #hide = (text: string): string => {
    return [this.#access.password.reveal(), this.#token ?? ""].reduce(hidden, text);
  };

  hide(text: string): string {
    return this.#hide(text);
  }

  /** Closes the session and the connection. That it could not be closed is no news: it ends by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    const [path, token] = [this.#location, this.#token];
    this.#location = null;
    this.#token = null;
    if (path !== null && token !== null) {
      const closing = { method: "DELETE" as const, path, headers: { "X-Auth-Token": token } };
      await this.#connection
        .ask(closing, AbortSignal.timeout(Math.min(10_000, this.#limits.requestMs)))
        .catch(() => {});
    }
    this.#connection[Symbol.dispose]();
  }

  async #enter(): Promise<void> {
    // The root may be read by anybody: nobody's password is sent to what is no Redfish service.
    this.#root = (await this.get("/redfish/v1/")).data;
    const links = isObject(this.#root["Links"]) ? this.#root["Links"] : {};
    const sessions = isObject(links["Sessions"]) ? links["Sessions"]["@odata.id"] : undefined;
    if (typeof sessions !== "string")
      throw new RedfishError(
        "answer",
        `${this.#connection.origin}: it names no sessions: is this a Redfish service?`,
      );
    const { username, password } = this.#access;
    const path = this.#pathOf(sessions);
    const body = JSON.stringify({ UserName: username, Password: password.reveal() });
    const answer = await this.#ask({ method: "POST", path, body });
    refuseFailure(answer, `POST ${path}`, this.#limits.bytes, this.#hide);
    const token = answer.headers["x-auth-token"];
    if (typeof token !== "string" || !/^[\x21-\x7e]{1,4096}$/.test(token))
      throw new RedfishError(
        "answer",
        `POST ${path}: the service opened a session, and gave no token for it`,
      );
    this.#token = token;
    const own = answer.body.length === 0 ? {} : jsonOf(answer, `POST ${path}`, this.#limits.bytes);
    const location = answer.headers.location ?? own["@odata.id"];
    this.#location = typeof location === "string" ? this.#pathOf(location, `POST ${path}`) : null;
  }

  #ask(asked: HttpRequest): Promise<HttpAnswer> {
    return this.#connection.ask(
      { ...asked, headers: { ...this.#credentials(), ...asked.headers } },
      this.#signal,
    );
  }

  #credentials(): Record<string, string> {
    return this.#token === null ? {} : { "X-Auth-Token": this.#token };
  }

  /** A link of the service as a path; one that leads to another host is not followed, and gets no token. */
  #pathOf(link: string, from = "a link"): string {
    const { origin } = this.#connection;
    let url: URL | null = null;
    try {
      url = new URL(link, origin);
    } catch {
      // Told below.
    }
    if (url === null || link === "" || link.length > 2000)
      throw new RedfishError("answer", `${from}: it leads nowhere`);
    if (url.origin !== new URL(origin).origin || url.username !== "")
      throw new RedfishError(
        "answer",
        `${from}: it leads to another host (${this.#hide(url.host).slice(0, 200)}), and was not followed`,
      );
    return url.pathname + url.search;
  }
}
