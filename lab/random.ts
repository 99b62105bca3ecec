import { countFrom } from "../test/support/count.ts";

/**
 * Numbers from 0 to 1 that are the same for the same seed, so that a failure can be had again (mulberry32).
 */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What LAB_SEED says, so that a run can be had again, else another at each run. */
export function chooseSeed(): number {
  return countFrom("LAB_SEED", Math.trunc(Math.random() * 1e6), 0);
}
