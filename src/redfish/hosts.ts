import { assess, type BiosReport } from "../bios/assess.ts";
import type { Evidence } from "../bios/evidence.ts";
import type { Feature } from "../bios/features.ts";
import { type BiosPlan, planOf } from "../bios/plan.ts";
import { type BmcAccess, originOf } from "./access.ts";
import { type ChangeOutcome, changeBios, surveyBios } from "./bios.ts";
import type { Limits } from "./connection.ts";
import { RedfishError } from "./error.ts";
import { withoutSecret } from "./hide.ts";
import { Session } from "./session.ts";

/** The BIOSes of many hosts, some at a time. */

/** What is done with each: looked at, or also changed. */
export type BiosDeed = "look" | "set";

export interface HostBios {
  readonly host: string;
  /** The service's address as a URL; null where it is not known. */
  readonly bmc: string | null;
  /** Null where it could not be asked. */
  readonly report: BiosReport | null;
  readonly plan: BiosPlan | null;
  /** What came of the change; null where nothing was asked for. */
  readonly outcome: ChangeOutcome | null;
  readonly problem: string | null;
}

export interface HostQuestion {
  readonly host: string;
  readonly access: BmcAccess | { readonly problem: string };
  readonly evidence: ReadonlyMap<Feature, Evidence>;
}

export interface BiosOptions {
  readonly deed: BiosDeed;
  readonly forks: number;
  readonly limits: Limits;
  readonly signal?: AbortSignal;
  /** How long apart, in ms, it is looked whether a change is pending. */
  readonly looks?: readonly number[];
}

/** Asks every BMC; one that does not answer stops none of the others. In the order of the questions. */
export async function askBioses(
  questions: readonly HostQuestion[],
  options: BiosOptions,
): Promise<HostBios[]> {
  const answers: HostBios[] = [];
  const left = questions.map((question, index) => ({ question, index }));
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift())
      answers[next.index] = await askBios(next.question, options);
  };
  await Promise.all(Array.from({ length: Math.min(options.forks, questions.length) }, worker));
  return answers;
}

async function askBios(question: HostQuestion, options: BiosOptions): Promise<HostBios> {
  const { host, access } = question;
  if ("problem" in access) return { ...nothing, host, problem: access.problem };
  return withoutSecret(await answerOf({ ...question, access }, options), access.password.reveal());
}

const nothing: HostBios = { host: "", bmc: null, report: null, plan: null, outcome: null, problem: null };

async function answerOf(
  { host, access, evidence }: HostQuestion & { readonly access: BmcAccess },
  { deed, limits, signal, looks }: BiosOptions,
): Promise<HostBios> {
  let known: HostBios = { ...nothing, host, bmc: originOf(access.address) };
  try {
    await using session = await Session.open(access, limits, signal);
    const survey = await surveyBios(session, access.system);
    const report = assess(survey, evidence);
    const plan = planOf(report, survey);
    known = { ...known, report, plan };
    if (deed === "look" || plan.request === null) return known;
    return { ...known, outcome: await changeBios(session, plan.request, looks) };
  } catch (error) {
    if (!(error instanceof RedfishError)) throw error;
    return { ...known, problem: error.message };
  }
}
