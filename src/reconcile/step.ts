import type { Action } from "../host/actions/action.ts";
import type { Deviation } from "../requirements/requirement.ts";

/** One requirement being brought about on one NIC. */
export interface Step {
  readonly nic: string;
  readonly requirement: string;
  readonly deviations: readonly Deviation[];
  readonly actions: readonly Action[];
}

/** An action that the host refused, or that vflag would not do. */
export interface Failure {
  readonly step: Step;
  readonly action: Action;
  readonly code: string | null;
  readonly reason: string;
}

/** What happens while a host is being reconciled, for progress and the journal. */
export interface Observer {
  readonly stepBegins?: (step: Step) => void;
  readonly actionBegins?: (step: Step, action: Action) => void;
  readonly actionEnds?: (step: Step, action: Action, failure: Failure | null) => void;
  readonly nicEnds?: (outcome: NicOutcome) => void;
}

/** How far one NIC came. */
export interface NicOutcome {
  readonly nic: string;
  /** `settled`: nothing is left to do here. `stopped`: a gate does not hold and vflag cannot open it. */
  readonly status: "settled" | "stopped";
  /** The gate that does not hold; nothing for a settled NIC. */
  readonly stoppedBy: readonly Deviation[];
  /** All that is off and that vflag can do nothing about, as far as it came: the gate too. */
  readonly left: readonly Deviation[];
  readonly steps: readonly Step[];
  readonly failures: readonly Failure[];
}
