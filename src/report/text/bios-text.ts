import type { BiosReport, FeatureReport } from "../../bios/assess.ts";
import { isThere } from "../../bios/assess.ts";
import { featureNames, optionalFeatures } from "../../bios/features.ts";
import type { Setting } from "../../bios/setting.ts";
import { inPlainText } from "../../host/plain-text.ts";
import type { HostBios } from "../../redfish/hosts.ts";
import { count, type Style } from "../terminal/style.ts";

/**
 * `vflag bios check` for the eye: one block a host, what is off first said in the field's words, then what to
 * do.
 */
export function biosCheckText(asked: readonly HostBios[], without: readonly string[], style: Style): string {
  const hosts = inPlainText(asked);
  const blocks = hosts.map((host) => [
    headLine(host, style),
    ...problemLines(host, style),
    ...(host.report === null ? [] : reportLines(host, host.report, style)),
  ]);
  const asIs = hosts.filter(({ report }) => report?.features.every(isThere) === true).length;
  const unasked = hosts.filter(({ report }) => report === null).length;
  const rest = hosts.length - asIs - unasked;
  const parts = [
    `${asIs} as it should be`,
    ...(rest === 0 ? [] : [`${rest} not`]),
    ...(unasked === 0 ? [] : [`${unasked} could not be asked`]),
  ];
  const paint = asIs === hosts.length ? style.good : style.bad;
  const sum = paint(`${count(hosts.length, "host")}: ${parts.join(", ")}.`);
  const paragraphs = [...blocks, [sum, ...withoutLines(without)]].map((lines) => lines.join("\n"));
  return `${paragraphs.join("\n\n")}\n`;
}

/** Whose BIOS it is. */
export function headLine({ host, bmc, report }: HostBios, style: Style): string {
  const { manufacturer, model, biosVersion, powerState } = report?.system ?? {};
  const words = [
    [manufacturer, model].filter((word) => word != null).join(" "),
    biosVersion == null ? "" : `BIOS ${biosVersion}`,
    powerState == null ? "" : `power ${powerState.toLowerCase()}`,
  ].filter((word) => word !== "");
  return [style.strong(host), ...words, ...(bmc === null ? [] : [style.faint(bmc)])].join("  ");
}

export function problemLines({ report, problem }: HostBios, style: Style): string[] {
  if (problem === null) return [];
  return [`  ${style.bad("✗")} ${report === null ? "cannot be asked" : "cannot be changed"}: ${problem}`];
}

export function withoutLines(without: readonly string[]): string[] {
  if (without.length === 0) return [];
  const names = inPlainText([...without]);
  const shown =
    names.length <= 6 ? names.join(", ") : `${names.slice(0, 6).join(", ")} and ${names.length - 6} more`;
  return [`Without vflag_bmc_address in the inventory, so not asked: ${shown}.`];
}

function reportLines({ host }: HostBios, report: BiosReport, style: Style): string[] {
  const { vendor, registryProblem, relevant, features, alsoPending, remarks } = report;
  const unfound = new Set(
    features.filter(({ settings }) => settings.length === 0).map(({ feature }) => feature),
  );
  const looks = relevant.filter(({ feature }) => unfound.has(feature));
  const told = features.map((feature) => tell(host, feature, style));
  return [
    ...(vendor === null
      ? [`  ${style.doubtful("?")} vflag does not know this vendor's settings, and sets none of them`]
      : []),
    ...(registryProblem === null
      ? []
      : [`  ${style.doubtful("?")} the BIOS attribute registry cannot be read: ${registryProblem}`]),
    ...told.flatMap(({ lines }) => lines),
    ...[...new Set(told.flatMap(({ todo }) => todo ?? []))].map((todo) => `      do   ${todo}`),
    ...(looks.length === 0 ? [] : ["  looks relevant, for a person to judge:"]),
    ...looks.map(
      ({ attribute, label, value }) =>
        `    ${attribute}${label === attribute ? "" : ` (${label})`} is ${value}`,
    ),
    ...(alsoPending.length === 0
      ? []
      : [
          `  ${style.doubtful("!")} the next reboot also changes ` +
            `${alsoPending.slice(0, 10).join(", ")}${more(alsoPending.length - 10)}`,
        ]),
    ...remarks.map((remark) => `  ${style.doubtful("!")} the BMC says: ${remark}`),
  ];
}

function more(number: number): string {
  return number > 0 ? ` and ${number} more` : "";
}

/** The longest of their names. */
const width = Math.max(...Object.values(featureNames).map((name) => name.length));

interface Told {
  readonly lines: readonly string[];
  /** What to do that may be the same for several features. */
  readonly todo: string | null;
}

function tell(host: string, report: FeatureReport, style: Style): Told {
  const { feature, answer, settings, evidence, contradiction } = report;
  const told = (mark: string, words: string, own: string | null, todo: string | null = null): Told => {
    const name = featureNames[feature];
    const line = `  ${mark} ${style.strong(name)}${" ".repeat(width - name.length)}  ${words}`;
    return { lines: [line, ...(own === null ? [] : [`      do   ${own}`])], todo };
  };
  const seen = evidence === null ? "" : `the host showed at ${evidence.observedAt}: ${evidence.text}`;
  const values = settings.map(isWords).join(", ");
  const set = `vflag bios set ${host}, then reboot the host`;
  switch (answer) {
    case "on":
      return told(style.good("✓"), `on: ${[values, seen].filter((words) => words !== "").join("; ")}`, null);
    case "turns-on":
      return told(
        style.doubtful("!"),
        `off until the host reboots: ${values}`,
        null,
        "reboot the host: what is pending takes effect then",
      );
    case "turns-off":
      return told(style.bad("✗"), `on until the host reboots: ${values}`, null, set);
    case "off": {
      const obstacles = settings.flatMap(({ attribute, obstacle }) =>
        obstacle === null ? [] : [`${attribute}: ${obstacle}`],
      );
      const where = obstacles.join("; ") || "vflag knows no setting for it here";
      const byHand = `turn it on in the BIOS by hand: ${where}`;
      const able = settings.some(({ wanted, obstacle }) => wanted !== null && obstacle === null);
      return told(
        style.bad("✗"),
        `off: ${settings.length === 0 ? seen : values}`,
        able ? null : byHand,
        able ? set : null,
      );
    }
    case "contradiction":
      return told(
        style.bad("✗"),
        `contradiction: ${contradiction?.text ?? ""}`,
        contradiction?.remedy ?? null,
      );
    case "unknown": {
      const words = settings.length === 0 ? "vflag knows no setting for it in this BIOS" : values;
      const ask = "hold the BIOS against what the host shows: --states DIR, or --db FILE";
      // Of these a running host shows at most that they are off.
      const helps = evidence === null && !optionalFeatures.has(feature);
      return told(style.doubtful("?"), `cannot tell: ${words}`, null, helps ? ask : null);
    }
    case "none":
      return told(style.faint("-"), style.faint("no setting of this BIOS is known for it"), null);
  }
}

function isWords({ attribute, label, value, pending, standing }: Setting): string {
  const name = label === attribute ? attribute : `${attribute} (${label})`;
  const later = pending === null ? "" : `, ${pending.value} is pending`;
  return `${name} is ${value}${standing === "auto" ? ", so the BIOS decides" : ""}${later}`;
}
