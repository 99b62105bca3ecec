import type { Action } from "../host/actions/action.ts";
import type { HostState, PhysicalFunction } from "../host/state/state.ts";
import type { PciAddress } from "../host/state/values.ts";
import type { NicSpec, Spec } from "../spec/schema.ts";

/**
 * When a requirement is brought about, in this order. `platform`: what lies beneath the NICs; `firmware`:
 * what the cards offer from the next boot on; `persistence`: what the next boot needs; `early`: before
 * networking makes the bond; `late`: after it; `ovs`: what hands flows to the NIC; `traffic`: nothing is
 * brought about, what became of the flows is evidence.
 */
export type Stage = "platform" | "firmware" | "persistence" | "early" | "late" | "ovs" | "traffic";

/** What an operator allows beyond what the spec says, because it interrupts somebody. */
export interface Allowed {
  readonly restartOvs?: boolean;
}

/** One declared NIC and what was found of it: the input of every requirement. */
export interface NicView {
  readonly nic: NicSpec;
  /** In the order of their PCI functions. */
  readonly pfs: readonly PhysicalFunction[];
  readonly state: HostState;
}

/** The whole host: the input of the requirements that belong to no single NIC. */
export interface HostView {
  readonly spec: Spec;
  readonly state: HostState;
  /** The declared NICs whose ports were found. */
  readonly nics: readonly NicView[];
  readonly allowed: Allowed;
}

/** What puts a deviation right. */
export type Remedy =
  /**
   * vflag can do it. `otherwise` is what a person must do when the actions do not help. `refused`: what the
   * host answered when vflag did them last, in this boot.
   */
  | {
      readonly kind: "actions";
      readonly actions: readonly Action[];
      readonly otherwise?: string;
      readonly refused?: string;
    }
  /** The host's networking does it (it makes the bond), after the early stage. */
  | { readonly kind: "networking"; readonly text: string }
  /** It cannot be done on a running host; at the next boot vflag does it in the right order. */
  | { readonly kind: "reboot"; readonly text: string }
  | { readonly kind: "person"; readonly text: string };

/** One thing that is not as the spec wants it, as a requirement sees it. */
export interface Finding {
  /** Which PF, VF, representor or bond. */
  readonly subject: string;
  /** The PF that it concerns; the NIC as a whole, where this is left out. */
  readonly pf?: PciAddress;
  readonly expected: string;
  readonly actual: string;
  /** `unknown`: it could not be observed. A warning is shown and stops nothing. */
  readonly severity: "error" | "warning" | "unknown";
  readonly remedy: Remedy;
  /** True where nothing that its requirement follows from can explain it. */
  readonly independent?: true;
  /**
   * True where no run of vflag and no boot can mend it, but another kernel, card or spec: units do not fail
   * for it.
   */
  readonly lasting?: true;
  /** Of a warning: when what works now will not work any more, as in "at the next boot". */
  readonly bites?: string;
  /** Why it matters, where the requirement's own reason is that of another case. */
  readonly why?: string;
}

/** When most of what `bites` does so. */
export const atNextBoot = "at the next boot";

/** A finding about the host itself. */
export interface HostFinding extends Finding {
  /** The names of the declared NICs that it concerns; all of them, where this is left out. */
  readonly nics?: readonly string[];
}

/** A finding together with the requirement and the NIC it belongs to. */
export interface Deviation extends HostFinding {
  readonly requirement: string;
  /** `host` for what belongs to no single NIC. */
  readonly nic: string;
  readonly stage: Stage;
  /** Why it matters. */
  readonly why: string;
}

/** What a person needs to know of one thing that can be right or wrong. */
export interface About {
  readonly id: string;
  readonly stage: Stage;
  /** What holds when it is fulfilled, in a few words. */
  readonly title: string;
  readonly why: string;
  /** How to see it by hand. */
  readonly observe: readonly string[];
  /** How to put it right by hand. */
  readonly byHand: readonly string[];
  readonly references: readonly string[];
  /**
   * The ids of those that, being wrong, make this wrong too or keep vflag from putting it right: what is
   * found here is then told as a consequence.
   */
  readonly follows: readonly string[];
  /** True where what follows must not be done before this holds. */
  readonly gate: boolean;
}

/**
 * One thing that can be right or wrong with a NIC: a pure function of what was declared and what was seen.
 */
export interface Requirement extends About {
  /**
   * Why it is not asked of this NIC: the spec does not declare what it is about, or there is nothing to look
   * at. That is not told as "holds".
   */
  readonly notAsked?: (nic: NicSpec, state: HostState) => string | null;
  /**
   * The ids of those after whose step a glance at its PFs suffices to judge this one: it needs to know
   * nothing of the host but these PFs' VFs, and what was there before. To look at everything takes longer
   * than some of the steps: docs/benchmarks.md.
   */
  readonly afterGlance?: readonly string[];
  readonly check: (view: NicView) => Finding[];
}

/** The same, with the host around the NICs. */
export interface HostRequirement extends About {
  readonly notAsked?: (spec: Spec, state: HostState) => string | null;
  readonly check: (view: HostView) => HostFinding[];
}
