import { connect, type Socket } from "node:net";

/**
 * Hears of changes in Open vSwitch's database through its own socket, in JSON-RPC 1.0 as RFC 7047 has it: one
 * request `monitor`, and then an `update` whenever something changed. What changed is only counted here: it
 * is looked up as always (ovs.ts).
 */

/**
 * What the server is asked to tell of: all that ovs.ts reads. Columns that count packets are not among it.
 */
const tables = {
  Open_vSwitch: ["ovs_version", "other_config", "bridges"],
  Bridge: ["name", "datapath_type", "ports"],
  Port: ["name", "interfaces"],
  Interface: ["name", "type", "ofport", "error", "external_ids"],
};

/** A message longer than this is no update that anybody needs. */
const longest = 64 * 1024 * 1024;

/** How long to wait before the next try to reach a server that is not there, in ms: from, and up to. */
const pauses = { first: 500, longest: 10_000 };

export interface OvsdbMonitorOptions {
  /** Path of the server's socket. */
  readonly path: string;
  readonly changed: (tables: readonly string[]) => void;
  /** The server is there, or went; not called while it never was. */
  readonly reachable: (now: boolean) => void;
  readonly pauses?: typeof pauses;
}

/** Connects, and connects again whenever the server goes away, until it is disposed of. */
export function monitorOvsdb(options: OvsdbMonitorOptions): Disposable {
  const monitor = new OvsdbMonitor(options);
  return { [Symbol.dispose]: () => monitor.stop() };
}

class OvsdbMonitor {
  readonly #options: OvsdbMonitorOptions;
  readonly #pauses: typeof pauses;
  #pause: number;
  #socket: Socket | null = null;
  #timer: NodeJS.Timeout | null = null;
  #wasThere = false;

  constructor(options: OvsdbMonitorOptions) {
    this.#options = options;
    this.#pauses = options.pauses ?? pauses;
    this.#pause = this.#pauses.first;
    this.#connect();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#socket?.removeAllListeners();
    this.#socket?.on("error", () => {});
    this.#socket?.destroy();
  }

  #connect(): void {
    const socket = connect({ path: this.#options.path });
    const reader = new JsonStream(longest);
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("connect", () => this.#ask(socket));
    socket.on("data", (text: Buffer | string) => {
      try {
        for (const message of reader.read(String(text))) this.#take(message, socket);
      } catch {
        // Not what a database server says: leave it, and try again later.
        socket.destroy();
      }
    });
    // "close" follows.
    socket.on("error", () => {});
    socket.on("close", () => this.#gone());
  }

  #ask(socket: Socket): void {
    const wanted = Object.fromEntries(Object.entries(tables).map(([table, columns]) => [table, { columns }]));
    socket.write(
      JSON.stringify({ method: "monitor", params: ["Open_vSwitch", null, wanted], id: "monitor" }),
    );
  }

  #take(message: unknown, socket: Socket): void {
    if (typeof message !== "object" || message === null) return;
    const { method, params, id, error } = message as Record<string, unknown>;
    if (method === "echo")
      socket.write(JSON.stringify({ id: id ?? null, result: params ?? [], error: null }));
    else if (method === "update") this.#options.changed(tablesOf(params));
    else if (id === "monitor" && error == null) this.#answered();
    else if (id === "monitor") socket.destroy();
  }

  #answered(): void {
    this.#pause = this.#pauses.first;
    this.#wasThere = true;
    this.#options.reachable(true);
  }

  #gone(): void {
    if (this.#wasThere) this.#options.reachable(false);
    this.#wasThere = false;
    this.#timer = setTimeout(() => this.#connect(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, this.#pauses.longest);
  }
}

/** `[the monitor's name, {table: {row: {old, new}}}]`. */
function tablesOf(params: unknown): string[] {
  const updates: unknown = Array.isArray(params) ? params[1] : null;
  return typeof updates === "object" && updates !== null ? Object.keys(updates) : [];
}

/** JSON objects that follow each other without anything between them, in pieces as they arrive. */
export class JsonStream {
  readonly #longest: number;
  /** What has come of the value that is not whole yet. */
  #pieces: string[] = [];
  #length = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  constructor(longestValue: number) {
    this.#longest = longestValue;
  }

  /** The values that are whole now. Throws for what is no JSON, and for a value that is too long. */
  read(text: string): unknown[] {
    const values: unknown[] = [];
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      if (!this.#step(text.charCodeAt(at))) continue;
      values.push(JSON.parse([...this.#pieces, text.slice(start, at + 1)].join("")));
      this.#pieces = [];
      this.#length = 0;
      start = at + 1;
    }
    const rest = text.slice(start);
    this.#length += rest.length;
    if (this.#length > this.#longest)
      throw new RangeError(`a message of more than ${this.#longest} characters`);
    if (rest !== "") this.#pieces.push(rest);
    return values;
  }

  /** Takes a character; true when it ends a value. */
  #step(code: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (code === 0x5c) this.#escaped = true;
      else if (code === 0x22) this.#inString = false;
      return false;
    }
    if (code === 0x22) this.#inString = true;
    else if (code === 0x7b || code === 0x5b) this.#depth++;
    else if (code === 0x7d || code === 0x5d) {
      this.#depth--;
      if (this.#depth < 0) throw new SyntaxError("a bracket too many");
      return this.#depth === 0;
    }
    return false;
  }
}
