import { commandsOf } from "../host/command.ts";
import { isEmpty, type Plan, rehearse } from "../reconcile/plan.ts";
import type { History } from "./history.ts";

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

export interface FleetPlan {
  /** Hosts where something is to be done, or left to do. */
  readonly hosts: readonly HostPlan[];
  /** Hosts where nothing is. */
  readonly nothing: number;
  /** Hosts of which no state is known. */
  readonly unknown: readonly string[];
  readonly reboot: readonly string[];
  /** One host after the other, and all at once: in seconds, without the time that a host takes to reboot and networking to come up. */
  readonly seconds: { readonly oneByOne: number; readonly atOnce: number };
}

/** Rehearses every host. @param only hosts of these names, null for all */
export async function planFleet(
  history: History,
  only: ReadonlySet<string> | null,
  allowed: { readonly restartOvs?: boolean },
): Promise<FleetPlan> {
  const hosts: HostPlan[] = [];
  const unknown: string[] = [];
  let nothing = 0;
  const wanted = history.known().filter(({ host }) => only === null || only.has(host));
  for (const { host, observation } of history.judged(wanted)) {
    if (observation === null) unknown.push(host);
    else if (observation.outcome.clean) nothing += 1;
    else {
      const spec = history.spec(observation);
      const at = new Date(observation.at).toISOString();
      const plan =
        "problem" in spec ? cannot(host, at, spec.problem) : hostPlan(host, at, await rehearse(spec, history.state(observation), allowed));
      if (plan === null) nothing += 1;
      else hosts.push(plan);
    }
  }
  return {
    hosts,
    nothing,
    unknown,
    reboot: hosts.filter(({ reboot }) => reboot).map(({ host }) => host),
    seconds: {
      oneByOne: hosts.reduce((sum, { seconds }) => sum + seconds, 0),
      atOnce: hosts.reduce((most, { seconds }) => Math.max(most, seconds), 0),
    },
  };
}

function cannot(host: string, observedAt: string, problem: string): HostPlan {
  return { host, observedAt, problem, seconds: 0, reboot: false, because: [], phases: [], left: [] };
}

/** Null where there is nothing to do and nothing is left. */
function hostPlan(host: string, observedAt: string, plan: Plan): HostPlan | null {
  const wrong = plan.remaining
    .flatMap(({ causes }) => causes.map(({ deviation }) => deviation))
    .filter(({ severity }) => severity !== "warning");
  const left = [...new Set(wrong.map(({ requirement, subject, actual }) => `${requirement}: ${subject}: ${actual}`))];
  if (isEmpty(plan) && left.length === 0) return null;
  const reboot = plan.phases.filter(({ after }) => after === "reboot");
  return {
    host,
    observedAt,
    problem: null,
    seconds: plan.seconds,
    reboot: reboot.length > 0,
    because: [...new Set(reboot.flatMap(({ because }) => because.map(({ requirement, actual }) => `${requirement}: ${actual}`)))],
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
