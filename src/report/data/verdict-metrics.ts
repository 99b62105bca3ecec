import { hostName } from "../../requirements/evaluate.ts";
import type { Deviation } from "../../requirements/requirement.ts";
import type { Spec } from "../../spec/schema.ts";
import { rebootReasons } from "../../verdict/reboot-due.ts";
import type { Answer, Verdict } from "../../verdict/verdict.ts";
import { bit, gauge, type Metric, type Sample, sampleOf } from "./exposition.ts";

const answers: readonly Answer[] = ["works", "broken", "unknown"];

/** What vflag makes of each NIC, and why. */
export function verdictMetrics(spec: Spec, verdicts: readonly Verdict[]): Metric[] {
  const modeOf = (name: string) => spec.nics.find((nic) => nic.name === name)?.mode ?? "";
  // What is off with the host is told once, however many NICs it concerns.
  const all = onceEach(verdicts.flatMap(({ deviations }) => deviations));
  const roots = onceEach(verdicts.flatMap(({ causes }) => causes.map(({ deviation }) => deviation)));
  return [
    gauge(
      "vflag_nic_works",
      "Whether the NIC was seen to fulfil all requirements: 1, or 0 where one does not hold or could not " +
        "be observed.",
      verdicts.map(({ nic, answer }) => ({
        labels: { nic, mode: modeOf(nic) },
        value: bit(answer === "works"),
      })),
    ),
    gauge(
      "vflag_nic_at_risk",
      "Whether a NIC that works will not for a reason that is known: at the next boot, at the next link " +
        "failure, or as a reboot is pending.",
      verdicts.map(({ nic, risk }) => ({ labels: { nic, mode: modeOf(nic) }, value: bit(risk !== null) })),
    ),
    gauge(
      "vflag_nic_verdict",
      "The verdict on the NIC: 1 for the one of works, broken and unknown that it is.",
      verdicts.flatMap(({ nic, answer }) =>
        answers.map((verdict) => ({
          labels: { nic, mode: modeOf(nic), verdict },
          value: bit(answer === verdict),
        })),
      ),
    ),
    gauge(
      "vflag_deviations",
      "How many things are not as this requirement wants them; there is no series where all are.",
      counted(all),
    ),
    gauge("vflag_root_causes", "The same, without what follows from another deviation.", counted(roots)),
    gauge(
      "vflag_symptoms",
      "How often the logs show a symptom that still matters; unknown: errors that vflag does not know.",
      [
        ...Map.groupBy(
          verdicts.flatMap(({ nic, sightings }) => sightings.map((sighting) => ({ nic, ...sighting }))),
          ({ nic, symptom }) => JSON.stringify([nic, symptom]),
        ).values(),
      ].flatMap((group) => {
        const [first] = group;
        const value = group.reduce((sum, { times }) => sum + times, 0);
        return first === undefined
          ? []
          : sampleOf({ nic: first.nic, symptom: first.symptom ?? "unknown" }, value);
      }),
    ),
    gauge(
      "vflag_reboot_required",
      "Whether a reboot is due: what is wrong with the NIC, or with the host under it, goes away only " +
        "with one.",
      verdicts.map((verdict) => ({
        labels: { nic: verdict.nic },
        value: bit(rebootReasons([verdict]).length > 0),
      })),
    ),
  ];
}

function counted(deviations: readonly Deviation[]): Sample[] {
  const samples = new Map<string, { labels: Record<string, string>; value: number }>();
  for (const { nic, requirement, severity } of deviations) {
    const key = `${nic}/${requirement}/${severity}`;
    const sample = samples.get(key) ?? { labels: { nic, requirement, severity }, value: 0 };
    sample.value += 1;
    samples.set(key, sample);
  }
  return [...samples.values()];
}

function onceEach(deviations: readonly Deviation[]): Deviation[] {
  const keyed = deviations.map((deviation, index): [string, Deviation] => [
    deviation.nic === hostName
      ? JSON.stringify([deviation.requirement, deviation.subject, deviation.actual])
      : String(index),
    deviation,
  ]);
  return [...new Map(keyed).values()];
}
