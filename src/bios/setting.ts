import type { Standing } from "./standing.ts";

/** One attribute of the BIOS that decides about a feature. */
export interface Setting {
  readonly attribute: string;
  readonly label: string;
  readonly value: string;
  readonly standing: Standing;
  /** What it will be after the next reboot; null where nothing is pending for it. */
  readonly pending: { readonly value: string; readonly standing: Standing } | null;
  /** What it is to be set to; null where it is right, or nothing may be set. */
  readonly wanted: string | boolean | null;
  /** Why it is not right and is not set. */
  readonly obstacle: string | null;
}

/**
 * `turns-on`, `turns-off`: with the reboot that is due. `contradiction`: the BIOS says one thing, and the
 * host shows another.
 * `none`: no setting for it is known or looks off here, and many a BIOS needs none.
 */
export type Answer = "on" | "off" | "turns-on" | "turns-off" | "contradiction" | "unknown" | "none";
