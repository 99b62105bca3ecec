import type { FleetNic } from "../../fleet/answers/outcome.ts";
import type { FleetAnswer } from "../../fleet/answers/status.ts";

/** What the fleet's page is given, and reads in the browser. Everything in it is text of anybody. */
export interface PageData {
  /** NICs of a host, each once however many hosts have the same. */
  readonly outcomes: readonly (readonly PageNic[])[];
  readonly hosts: readonly PageHost[];
  readonly words: Readonly<Record<FleetAnswer, string>>;
}

export interface PageNic extends Pick<FleetNic, "nic" | "mode" | "answer"> {
  readonly causes: readonly PageCause[];
}

export interface PageCause {
  readonly requirement: string;
  readonly severity: string;
  /** The number of its group on the page, and whether it decides the verdict. */
  readonly group: number;
  readonly text: string;
  readonly do: string;
}

export interface PageHost {
  readonly name: string;
  readonly answer: FleetAnswer;
  readonly outcome: number;
  readonly age: string;
  /** Stale, unreachable, needs a reboot, has no verdict: in words. */
  readonly notes: readonly string[];
  /** The block that has its map, and its place there; null where no state is known. */
  readonly map: readonly [number, number] | null;
}
