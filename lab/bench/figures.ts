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

/** A table of the medians, with vflag as the measure, and what of vflag's time is above each floor. */
export function summary(results: ReadonlyMap<string, readonly Times[]>): string {
  const medians = new Map([...results].map(([name, all]) => [name, ofAll(all)]));
  const vflag = medians.get("vflag");
  const rows = [...medians].map(([name, times]) => {
    const ratio =
      vflag === undefined || name === "vflag" ? "" : `${(times.both / vflag.both).toFixed(2)} x vflag`;
    return [
      name.padEnd(10),
      ...[times.early, times.late, times.both, times.udev].map(seconds),
      String(times.untuned).padStart(7),
      ratio,
    ]
      .join("  ")
      .trimEnd();
  });
  const head = [
    "way       ",
    ...["early", "late", "both", "udev"].map((word) => word.padStart(8)),
    "untuned",
  ].join("  ");
  const floors = ["floor", "held-floor"].flatMap((name) => {
    const floor = medians.get(name);
    return vflag === undefined || floor === undefined ? [] : above(vflag, floor, name);
  });
  return [head, ...rows, ...floors].map((line) => `  ${line}`).join("\n");
}

function above(vflag: Times, floor: Times, name: string): string[] {
  const starts = 2 * vflag.startup;
  const allowed = 1.3 * floor.both + starts;
  const kinds = Object.entries(floor.took).map(([kind, time]) => {
    const ours = vflag.took[kind];
    return `${kind.padEnd(18)} vflag ${ours === undefined ? " unknown" : seconds(ours)}, ${name} ${seconds(time)}`;
  });
  return [
    ...kinds,
    `Above the ${name}: ${seconds(vflag.both - floor.both).trim()}, and starting Node and the program twice takes ${seconds(starts).trim()}.`,
    `1.3 x ${name} + two starts = ${seconds(allowed).trim()}: vflag takes ${((100 * vflag.both) / allowed).toFixed(0)} % of it.`,
  ];
}

function ofAll(all: readonly Times[]): Times {
  const of = (key: "early" | "late" | "both" | "udev" | "startup" | "untuned") =>
    median(all.map((times) => times[key]));
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
