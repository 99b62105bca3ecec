import { median } from "../../bench/measure.ts";

/** What one way took, in milliseconds. */
export interface Times {
  readonly early: number;
  readonly late: number;
  /** Both in one run: the median of the sums is not the sum of the medians. */
  readonly both: number;
  /** What udev still had to do after each stage, in all: who goes before it leaves more of it. */
  readonly udev: number;
  /** Starting the program without anything to do, once; 0 where it is no program of ours. */
  readonly startup: number;
  /** Representors that were left without the channels that they should have. */
  readonly untuned: number;
  /** By kind of action, both stages; empty where it is not known. */
  readonly took: Readonly<Record<string, number>>;
}

/** What one stage took, in milliseconds. */
export interface Stage {
  readonly total: number;
  readonly took?: Readonly<Record<string, number>>;
}

/** A table of the medians, with vflag as the measure, and what of vflag's time is above the floor. */
export function summary(results: ReadonlyMap<string, readonly Times[]>): string {
  const medians = new Map([...results].map(([name, all]) => [name, ofAll(all)]));
  const vflag = medians.get("vflag");
  const floor = medians.get("floor");
  const rows = [...medians].map(([name, times]) => {
    const ratio = vflag === undefined || name === "vflag" ? "" : `${(times.both / vflag.both).toFixed(2)} x vflag`;
    return [name.padEnd(8), ...[times.early, times.late, times.both, times.udev].map(seconds), String(times.untuned).padStart(7), ratio]
      .join("  ")
      .trimEnd();
  });
  const lines = [["way     ", ...["early", "late", "both", "udev"].map((word) => word.padStart(8)), "untuned"].join("  "), ...rows];
  if (vflag !== undefined && floor !== undefined) {
    const starts = 2 * vflag.startup;
    const above = vflag.both - floor.both;
    const allowed = 1.3 * floor.both + starts;
    for (const [kind, time] of Object.entries(floor.took)) {
      const ours = vflag.took[kind];
      lines.push(`${kind.padEnd(18)} vflag ${ours === undefined ? " unknown" : seconds(ours)}, floor ${seconds(time)}`);
    }
    lines.push(
      `Above the floor: ${seconds(above).trim()}, of it ${seconds(starts).trim()} starting Node and the program twice.`,
      `1.3 x floor + two starts = ${seconds(allowed).trim()}: vflag takes ${((100 * vflag.both) / allowed).toFixed(0)} % of it.`,
    );
  }
  return lines.map((line) => `  ${line}`).join("\n");
}

function ofAll(all: readonly Times[]): Times {
  const of = (key: "early" | "late" | "both" | "udev" | "startup" | "untuned") => median(all.map((times) => times[key]));
  const kinds = [...new Set(all.flatMap(({ took }) => Object.keys(took)))];
  return {
    early: of("early"),
    late: of("late"),
    both: of("both"),
    udev: of("udev"),
    startup: of("startup"),
    untuned: of("untuned"),
    took: Object.fromEntries(kinds.map((kind) => [kind, median(all.map(({ took }) => took[kind] ?? 0))])),
  };
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`.padStart(8);
}
