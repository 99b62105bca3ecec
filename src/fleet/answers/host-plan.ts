import { commandsOf } from "../../host/actions/command.ts";
import type { HostState } from "../../host/state/state.ts";
import { isEmpty, type Plan, rehearse } from "../../reconcile/plan.ts";
import type { Spec } from "../../spec/schema.ts";

/** What `apply` would do on a host, rehearsed on a twin made of the last state that is known of it. */
export interface HostPlan {
  readonly host: string;
  readonly observedAt: string;
  /** Why it cannot be rehearsed. */
  readonly problem: string | null;
  readonly seconds: number;
  readonly reboot: boolean;
  /** Why it has to be rebooted. */
  readonly because: readonly string[];
  readonly phases: readonly {
    readonly after: Plan["phases"][number]["after"];
    readonly seconds: number;
    readonly steps: readonly HostStep[];
  }[];
  /** What a person must do: what would still be wrong afterwards. */
  readonly left: readonly string[];
}

interface HostStep {
  readonly nic: string;
  readonly requirement: string;
  readonly seconds: number;
  readonly commands: readonly string[];
}

/** Rehearses one host. @returns null where there is nothing to do and nothing is left */
export async function planOf(
  { host, at }: { readonly host: string; readonly at: number },
  spec: Spec | { readonly problem: string },
  state: HostState,
  restartOvs: boolean,
): Promise<HostPlan | null> {
  if ("problem" in spec) return notPlanned(host, at, spec.problem);
  return hostPlan(host, new Date(at).toISOString(), await rehearse(spec, state, { restartOvs }));
}

/** @param at in ms since 1970 */
export function notPlanned(host: string, at: number, problem: string): HostPlan {
  return {
    host,
    observedAt: new Date(at).toISOString(),
    problem,
    seconds: 0,
    reboot: false,
    because: [],
    phases: [],
    left: [],
  };
}

function hostPlan(host: string, observedAt: string, plan: Plan): HostPlan | null {
  const wrong = plan.remaining
    .flatMap(({ causes }) => causes.map(({ deviation }) => deviation))
    .filter(({ severity }) => severity !== "warning");
  const left = [
    ...new Set(wrong.map(({ requirement, subject, actual }) => `${requirement}: ${subject}: ${actual}`)),
  ];
  if (isEmpty(plan) && left.length === 0) return null;
  const reboot = plan.phases.filter(({ after }) => after === "reboot");
  return {
    host,
    observedAt,
    problem: null,
    seconds: plan.seconds,
    reboot: reboot.length > 0,
    because: [
      ...new Set(
        reboot.flatMap(({ because }) =>
          because.map(({ requirement, actual }) => `${requirement}: ${actual}`),
        ),
      ),
    ],
    phases: plan.phases.map(({ after, seconds, steps }) => ({
      after,
      seconds,
      steps: steps.map((step) => ({
        nic: step.nic,
        requirement: step.requirement,
        seconds: step.seconds,
        commands: step.actions.flatMap(commandsOf),
      })),
    })),
    left,
  };
}
