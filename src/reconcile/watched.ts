import type { Action } from "../host/actions/action.ts";
import type { Host } from "../host/host.ts";
import type { HostState } from "../host/state/state.ts";
import type { PciAddress } from "../host/state/values.ts";

/**
 * A host, with what was last seen of it: looking at hundreds of VFs takes its time, and twice in a row shows
 * the same.
 */
export class Watched implements Host {
  readonly #host: Host;
  /** Counts the beginnings and ends of actions. */
  #changes = 0;
  #seen: { readonly state: HostState; readonly changes: number } | null;

  /** @param seen what was observed just now */
  constructor(host: Host, seen?: HostState) {
    this.#host = host;
    this.#seen = seen === undefined ? null : { state: seen, changes: 0 };
  }

  static over(host: Host): Watched {
    return host instanceof Watched ? host : new Watched(host);
  }

  /** Looks, whatever was seen before. */
  async observe(): Promise<HostState> {
    const changes = this.#changes;
    const state = await this.#host.observe();
    this.#seen = { state, changes };
    return state;
  }

  /** What was seen last, if no action has begun or ended since that look began; else looks. */
  async current(): Promise<HostState> {
    return this.#seen?.changes === this.#changes ? this.#seen.state : this.observe();
  }

  /** What it shows is nobody's look at the whole host, and is not kept. */
  async glance(
    before: HostState,
    pfs: readonly PciAddress[],
    looks: "vfs" | "pfs",
  ): Promise<HostState | null> {
    return (await this.#host.glance?.(before, pfs, looks)) ?? null;
  }

  async perform(action: Action): Promise<void> {
    this.#changes++;
    try {
      await this.#host.perform(action);
    } finally {
      this.#changes++;
    }
  }
}
