import type { HostPlan } from "../../../fleet/answers/host-plan.ts";
import type { FleetPlan } from "../../../fleet/answers/plan.ts";
import { inPlainText } from "../../../host/plain-text.ts";
import { someOf } from "../../fleet-words.ts";
import { count, duration, type Style } from "../../terminal/style.ts";
import { type FleetTextOptions, groupLines, hostCount, indent, paragraphs } from "./host-groups.ts";

/** What `apply` would do, by hosts of which the same is true. */
export function fleetPlanText(rehearsed: FleetPlan, style: Style, { full }: FleetTextOptions): string {
  const plan = inPlainText(rehearsed);
  const { hosts, nothing, unknown, reboot, seconds } = plan;
  const able = hosts.filter(({ problem }) => problem === null);
  const head =
    `${style.strong(`${count(able.length, "host")} to change`)}, ${nothing} as they should be, ` +
    `${count(reboot.length, "reboot")}`;
  const time =
    able.length === 0
      ? []
      : [
          style.faint(
            `Estimate, without the reboots themselves: ${duration(seconds.oneByOne)} one after the other, ` +
              `${duration(seconds.atOnce)} all at once.`,
          ),
        ];
  const groups = [...Map.groupBy(able, planKey).values()].sort((a, b) => b.length - a.length);
  const blocks = groups.map((group) => planLines(group, style, full));
  const problems = Map.groupBy(
    hosts.filter(({ problem }) => problem !== null),
    ({ problem }) => problem?.split("\n")[0] ?? "",
  );
  const rest = [
    ...groupLines(
      "Cannot be rehearsed",
      [...problems].map(([problem, group]) => [problem, group.map(({ host }) => host)]),
      style,
      full,
    ),
    ...groupLines(
      "Never observed",
      unknown.length === 0 ? [] : [["`vflag fleet collect` asks them", unknown]],
      style,
      full,
    ),
  ];
  return paragraphs([[head, ...time], ...blocks, rest]);
}

/** Hosts with the same steps, whatever their devices are called. */
function planKey({ phases, left }: HostPlan): string {
  return JSON.stringify([
    phases.map(({ after, steps }) => [after, steps.map(({ nic, requirement }) => [nic, requirement])]),
    left,
  ]);
}

function planLines(group: readonly HostPlan[], style: Style, full: boolean): string[] {
  const [first] = group;
  if (first === undefined) return [];
  const hosts = group.map(({ host }) => host);
  const longest = Math.max(...group.map((each) => each.seconds));
  const phases = first.phases.flatMap(({ after, steps }) => {
    const told = [...new Set(steps.map(({ requirement }) => requirement))].join(", ") || "nothing";
    return after === "now" && steps.length === 0 ? [] : [`${indent}${phaseWords[after]}: ${told}`];
  });
  const reboot = first.reboot ? `, ${style.doubtful("reboot")}: ${first.because.join("; ")}` : "";
  return [
    `${hostCount(hosts)}  ${duration(longest)} each at most${reboot}`,
    `${indent}${style.faint(someOf(hosts, full ? hosts.length : 6))}`,
    ...phases,
    ...first.left.map((words) => `${indent}${style.bad("left to a person")}: ${words}`),
  ];
}

const phaseWords = { now: "now", networking: "after networking", reboot: "after the reboot" } as const;
