import type { Action } from "./actions/action.ts";
import type { Attempt } from "./state/attempts.ts";
import type { HostState } from "./state/state.ts";
import type { PciAddress } from "./state/values.ts";

/**
 * A hypervisor: it can be looked at, and acted on. The real one and the simulated one obey the same
 * conformance suite.
 */
export interface Host {
  /**
   * One snapshot of everything that vflag decides on. What cannot be seen is `{ unknown: reason }`, never a
   * default.
   */
  observe(): Promise<HostState>;

  /**
   * Looks at these PFs and their VFs alone, as the PCI bus shows them, or at the PFs alone where nothing was
   * done to their VFs, and takes the rest from `before`: see `glanced`. Null: that is not enough, and the
   * host must be observed. A host that cannot do this in less time than observing leaves it out.
   */
  glance?(before: HostState, pfs: readonly PciAddress[], looks: "vfs" | "pfs"): Promise<HostState | null>;

  /**
   * Carries out one action and returns when its effect is visible to `observe`. What would do harm is
   * refused: `forbidden` in safety.ts.
   * @throws {ActionError} when the host refuses, with what was tried, on what, and the host's own words.
   */
  perform(action: Action): Promise<void>;

  /**
   * Keeps until the next boot how a run ended, for `observe`. It only records: that it fails stops nobody.
   */
  keepAttempt?(attempt: Attempt): Promise<void>;
}

/** The host refused an action, or did not finish it in time. */
export class ActionError extends Error {
  override readonly name = "ActionError";
  readonly action: Action;
  /** The kernel's error name, such as `EBUSY`, where there is one. */
  readonly code: string | null;

  constructor(action: Action, code: string | null, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.action = action;
    this.code = code;
  }
}
