import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

/**
 * A headless Chromium of the distribution, spoken to in the DevTools protocol over a pipe: nothing is
 * downloaded, and no port is opened. Source: https://chromedevtools.github.io/devtools-protocol/, and
 * --remote-debugging-pipe (messages end with a zero byte).
 */

/** Why there is none here, or false. */
export function noChromium(): string | false {
  const { error, status } = spawnSync("chromium", ["--version"], { timeout: 60_000 });
  if (error !== undefined) return "chromium is not installed";
  return status === 0 ? false : "chromium does not start here";
}

export interface Look {
  readonly width: number;
  readonly dark: boolean;
}

/** A page as it was opened: what it asked for, and what it complained of. */
export interface Page {
  readonly requests: readonly string[];
  readonly complaints: readonly string[];
  /** Another screen, without loading it again. */
  readonly look: (look: Look) => Promise<void>;
  /** The value of an expression, evaluated in the page. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  readonly screenshot: () => Promise<Buffer>;
  readonly close: () => Promise<void>;
}

type Answer = { readonly [key: string]: unknown };
type Listener = (method: string, params: Answer, session: string) => void;

export class Chromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #in: Writable;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  >();
  readonly #listeners = new Set<Listener>();
  #serial = 0;
  #rest = "";

  private constructor() {
    this.#profile = mkdtempSync(join(tmpdir(), "vflag-chromium-"));
    const flags = [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--remote-debugging-pipe",
      "--no-first-run",
    ];
    const quiet = [
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-extensions",
      "--hide-scrollbars",
    ];
    this.#process = spawn(
      "chromium",
      [...flags, ...quiet, `--user-data-dir=${this.#profile}`, "about:blank"],
      {
        stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      },
    );
    const [, , , input, output] = this.#process.stdio;
    this.#in = input as Writable;
    (output as Readable).setEncoding("utf8").on("data", (text: string) => this.#read(text));
    this.#process.once("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("chromium has ended"));
    });
    this.#in.on("error", () => {});
  }

  static start(): Chromium {
    return new Chromium();
  }

  /** Opens a page and waits until it is loaded and drawn. */
  async open(url: string, first: Look): Promise<Page> {
    const { targetId } = await this.#ask("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.#ask("Target.attachToTarget", { targetId, flatten: true });
    const session = String(sessionId);
    const requests: string[] = [];
    const complaints: string[] = [];
    const loaded = Promise.withResolvers<void>();
    const listener: Listener = (method, params, from) => {
      if (from !== session) return;
      if (method === "Network.requestWillBeSent") requests.push(String((params["request"] as Answer)["url"]));
      if (["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"].includes(method))
        complaints.push(JSON.stringify(params));
      if (method === "Page.loadEventFired") loaded.resolve();
    };
    this.#listeners.add(listener);
    const ask = (method: string, params: object = {}) => this.#ask(method, params, session);
    for (const domain of ["Page", "Network", "Runtime", "Log"]) await ask(`${domain}.enable`);
    const look = async ({ width, dark }: Look) => {
      await ask("Emulation.setDeviceMetricsOverride", {
        width,
        height: 900,
        deviceScaleFactor: 1,
        mobile: false,
      });
      await ask("Emulation.setEmulatedMedia", {
        features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }],
      });
    };
    await look(first);
    await ask("Page.navigate", { url });
    await loaded.promise;
    return {
      requests,
      complaints,
      look,
      evaluate: async (expression) => {
        const answer = await ask("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
        if (answer["exceptionDetails"] !== undefined)
          throw new Error(JSON.stringify(answer["exceptionDetails"]));
        return (answer["result"] as Answer)["value"];
      },
      screenshot: async () => {
        const { data } = await ask("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
        return Buffer.from(String(data), "base64");
      },
      close: async () => {
        this.#listeners.delete(listener);
        await this.#ask("Target.closeTarget", { targetId });
      },
    };
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill();
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #ask(method: string, params: object, sessionId?: string): Promise<Answer> {
    const id = ++this.#serial;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, { resolve, reject });
    this.#in.write(
      `${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`,
    );
    return promise;
  }

  #read(text: string): void {
    const messages = `${this.#rest}${text}`.split("\0");
    this.#rest = messages.pop() ?? "";
    for (const message of messages) {
      const { id, result, error, method, params, sessionId } = JSON.parse(message);
      const waiting = this.#waiting.get(id);
      if (waiting === undefined) for (const listener of this.#listeners) listener(method, params, sessionId);
      else if (error === undefined) waiting.resolve(result);
      else waiting.reject(new Error(JSON.stringify(error)));
      this.#waiting.delete(id);
    }
  }
}
