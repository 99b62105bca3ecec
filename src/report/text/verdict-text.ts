import { inPlainText, plainText } from "../../host/plain-text.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState } from "../../host/state/state.ts";
import { hostName } from "../../requirements/evaluate.ts";
import { lagMaster } from "../../requirements/late/lag-master.ts";
import type { Deviation, Remedy } from "../../requirements/requirement.ts";
import type { NicSpec, Spec } from "../../spec/schema.ts";
import { resolvePorts } from "../../spec/selectors.ts";
import type { Sighting } from "../../symptoms/sightings.ts";
import type { Cause } from "../../verdict/causes.ts";
import { type Verdict, waitsForNetworking } from "../../verdict/verdict.ts";
import { type Condensed, condense, subjectText } from "../terminal/condense.ts";
import { count, type Style, table } from "../terminal/style.ts";
import { trafficLine } from "./traffic-text.ts";

/**
 * `verify` for the eye: one block a NIC, the verdict first, then what was seen, then what is wrong and what
 * to do.
 */
export function verdictText(wanted: Spec, seen: HostState, judged: readonly Verdict[], style: Style): string {
  const { spec, state, verdicts } = inPlainText({ spec: wanted, state: seen, verdicts: judged });
  const blocks = verdicts.map((verdict) => {
    const nic = spec.nics.find((candidate) => candidate.name === verdict.nic);
    return nic === undefined ? "" : nicBlock(nic, state, verdict, style).join("\n");
  });
  const host = hostBlock(verdicts, style);
  const head = style.faint(`${state.hostname} · kernel ${state.kernel} · observed ${state.observedAt}`);
  return `${[head, ...host, ...blocks, summary(verdicts, style)].join("\n\n")}\n`;
}

/**
 * What is off with the host around the NICs, once and in full; what only follows from a NIC's own trouble is
 * told there.
 */
function hostBlock(verdicts: readonly Verdict[], style: Style): string[] {
  const all = verdicts.flatMap(({ causes }) => causes.filter(({ deviation }) => deviation.nic === hostName));
  const once = [...new Map(all.map((cause) => [JSON.stringify(cause.deviation), cause])).values()];
  if (once.length === 0) return [];
  const lines = condenseCauses(once).flatMap(({ cause, consequences }) => [
    ...causeLines(cause, true, style),
    ...consequenceLines(
      consequences.filter(({ nic }) => nic === hostName),
      style,
    ),
  ]);
  return [[style.strong(hostName), ...lines].join("\n")];
}

/** Deviations in full: what is wrong with what, why it matters, what to do. */
export function deviationLines(deviations: readonly Deviation[], style: Style): string[] {
  return condense(deviations).flatMap((condensed) => [
    deviationLine(condensed, style),
    `      why  ${condensed.first.why}`,
    `      do   ${remedyText(condensed.first.remedy, true)}`,
  ]);
}

/** Causes one by one, the heaviest first, each with what follows from it in a line. */
function verdictLines(verdict: Verdict, style: Style): string[] {
  const condensed = heaviestFirst(verdict.causes);
  const first = condensed.find(({ cause }) => cause.first.nic !== hostName);
  const told = new Set<Sighting>();
  const lines = condensed.flatMap((found) => {
    const { cause, consequences } = found;
    const seen = seenWith(verdict.sightings, cause, consequences, told);
    if (cause.first.nic !== hostName)
      return [
        ...causeLines(cause, found === first, style),
        ...sightingLines(seen, style),
        ...consequenceLines(consequences, style),
      ];
    const own = consequences.filter(({ nic }) => nic !== hostName);
    if (own.length + seen.length === 0) return [];
    return [
      `  because of ${style.strong(cause.first.requirement)}, see host:`,
      ...sightingLines(seen, style),
      ...consequenceLines(own, style),
    ];
  });
  return [...lines, ...strayLines(verdict, told, style)];
}

/**
 * The lines of logs that explain a cause or what follows from it, each once.
 * @param told those that were told already
 */
export function seenWith(
  sightings: readonly Sighting[],
  cause: Condensed,
  consequences: readonly Deviation[],
  told: Set<Sighting>,
): Sighting[] {
  const ids = new Set([cause.first.requirement, ...consequences.map(({ requirement }) => requirement)]);
  const seen = sightings.filter(
    (sighting) => !told.has(sighting) && sighting.explains.some((id) => ids.has(id)),
  );
  for (const sighting of seen) told.add(sighting);
  return seen;
}

function sightingLines(sightings: readonly Sighting[], style: Style): string[] {
  return oncePerSymptom(sightings).flatMap(({ newest, text }) => {
    const { symptom, means, remedy } = newest;
    return [
      `      seen  ${text}`,
      ...(means === null ? [] : [`      means ${means} ${style.faint(`(vflag explain ${symptom})`)}`]),
      // What vflag can do is said above it already.
      ...(remedy === null || /^vflag apply\b/.test(remedy) ? [] : [`      do    ${remedy}`]),
    ];
  });
}

/** One text a symptom, so that 128 VFs are one line. */
export function oncePerSymptom(sightings: readonly Sighting[]): { newest: Sighting; text: string }[] {
  const groups = Map.groupBy(sightings, ({ symptom, text }) => symptom ?? text);
  return [...groups.values()].flatMap((group) => {
    const newest = group.at(-1);
    if (newest === undefined) return [];
    const others = new Set(group.map(({ device }) => device)).size - 1;
    const times = others > 0 ? 1 : group.reduce((sum, sighting) => sum + sighting.times, 0);
    const more =
      others > 0 ? ` (and of ${count(others, "other function")})` : times > 1 ? ` (${times} times)` : "";
    return [{ newest, text: `${seenText(newest)}${more}` }];
  });
}

/** What explains nothing that is wrong but matters by itself, and errors that vflag does not know. */
function strayLines(verdict: Verdict, told: ReadonlySet<Sighting>, style: Style): string[] {
  return oncePerSymptom(verdict.sightings.filter((sighting) => !told.has(sighting))).flatMap(
    ({ newest, text }) => {
      const { symptom, means, remedy } = newest;
      if (symptom === null)
        return [`  ${style.doubtful("!")} seen  ${text} ${style.faint("(not known to vflag)")}`];
      return [
        `  ${style.doubtful("!")} ${style.strong(symptom)}  ${text}`,
        `      means ${means}`,
        `      do    ${remedy}`,
      ];
    },
  );
}

function seenText({ seconds, time, text }: Sighting): string {
  const when = seconds === null ? (time ?? "") : `[${seconds.toFixed(3).padStart(9)}]`;
  return `${when} ${plainText(text)}`;
}

/** Causes in the order in which they are told, those that say the same of several subjects as one. */
export function heaviestFirst(causes: readonly Cause[]): { cause: Condensed; consequences: Deviation[] }[] {
  return condenseCauses(causes.toSorted((a, b) => weight(a) - weight(b)));
}

function weight({ deviation, consequences }: Cause): number {
  const severities = ["error", "unknown", "warning"];
  return Math.min(...[deviation, ...consequences].map(({ severity }) => severities.indexOf(severity)));
}

/** Causes that say the same of several subjects, as one. */
function condenseCauses(causes: readonly Cause[]): { cause: Condensed; consequences: Deviation[] }[] {
  const following = new Map(causes.map(({ deviation, consequences }) => [deviation, consequences]));
  return condense(causes.map(({ deviation }) => deviation)).map((cause) => {
    return { cause, consequences: cause.all.flatMap((deviation) => following.get(deviation) ?? []) };
  });
}

function causeLines(cause: Condensed, whole: boolean, style: Style): string[] {
  const why = whole ? [`      why  ${cause.first.why}`] : [];
  return [deviationLine(cause, style), ...why, `      do   ${remedyText(cause.first.remedy, false)}`];
}

function consequenceLines(consequences: readonly Deviation[], style: Style): string[] {
  return condense(consequences).map((same, index) => {
    const text = `${same.first.requirement}  ${subjectText(same)}: ${same.first.actual}`;
    return `      ${index === 0 ? "so " : "   "}  ${style.faint(text)}`;
  });
}

function nicBlock(nic: NicSpec, state: HostState, verdict: Verdict, style: Style): string[] {
  const answer = waitsForNetworking(verdict)
    ? style.doubtful("waits for networking")
    : {
        works: style.good("works"),
        broken: style.bad("does not work"),
        unknown: style.doubtful("cannot tell"),
      }[verdict.answer];
  const reason = verdict.reason === null ? "" : `: ${verdict.reason.subject}: ${verdict.reason.actual}`;
  const title = `${style.strong(nic.name)}  ${nic.mode}  ${answer}${reason}${riskText(verdict, style)}`;
  return [title, ...facts(nic, state), ...verdictLines(verdict, style)];
}

/** What will end a NIC's working, in the line that says that it works. */
function riskText({ risk, causes }: Verdict, style: Style): string {
  if (risk === null) return "";
  const same = heaviestFirst(causes).find(({ cause }) => cause.all.includes(risk.deviation));
  const subject = same === undefined ? risk.deviation.subject : subjectText(same.cause);
  return `, ${style.doubtful(risk.when)}: ${subject}: ${risk.deviation.actual}`;
}

/** What was seen of a NIC, without a judgement. */
function facts(nic: NicSpec, state: HostState): string[] {
  const resolved = resolvePorts(nic, state);
  if ("problem" in resolved) return [];
  const rows = resolved.pfs.map((pf) => {
    const eswitch = known(pf.eswitch);
    const representors = state.representors.filter((representor) => representor.pf === pf.address).length;
    const bound = pf.vfs.filter((vf) => vf.driver !== null).length;
    return [
      pf.netdev ?? "(no netdev)",
      pf.address,
      pf.model ?? `${pf.vendor}:${pf.product}`,
      isUnknown(pf.eswitch) ? "eSwitch not known" : (eswitch?.mode ?? "no eSwitch"),
      `${count(pf.sriov?.count ?? 0, "VF")}, ${bound} with a driver`,
      nic.mode === "sriov" ? "" : count(representors, "representor"),
    ];
  });
  const lines = table(rows, "  ");
  const bond = lagMaster(nic.bond, state);
  if (bond !== undefined) {
    const slaves = bond.slaves.map((slave) => `${slave.netdev}${slave.up ? "" : " (down)"}`);
    lines.push(`  ${bond.name}  ${bond.mode}: ${slaves.join(", ")}`);
  }
  const lag = resolved.pfs.map((pf) => known(pf.lag)).find((candidate) => candidate != null);
  if (nic.mode === "vf-lag" && lag != null) {
    const type = lag.type === null ? "" : `, type ${lag.type}`;
    lines.push(`  LAG ${lag.state}${type}${lag.source === "debugfs" ? "" : ", by the kernel log"}`);
  }
  const flows =
    nic.mode === "sriov"
      ? null
      : trafficLine({ bond: nic.bond ?? null, physnet: nic.physnet, pfs: resolved.pfs }, state);
  if (flows !== null) lines.push(`  flows ${flows}`);
  return lines;
}

function deviationLine(same: Condensed, style: Style): string {
  const { first } = same;
  const waits = first.severity === "error" && first.remedy.kind === "networking";
  const mark = {
    error: waits ? style.doubtful("…") : style.bad("✗"),
    warning: style.doubtful("!"),
    unknown: style.doubtful("?"),
  }[first.severity];
  return (
    `  ${mark} ${style.strong(first.requirement)}  ${subjectText(same)}: ${first.actual}, wanted ` +
    `${first.expected}`
  );
}

/** @param tried whether vflag has done what it can, so that only the way out is left to be told */
export function remedyText(remedy: Remedy, tried: boolean): string {
  switch (remedy.kind) {
    case "actions":
      if (!tried && remedy.refused === undefined) return "vflag apply";
      if (!tried) {
        const otherwise = remedy.otherwise ?? "see dmesg for the driver's reason";
        return `vflag was refused this (${remedy.refused}): ${otherwise}`;
      }
      return remedy.otherwise ?? "see the refusal above, and dmesg for the driver's reason; then apply again";
    case "networking":
    case "person":
      return remedy.text;
    case "reboot":
      return `reboot: ${remedy.text}`;
  }
}

function summary(verdicts: readonly Verdict[], style: Style): string {
  const bad = verdicts.filter((verdict) => verdict.answer !== "works").map((verdict) => verdict.nic);
  if (bad.length === 0) {
    const risks = [...new Set(verdicts.flatMap(({ risk }) => risk?.when ?? []))];
    const works = verdicts.length === 1 ? "The NIC works" : `All ${verdicts.length} NICs work`;
    return risks.length === 0
      ? style.good(`${works}.`)
      : `${style.good(works)}, ${style.doubtful(risks.join(", "))}.`;
  }
  const one = bad.length === 1;
  if (verdicts.filter(({ answer }) => answer !== "works").every(waitsForNetworking)) {
    const wait = `${bad.length} of ${count(verdicts.length, "NIC")} ${one ? "waits" : "wait"} for networking`;
    return `${style.doubtful(`${wait}: ${bad.join(", ")}.`)} When the bond is there: \`vflag boot late\`.`;
  }
  const broken = verdicts.some((verdict) => verdict.answer === "broken");
  const certain = broken ? `${one ? "does" : "do"} not work` : "cannot be told to work";
  const sum = style.bad(`${bad.length} of ${count(verdicts.length, "NIC")} ${certain}: ${bad.join(", ")}.`);
  return `${sum} \`vflag explain CHECK\` tells more of a check.`;
}
