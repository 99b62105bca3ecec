import type { Network } from "./networks.ts";
import { mustDo, type Report } from "./operate.ts";
import type { Guest } from "./running.ts";

/** Seconds since the kernel started. */
interface Span {
  readonly begun: number;
  readonly done: number;
}

/**
 * That each thing at boot was done before the next one began, from systemd's own clock, and the kernel's for
 * the bond. Prints the times.
 */
export async function ordered(guest: Guest, { manager, services }: Network, report: Report): Promise<void> {
  const units = [
    "vflag-early.service",
    "network-pre.target",
    ...services,
    "network-online.target",
    "vflag-late.service",
    "docker.service",
  ];
  const spans = await unitSpans(guest, units);
  const chains = [units, ["vflag-early.service", "bond0 up", "vflag-late.service"]];
  spans.set("bond0 up", await bondUp(guest));
  const shown = [...spans]
    .sort(([, a], [, b]) => a.begun - b.begun)
    .map(([name, span]) => `${name} ${describe(span)}`);
  for (const chain of chains) {
    for (const [before, after] of chain.slice(1).map((name, index) => [chain[index] ?? "", name] as const)) {
      const done = spans.get(before)?.done ?? 0;
      report(
        done > 0 && (spans.get(after)?.begun ?? 0) >= done,
        `${before} is done before ${after} begins`,
        shown.join(", "),
      );
    }
  }
  process.stdout.write(`       ${manager}: ${shown.join(", ")}\n`);
}

/** When each unit began and when it was done. */
async function unitSpans(guest: Guest, units: readonly string[]): Promise<Map<string, Span>> {
  const properties = "Id,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic";
  const output = await mustDo(guest, `systemctl show -p ${properties} ${units.join(" ")}`);
  return new Map(
    output.split(/\n\s*\n/).map((block) => {
      const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(block)?.[1] ?? "";
      const time = (key: string) => Number(value(`${key}TimestampMonotonic`)) / 1e6;
      return [value("Id"), { begun: time("InactiveExit"), done: time("ActiveEnter") }];
    }),
  );
}

/** From the first port's link under the bond to the last one's. */
async function bondUp(guest: Guest): Promise<Span> {
  const log = await mustDo(guest, "journalctl -k -b -o short-monotonic --no-hostname -g 'bond0: '");
  const links = [
    ...log.matchAll(/^\[ *([\d.]+)\] .*\(slave \w+\): (?:.* with an up link|link status definitely up)/gm),
  ];
  const times = links.map(([, time]) => Number(time));
  return { begun: Math.min(...times), done: Math.max(0, ...times) };
}

function describe({ begun, done }: Span): string {
  return done === 0 ? "never" : `${begun.toFixed(2)} to ${done.toFixed(2)} s`;
}
