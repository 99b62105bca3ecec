import type { World } from "./world.ts";

/** A fault or a drift that can be put into a simulated host by name. */
export interface Fault {
  readonly summary: string;
  readonly apply: (world: World) => void;
}

/** One that changes nothing at once, and is kept by its name. */
export function behaviour(summary: string): Fault {
  return { summary, apply: noChange };
}

function noChange(): void {}
