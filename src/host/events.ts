import type { HostState } from "./state/state.ts";

/**
 * What of a host is to be looked at again. `nics`: netlink, sysfs and debugfs, which takes milliseconds;
 * `ovs`: Open vSwitch's database, its daemon, and qdiscs; `everything`: these and what tells nothing by
 * itself (flows, guests, units, files, firmware).
 */
export type Part = "nics" | "ovs" | "everything";

/**
 * Something happened on a host. It is a reason to look, never a fact to report: what is reported was
 * observed.
 */
export interface HostEvent {
  readonly parts: readonly Part[];
  /**
   * What is worth telling by itself: a line of the kernel log, messages that were lost, a server that went
   * away.
   */
  readonly notice?: Notice;
}

export interface Notice {
  /**
   * `log`: the kernel log says it. `lost`: not everything was heard. `source`: where events come from came or
   * went.
   */
  readonly kind: "log" | "lost" | "source";
  readonly text: string;
}

/** A host that can be watched. */
export interface WatchableHost {
  /**
   * Looks again at some parts; the others stay as they were in `before`. Without `before` it looks at
   * everything.
   */
  look(parts: ReadonlySet<Part>, before?: HostState): Promise<HostState>;
  /** Hears of events until it is disposed of. */
  listen(hear: (event: HostEvent) => void): Disposable;
}
