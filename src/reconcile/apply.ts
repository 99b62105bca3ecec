import type { Host } from "../host/host.ts";
import type { HostState } from "../host/state.ts";
import type { Allowed, Stage } from "../requirements/requirement.ts";
import type { Spec } from "../spec/schema.ts";
import { Journal } from "./journal.ts";
import { type NicOutcome, type Observer, reconcile } from "./reconcile.ts";
import { type Verdict, verdicts } from "./verdict.ts";
import { Watched } from "./watched.ts";

export interface ApplyOptions {
  /** What the operator typed, for the journal. */
  readonly command: string;
  readonly stages: readonly Stage[];
  readonly journalFile: string;
  readonly progress: Observer;
  readonly allowed?: Allowed;
  /** Called when nothing more will be done to the host, before that is written down. */
  readonly acted?: () => void;
}

export interface Applied {
  readonly outcomes: readonly NicOutcome[];
  /** Of the stages that were asked for, after all was done. */
  readonly verdicts: readonly Verdict[];
  readonly after: HostState;
  readonly seconds: number;
}

/** Brings a host to its spec, with a journal. The caller holds the host's lock. */
export async function apply(host: Host, spec: Spec, options: ApplyOptions): Promise<Applied> {
  const { command, stages, journalFile, progress, allowed = {}, acted } = options;
  const began = performance.now();
  const journal = Journal.open(journalFile);
  try {
    const watched = Watched.over(host);
    journal.write({ kind: "begin", command, spec, before: await watched.current() });
    const outcomes = await reconcile(watched, spec, { stages, observer: both(progress, journal), allowed });
    const after = await watched.current();
    acted?.();
    journal.write({ kind: "end", after });
    return { outcomes, verdicts: verdicts(spec, after, stages), after, seconds: (performance.now() - began) / 1000 };
  } finally {
    journal.close();
  }
}

function both(progress: Observer, journal: Journal): Observer {
  return {
    stepBegins: (step) => progress.stepBegins?.(step),
    actionBegins: (step, action) => {
      journal.actionBegins(step, action);
      progress.actionBegins?.(step, action);
    },
    actionEnds: (step, action, failure) => {
      journal.actionEnds(action, failure);
      progress.actionEnds?.(step, action, failure);
    },
    nicEnds: (outcome) => {
      journal.nicEnds(outcome);
      progress.nicEnds?.(outcome);
    },
  };
}
