import type { BiosReport } from "./assess.ts";
import { lockOf } from "./dependencies.ts";
import type { Feature } from "./features.ts";
import type { BiosSurvey } from "./survey.ts";

/** What `set` would ask of a BIOS. */
export interface BiosPlan {
  readonly changes: readonly Change[];
  /** Off, and not to be changed by vflag: why. */
  readonly left: readonly {
    readonly feature: Feature;
    readonly attribute: string;
    readonly reason: string;
  }[];
  /** Null: nothing is to be changed. */
  readonly request: ChangeRequest | null;
}

export interface Change {
  readonly features: readonly Feature[];
  readonly attribute: string;
  readonly from: string;
  readonly to: string | boolean;
}

export interface ChangeRequest {
  readonly path: string;
  readonly etag: string | null;
  readonly body: {
    readonly Attributes: Readonly<Record<string, string | boolean>>;
    readonly "@Redfish.SettingsApplyTime"?: { readonly "@odata.type": string; readonly ApplyTime: "OnReset" };
  };
}

/**
 * Everything that is off and may be set, as one request: dependent settings are taken or refused together.
 */
export function planOf(report: BiosReport, survey: BiosSurvey): BiosPlan {
  const changes = new Map<string, Change>();
  const left: BiosPlan["left"][number][] = [];
  const off = report.features.flatMap(({ feature, settings }) =>
    settings.map((setting) => ({ feature, ...setting })),
  );
  for (const { feature, attribute, value, pending, wanted, obstacle } of off) {
    const before = changes.get(attribute);
    if (wanted !== null && obstacle === null)
      changes.set(attribute, {
        features: [...(before?.features ?? []), feature],
        attribute,
        from: pending === null ? value : `${value}, and ${pending.value} after the reboot`,
        to: wanted,
      });
  }
  for (const { feature, attribute, value, pending, wanted, obstacle } of off) {
    if (obstacle === null) continue;
    const lifted = wanted !== null && !isLocked(survey, attribute, changes);
    const from = pending === null ? value : pending.value;
    if (lifted)
      changes.set(attribute, {
        features: [...(changes.get(attribute)?.features ?? []), feature],
        attribute,
        from,
        to: wanted,
      });
    else left.push({ feature, attribute, reason: obstacle });
  }
  const refusal = changes.size === 0 ? null : applyTimeRefusal(survey.settings.applyTimes);
  if (refusal !== null) {
    const all = [...changes.values()].flatMap((change) =>
      change.features.map((feature) => ({ feature, attribute: change.attribute })),
    );
    return {
      changes: [],
      left: [...left, ...all.map((each) => ({ ...each, reason: refusal }))],
      request: null,
    };
  }
  return {
    changes: [...changes.values()],
    left,
    request: changes.size === 0 ? null : requestOf(survey, [...changes.values()]),
  };
}

/** Whether an attribute stays locked when the other changes are made with it. */
function isLocked(
  { registry, attributes, settings }: BiosSurvey,
  name: string,
  changes: ReadonlyMap<string, Change>,
): boolean {
  if ("problem" in registry) return true;
  const planned = [...changes.values()].map(({ attribute, to }): [string, unknown] => [attribute, to]);
  return lockOf(registry, name, new Map([...attributes, ...(settings.pending ?? []), ...planned])) !== null;
}

/**
 * A service that says when it applies settings, and not that it waits for a reset, may reset the host by
 * itself.
 */
function applyTimeRefusal(applyTimes: readonly string[] | null): string | null {
  if (applyTimes === null || applyTimes.includes("OnReset")) return null;
  return (
    `the service applies settings ${applyTimes.join(", ") || "at no time"}, and not OnReset: it ` +
    `could reboot the host by itself`
  );
}

/** Source: DMTF DSP0266, "Settings resource"; Settings.v1_3, PreferredApplyTime. */
function requestOf({ settings }: BiosSurvey, changes: readonly Change[]): ChangeRequest {
  const wanted = Object.fromEntries(changes.map(({ attribute, to }) => [attribute, to]));
  const time = { "@odata.type": "#Settings.v1_1_0.PreferredApplyTime", ApplyTime: "OnReset" as const };
  return {
    path: settings.path,
    etag: settings.etag,
    body: {
      Attributes: wanted,
      ...(settings.applyTimes === null ? {} : { "@Redfish.SettingsApplyTime": time }),
    },
  };
}
