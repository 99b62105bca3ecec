import type { HostState } from "../host/state/state.ts";
import { evaluateAll, hostName, nicsFound } from "../requirements/evaluate.ts";
import type { Deviation, Stage } from "../requirements/requirement.ts";
import { requirementById, verdictStages } from "../requirements/stages.ts";
import type { Spec } from "../spec/schema.ts";
import { type Sighting, sightings } from "../symptoms/sightings.ts";
import { type Cause, causesOf } from "./causes.ts";
import { rebootReasons } from "./reboot-due.ts";

function keepsOthers({ deviation, consequences }: Cause): boolean {
  return [deviation, ...consequences].some(
    ({ requirement, severity }) => severity !== "warning" && requirementById(requirement)?.gate === true,
  );
}

/** The answer for one NIC. `unknown`: nothing seen is wrong, but not everything could be seen. */
export type Answer = "works" | "broken" | "unknown";

/**
 * What works now and may not later: a warning, and when it matters, as in "at risk at the next boot" or
 * "reboot pending".
 */
export interface Risk {
  readonly when: string;
  readonly deviation: Deviation;
}

export interface Verdict {
  readonly nic: string;
  readonly answer: Answer;
  /** Of a NIC that works: what will end that, the first of it. */
  readonly risk: Risk | null;
  /** The first cause of its not working: of an error where there is one, else of what could not be seen. */
  readonly reason: Deviation | null;
  /**
   * What nothing else explains, each with what follows from it: together all of the deviations, each once.
   */
  readonly causes: readonly Cause[];
  /** The lines of logs that explain what is wrong, or matter by themselves. */
  readonly sightings: readonly Sighting[];
  /** Its own, and those of the host that concern it, in the order of the stages. */
  readonly deviations: readonly Deviation[];
}

/**
 * One verdict per NIC. A NIC works when every requirement was seen to hold; warnings do not count against it.
 */
export function verdicts(spec: Spec, state: HostState, stages: readonly Stage[] = verdictStages): Verdict[] {
  const views = nicsFound(spec, state);
  return verdictsWithoutLogs(spec, state, stages).map((verdict) => {
    const view = views.find((candidate) => candidate.nic.name === verdict.nic);
    return { ...verdict, sightings: view === undefined ? [] : sightings(view, verdict.deviations) };
  });
}

/** The same without what the logs say of it. */
export function verdictsWithoutLogs(
  spec: Spec,
  state: HostState,
  stages: readonly Stage[] = verdictStages,
): Omit<Verdict, "sightings">[] {
  const { host, nics } = evaluateAll(spec, state, stages);
  return nics.map(({ nic, deviations: own }) => {
    const around = host.filter((deviation) => deviation.nics?.includes(nic.name) ?? true);
    if (around.length + own.length === 0)
      return { nic: nic.name, answer: "works", risk: null, reason: null, causes: [], deviations: [] };
    const deviations = stages.flatMap((stage) =>
      [...around, ...own].filter((deviation) => deviation.stage === stage),
    );
    const causes = causesOf(deviations);
    const first = (severity: Deviation["severity"]) => {
      const found = causes.filter((cause) =>
        [cause.deviation, ...cause.consequences].some((deviation) => deviation.severity === severity),
      );
      const [foremost] = found;
      if (foremost === undefined || foremost.deviation.nic === hostName || keepsOthers(foremost))
        return foremost?.deviation;
      // What of the NIC keeps the rest from being brought about takes more from guests than a number that is
      // not as declared.
      return (found.find((cause) => cause.deviation.nic !== hostName && keepsOthers(cause)) ?? foremost)
        .deviation;
    };
    const [wrong, unseen] = [first("error"), first("unknown")];
    const answer = wrong !== undefined ? "broken" : unseen !== undefined ? "unknown" : "works";
    const risk = answer === "works" ? riskOf(causes, deviations) : null;
    return { nic: nic.name, answer, risk, reason: wrong ?? unseen ?? null, causes, deviations };
  });
}

/**
 * Whether nothing is wrong but that networking has still to make the bond: the state between the two boot
 * stages, after which the late stage does the rest. What follows from that and needs a person or a reboot all
 * the same (a guest that holds a VF, debugfs that is not mounted) is more than waiting.
 */
export function waitsForNetworking({ answer, causes }: Pick<Verdict, "answer" | "causes">): boolean {
  const counts = ({ severity }: Deviation) => severity !== "warning";
  const wrong = causes.filter(({ deviation }) => counts(deviation));
  return (
    answer === "broken" &&
    wrong.every(({ deviation }) => deviation.remedy.kind === "networking") &&
    wrong.every(({ consequences }) =>
      consequences.filter(counts).every(({ remedy }) => /^(?:actions|networking)$/.test(remedy.kind)),
    )
  );
}

/** In a line, for who shows it as it is. */
export function riskText({ when, deviation }: Risk): string {
  return `${when}: ${deviation.subject}: ${deviation.actual}`;
}

/** What bites does so whatever else explains it: a warning that explains another need not bite itself. */
function riskOf(causes: readonly Cause[], deviations: readonly Deviation[]): Risk | null {
  const reboots = new Set(rebootReasons([{ causes }]));
  for (const deviation of deviations) {
    if (deviation.bites !== undefined) return { when: `at risk ${deviation.bites}`, deviation };
    if (reboots.has(deviation)) return { when: "reboot pending", deviation };
  }
  return null;
}
