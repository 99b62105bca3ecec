import type { Host } from "../../host/host.ts";
import type { HostState } from "../../host/state/state.ts";
import { Journal, type RecordKeeper } from "../../reconcile/journal.ts";
import { reconcile, Stopped } from "../../reconcile/reconcile.ts";
import type { NicOutcome, Observer } from "../../reconcile/step.ts";
import { Watched } from "../../reconcile/watched.ts";
import type { Allowed, Stage } from "../../requirements/requirement.ts";
import type { Spec } from "../../spec/schema.ts";
import { type Verdict, verdicts } from "../../verdict/verdict.ts";

export interface ApplyOptions {
  /** What the operator typed, for the journal. */
  readonly command: string;
  readonly stages: readonly Stage[];
  readonly journal: { readonly file: string; readonly keeper: RecordKeeper };
  readonly progress: Observer;
  readonly allowed?: Allowed;
  /** Called when nothing more will be done to the host, before that is written down. */
  readonly acted?: () => void;
  /** Aborted: no further action begins. */
  readonly signal?: AbortSignal;
}

export interface Applied {
  readonly outcomes: readonly NicOutcome[];
  /** Of the stages that were asked for, after all was done. */
  readonly verdicts: readonly Verdict[];
  readonly after: HostState;
  readonly seconds: number;
}

/**
 * Brings a host to its spec, with a journal. The caller holds the host's lock.
 * @throws {Stopped} when the signal was aborted and what was under way has ended
 */
export async function apply(host: Host, spec: Spec, options: ApplyOptions): Promise<Applied> {
  const { command, stages, progress, allowed = {}, acted, signal } = options;
  const began = performance.now();
  const { keeper } = options.journal;
  const journal = Journal.open(options.journal.file, keeper);
  try {
    const watched = Watched.over(host);
    journal.write({ kind: "begin", command, spec, before: await watched.current() });
    const outcomes = await reconcile(watched, spec, {
      stages,
      observer: both(quiet(progress, keeper), journal),
      allowed,
      signal,
    });
    const after = await watched.current();
    acted?.();
    journal.write({ kind: "end", after });
    return {
      outcomes,
      verdicts: verdicts(spec, after, stages),
      after,
      seconds: (performance.now() - began) / 1000,
    };
  } catch (error) {
    if (error instanceof Stopped) journal.write({ kind: "interrupted" });
    throw error;
  } finally {
    journal.close();
  }
}

/** What shows the progress stops nothing: where it fails, it is given up, and that is said. */
function quiet(progress: Observer, keeper: RecordKeeper): Observer {
  let failed = false;
  const attempt = (show: () => void) => {
    if (failed) return;
    try {
      show();
    } catch (error) {
      failed = true;
      keeper.warn(`the progress cannot be shown: ${keeper.reason(error)}`);
    }
  };
  return {
    stepBegins: (step) => attempt(() => progress.stepBegins?.(step)),
    actionBegins: (step, action) => attempt(() => progress.actionBegins?.(step, action)),
    actionEnds: (step, action, failure) => attempt(() => progress.actionEnds?.(step, action, failure)),
    nicEnds: (outcome) => attempt(() => progress.nicEnds?.(outcome)),
  };
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
