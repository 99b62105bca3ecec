import * as z from "zod";
import { PciAddress } from "./schemas.ts";

/** Entries that are kept of a run; a host with more has the same trouble many times. */
export const mostLeft = 256;

const Left = z.array(
  z.strictObject({
    nic: z.string(),
    requirement: z.string(),
    subject: z.string(),
    pf: PciAddress.nullable(),
    expected: z.string(),
    refused: z.string().nullable(),
  }),
);

/**
 * What vflag could not put right in this boot. The next boot would meet the same, and so would another run.
 */
export const Attempts = z
  .strictObject({ early: Left.max(mostLeft).nullable(), latest: Left.max(mostLeft) })
  .meta({
    id: "Attempts",
    description:
      "what was not as expected when a run ended. early: of the stage before networking, null where it did " +
      "not run; latest: of the last run; refused: what the host answered to the request for it",
  });
export type Attempts = z.infer<typeof Attempts>;

/** A run that has ended. */
export interface Attempt {
  /** Whether it was the stage before networking. */
  readonly early: boolean;
  readonly left: Attempts["latest"];
}

/** What is kept after a run, beside what was kept before. */
export function withAttempt(before: Attempts | null, { early, left }: Attempt): Attempts {
  return { early: early ? left : (before?.early ?? null), latest: left };
}
