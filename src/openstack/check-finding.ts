import type { PhysicalFunction } from "../host/state/state.ts";
import type { NicSpec } from "../spec/schema.ts";

/** The files that are held against the host; what is not given is not judged. */
export interface Configuration {
  readonly nova?: string;
  readonly sriovAgent?: string;
  readonly ml2?: string;
}

/**
 * One thing that is off. `wrong`: it does not work so. `doubtful`: it works, and somebody should look.
 * `unknown`: it could not be judged.
 */
export interface ConfigurationFinding {
  readonly kind: "wrong" | "doubtful" | "unknown";
  readonly file: keyof Configuration;
  readonly line: number | null;
  readonly text: string;
}

export type Report = (kind: ConfigurationFinding["kind"], line: number | null, text: string) => void;

/** A declared NIC with the ports that were found. */
export interface FoundNic {
  readonly nic: NicSpec;
  readonly pfs: readonly PhysicalFunction[];
}
