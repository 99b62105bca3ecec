import { type FailureKind, failureKinds, type Known } from "../history/history.ts";
import { decisive, type FleetCause, type FleetNic } from "./outcome.ts";

/** The fleet at a glance: a pure function of what is known of its hosts. */

/** `none`: there is no verdict, because there is no state, no spec, or a wrong one. */
export type FleetAnswer = FleetNic["answer"] | "none";

export interface HostStatus {
  readonly host: string;
  /** The worst of its NICs. */
  readonly answer: FleetAnswer;
  readonly nics: readonly FleetNic[];
  /** Why there is no verdict. */
  readonly problem: string | null;
  /** When it was observed, and how many seconds ago: null where it never was. */
  readonly observedAt: string | null;
  readonly age: number | null;
  /** Older than what is called fresh: what it says may no longer be true. */
  readonly stale: boolean;
  readonly reboot: boolean;
  /**
   * By how many seconds its clock is ahead of the collector's, less than zero behind; null where it is not
   * off.
   */
  readonly clock: number | null;
  /** Asking it failed after that. */
  readonly failure: { readonly kind: FailureKind; readonly message: string; readonly at: string } | null;
}

/** One root cause, and the hosts that have it, most hosts first. */
export interface CauseGroup {
  readonly requirement: string;
  readonly severity: FleetCause["severity"];
  readonly actual: string;
  readonly expected: string;
  readonly remedy: FleetCause["remedy"];
  readonly text: string | null;
  readonly hosts: readonly string[];
}

export interface FleetStatus {
  readonly at: string;
  readonly hosts: readonly HostStatus[];
  readonly nics: Readonly<Record<FleetNic["answer"], number>>;
  readonly causes: readonly CauseGroup[];
  /** Why hosts have no verdict, by reason. */
  readonly problems: readonly { readonly problem: string; readonly hosts: readonly string[] }[];
  readonly failures: readonly { readonly kind: FailureKind; readonly hosts: readonly string[] }[];
  readonly stale: readonly string[];
  readonly reboot: readonly string[];
  /** Hosts whose clocks are off, which does not change the order or the age of what they say. */
  readonly clocks: readonly { readonly host: string; readonly seconds: number }[];
}

/**
 * Seconds between an observation and its arrival that are no news: `vflag inspect` and Ansible take their
 * time.
 */
const bearable = 300;

/** @param now in ms since 1970 @param fresh how old a state may be, in seconds */
export function statusOf(known: readonly Known[], now: number, fresh: number): FleetStatus {
  const hosts = known.map((each) => hostStatus(each, now, fresh));
  const nics = { works: 0, broken: 0, unknown: 0 };
  for (const { answer } of hosts.flatMap((host) => host.nics)) nics[answer] += 1;
  const withoutVerdict = hosts.filter(({ problem }) => problem !== null);
  return {
    at: new Date(now).toISOString(),
    hosts,
    nics,
    causes: causeGroups(hosts),
    problems: [...Map.groupBy(withoutVerdict, ({ problem }) => general(problem ?? "")).entries()]
      .map(([problem, group]) => ({ problem, hosts: group.map(({ host }) => host) }))
      .sort((a, b) => b.hosts.length - a.hosts.length),
    failures: failureKinds.flatMap((kind) => {
      const failed = hosts.filter(({ failure }) => failure?.kind === kind).map(({ host }) => host);
      return failed.length === 0 ? [] : [{ kind, hosts: failed }];
    }),
    stale: hosts.filter(({ stale }) => stale).map(({ host }) => host),
    reboot: hosts.filter(({ reboot }) => reboot).map(({ host }) => host),
    clocks: hosts.flatMap(({ host, clock }) => (clock === null ? [] : [{ host, seconds: clock }])),
  };
}

/** True when every NIC of every host was seen to work, lately. */
export function allWork({ hosts }: FleetStatus): boolean {
  return hosts.every(({ answer, stale, failure }) => answer === "works" && !stale && failure === null);
}

function hostStatus({ host, observation, failure }: Known, now: number, fresh: number): HostStatus {
  const told = failure === null ? null : { ...failure, at: new Date(failure.at).toISOString() };
  if (observation === null) {
    const none = { nics: [], observedAt: null, age: null, stale: false, reboot: false, clock: null } as const;
    return { host, answer: "none", ...none, problem: "it was never observed", failure: told };
  }
  const { nics, problem, reboot } = observation.outcome;
  const age = Math.max(0, Math.round((now - observation.at) / 1000));
  const observedAt = new Date(observation.at).toISOString();
  const off = Math.round((observation.clock - observation.at) / 1000);
  const clock = Math.abs(off) > bearable ? off : null;
  return {
    host,
    answer: worst(nics),
    nics,
    problem,
    observedAt,
    age,
    stale: age > fresh,
    reboot,
    clock,
    failure: told,
  };
}

function worst(nics: readonly FleetNic[]): FleetAnswer {
  return (
    (["broken", "unknown", "works"] as const).find((answer) => nics.some((nic) => nic.answer === answer)) ??
    "none"
  );
}

const severities: readonly FleetCause["severity"][] = ["error", "unknown", "warning"];

function causeGroups(hosts: readonly HostStatus[]): CauseGroup[] {
  const groups = new Map<string, CauseGroup & { hosts: string[] }>();
  for (const { host, nics } of hosts) {
    for (const nic of nics) {
      const deciding = new Set(decisive(nic));
      for (const cause of nic.causes) {
        // What keeps a NIC from being called a working one, and what is only worth knowing, are told apart.
        const severity = deciding.has(cause) ? cause.severity : "warning";
        const { requirement, remedy } = cause;
        const actual = general(cause.actual);
        const key = JSON.stringify([requirement, severity, actual, remedy]);
        const group = groups.get(key) ?? {
          requirement,
          severity,
          actual,
          remedy,
          expected: general(cause.expected),
          text: cause.text,
          hosts: [],
        };
        groups.set(key, group);
        if (group.hosts.at(-1) !== host) group.hosts.push(host);
      }
    }
  }
  const rank = ({ severity }: CauseGroup) => severities.indexOf(severity);
  return [...groups.values()].sort((a, b) => rank(a) - rank(b) || b.hosts.length - a.hosts.length);
}

/** The same words for hosts that differ in nothing but addresses. */
export function general(text: string): string {
  return text
    .replace(/\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b/gi, "MAC")
    .replace(/\b[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\b/gi, "ADDRESS");
}
