import { isUnknown, known, type Observed, type Unknown } from "../host/state/observed.ts";

/**
 * What a state says of the declared NICs, one fact a line: two states differ where a fact of one key has two
 * values.
 */

export type FactKind =
  | "port"
  | "netdev"
  | "driver"
  | "link"
  | "eswitch"
  | "setting"
  | "vf-count"
  | "vf"
  | "vf-driver"
  | "vf-holder"
  | "vf-setting"
  | "representor"
  | "representor-link"
  | "bond"
  | "bond-mode"
  | "bond-link"
  | "lacp"
  | "slave"
  | "slave-link"
  | "lag"
  | "lag-mapping"
  | "ovs"
  | "ovs-setting"
  | "ovs-port"
  | "ingress-block"
  | "flows";

export interface Fact {
  readonly kind: FactKind;
  readonly nic: string;
  /** Of what: a port, a VF, a bond. It can be another name for the same thing a moment later. */
  readonly subject: string;
  /** Null: there is none. */
  readonly value: Observed<string | null>;
  /** The fact without which this one says nothing: a VF that has gone has no driver, and that is no news. */
  readonly under?: string;
}

/** Facts by what they are about, under keys that stay the same while names change. */
export type Facts = ReadonlyMap<string, Fact>;

/** Takes one fact of a NIC down; keys are the NIC's own. */
export type Add = (
  key: string,
  kind: FactKind,
  subject: string,
  value: Observed<string | null>,
  under?: string,
) => void;

/** A value in words; null where there is none, and unknown where it is. */
export function observed<T>(
  value: T,
  text: (value: NonNullable<Exclude<T, Unknown>>) => string,
): Observed<string | null> {
  if (isUnknown(value)) return value;
  const seen = known(value);
  return seen == null ? null : text(seen);
}

export function onOff(value: boolean | null): string | null {
  return value === null ? null : value ? "on" : "off";
}
