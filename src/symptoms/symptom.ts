/** Something that a log, a command or a state shows, and that points to a cause. */
export interface Symptom {
  readonly id: string;
  readonly title: string;
  /**
   * Where it shows: in the kernel log, in ovs-vswitchd's, in what a command answers (the kernel's extended
   * ack, which no log has), or in the host's state, where the requirements named see it.
   */
  readonly shows: "kernel-log" | "ovs-log" | "answer" | "state";
  /** How it looks, for a person. */
  readonly looks: string;
  /**
   * Its text in all versions; a function's name, line and process may stand before it. Empty for what shows
   * in the state only.
   */
  readonly patterns: readonly RegExp[];
  readonly cause: string;
  readonly remedy: string;
  /** The ids of the requirements whose failure it explains, or that see it. */
  readonly explains: readonly string[];
  /** What makes it history. */
  readonly over: Over;
  /**
   * Where it matters though nothing that is looked at is wrong: always, or if it was seen within the last
   * quarter of an hour.
   */
  readonly alone?: "always" | "lately";
  /**
   * Of Open vSwitch's log: what a line must name; without it a port, a representor or the bond. `nothing`: it
   * names no netdev.
   */
  readonly names?: "uplink" | "tunnel" | "nothing";
  /** The symptoms that say more of the same: seen with one of them, this one is left out. */
  readonly partOf?: readonly string[];
  readonly references: readonly string[];
}

/**
 * `driver-start`: the driver of that function has started since. `lag`: the card's LAG is active, or was made
 * since. `switchdev`: that port's eSwitch was set to switchdev since. `vfs`: the declared VFs are there.
 * `vf-driver`: that VF has a driver, or is gone. `bond-up`: all of the bond's ports have a link. `never`:
 * while it stands in the log. The driver's start ends all but the last two.
 */
export type Over = "driver-start" | "lag" | "switchdev" | "vfs" | "vf-driver" | "bond-up" | "never";
