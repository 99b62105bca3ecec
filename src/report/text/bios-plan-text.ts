import { featureNames } from "../../bios/features.ts";
import type { BiosPlan, ChangeRequest } from "../../bios/plan.ts";
import { word } from "../../host/actions/command.ts";
import { inPlainText } from "../../host/plain-text.ts";
import type { HostBios } from "../../redfish/hosts.ts";
import { count, type Style } from "../terminal/style.ts";
import { headLine, problemLines, withoutLines } from "./bios-text.ts";

/**
 * `vflag bios plan` and `set` for the eye: what is asked of each BMC, and what the host has to do for it.
 * @param done whether it was asked for
 */
export function biosPlanText(
  asked: readonly HostBios[],
  without: readonly string[],
  done: boolean,
  style: Style,
): string {
  const hosts = inPlainText(asked);
  const blocks = hosts.map((host) => hostLines(host, done, style).join("\n"));
  return `${[...blocks, [closing(hosts, done, style), ...withoutLines(without)].join("\n")].join("\n\n")}\n`;
}

function hostLines(host: HostBios, done: boolean, style: Style): string[] {
  const { plan } = host;
  return [
    headLine(host, style),
    ...problemLines(host, style),
    ...(plan === null ? [] : planLines(host, plan, done, style)),
  ];
}

function planLines(
  { bmc, outcome, report }: HostBios,
  plan: BiosPlan,
  done: boolean,
  style: Style,
): string[] {
  const changes = plan.changes.map(({ attribute, from, to, features }) => {
    const what = features.map((feature) => featureNames[feature]).join(", ");
    return `  ${attribute}: ${from} -> ${style.strong(String(to))}  ${style.faint(what)}`;
  });
  const left = plan.left.map(
    ({ attribute, reason }) => `  ${style.doubtful("?")} ${attribute} is left as it is: ${reason}`,
  );
  const doubts = (report?.features ?? []).flatMap(({ feature, answer, settings }) => {
    const isOpen =
      answer === "unknown" || answer === "contradiction" || (answer === "off" && settings.length === 0);
    return isOpen
      ? [`  ${style.doubtful("?")} ${featureNames[feature]} is left as it is: see vflag bios check`]
      : [];
  });
  const pending = (report?.features ?? []).some(({ answer }) => answer === "turns-on");
  const nothing =
    changes.length + left.length + doubts.length === 0 || pending
      ? [`  nothing to set${pending ? `: ${waiting}` : ""}`]
      : [];
  const command =
    plan.request === null || done || bmc === null ? [] : [`      ${commandOf(bmc, plan.request)}`];
  return [
    ...changes,
    ...command,
    ...outcomeLines(outcome, style),
    ...left,
    ...doubts,
    ...(changes.length === 0 ? nothing : []),
  ];
}

const waiting = "what is pending takes effect when the host reboots";

function outcomeLines(outcome: HostBios["outcome"], style: Style): string[] {
  if (outcome === null) return [];
  const { unseen, shown, problem, task, remarks } = outcome;
  const by = task === null ? "" : `, by the task ${task}`;
  const doubt =
    problem !== null
      ? `; whether it is pending could not be seen: ${problem}: see vflag bios check`
      : shown
        ? `, and does not show it as pending: ${unseen.join(", ")}: see its job queue`
        : "; it does not show what is pending";
  return [
    unseen.length === 0
      ? `  ${style.good("✓")} pending${by}: it takes effect when the host reboots`
      : `  ${style.doubtful("?")} the BMC took it${by}${doubt}`,
    ...remarks.map((remark) => `  ${style.doubtful("!")} the BMC says: ${remark}`),
  ];
}

/** For reading: vflag starts no program for it. The password comes from ~/.netrc there. */
function commandOf(bmc: string, { path, etag, body }: ChangeRequest): string {
  const headers = ["Content-Type: application/json", ...(etag === null ? [] : [`If-Match: ${etag}`])];
  const given = headers.map((header) => `-H ${word(header)}`);
  return ["curl --netrc -X PATCH", ...given, `-d ${word(JSON.stringify(body))}`, word(`${bmc}${path}`)].join(
    " ",
  );
}

function closing(hosts: readonly HostBios[], done: boolean, style: Style): string {
  const changed = hosts.filter(
    ({ plan, problem }) => plan !== null && plan.request !== null && problem === null,
  ).length;
  const broken = hosts.filter(({ problem }) => problem !== null).length;
  const able =
    broken === 0
      ? ""
      : `, ${style.bad(done ? `${broken} could not be asked or changed` : `${broken} could not be asked`)}`;
  if (done) {
    const reboot = changed > 0 ? " Reboot each for it to take effect: vflag does not." : "";
    return `${count(changed, "host")} changed${able}.${reboot}`;
  }
  const next = changed > 0 ? " `vflag bios set` does it; then each has to be rebooted." : "";
  return `Plan: ${count(changed, "host")} to change${able}. Nothing was changed.${next}`;
}
