import type { Action } from "../host/action.ts";
import type { HostState, PhysicalFunction } from "../host/state.ts";
import type { NicSpec } from "../spec/schema.ts";

/** When a requirement is brought about: before networking makes the bond, or after. */
export type Stage = "early" | "late";

/** One declared NIC and what was found of it: the input of every requirement. */
export interface NicView {
  readonly nic: NicSpec;
  /** In the order of their PCI functions. */
  readonly pfs: readonly PhysicalFunction[];
  readonly state: HostState;
}

/** What puts a deviation right. */
export type Remedy =
  /** vflag can do it. `otherwise` is what a person must do when the actions do not help. */
  | { readonly kind: "actions"; readonly actions: readonly Action[]; readonly otherwise?: string }
  /** The host's networking does it (it makes the bond), after the early stage. */
  | { readonly kind: "networking"; readonly text: string }
  /** It cannot be done on a running host; at the next boot vflag does it in the right order. */
  | { readonly kind: "reboot"; readonly text: string }
  | { readonly kind: "person"; readonly text: string };

/** One thing that is not as the spec wants it, as a requirement sees it. */
export interface Finding {
  /** Which PF, VF, representor or bond. */
  readonly subject: string;
  readonly expected: string;
  readonly actual: string;
  /** `unknown`: it could not be observed. A warning is shown and stops nothing. */
  readonly severity: "error" | "warning" | "unknown";
  readonly remedy: Remedy;
}

/** A finding together with the requirement and the NIC it belongs to. */
export interface Deviation extends Finding {
  readonly requirement: string;
  readonly nic: string;
  readonly stage: Stage;
  /** Why it matters. */
  readonly why: string;
}

/** One thing that can be right or wrong on a host. A pure function of spec and state, with what a person needs to know of it. */
export interface Requirement {
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
  /** True where what follows must not be done before this holds. */
  readonly gate: boolean;
  readonly check: (view: NicView) => Finding[];
}
