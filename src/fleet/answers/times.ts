const units: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds of `90m`, `24h`, `7d`, `2w`; null where it is none of these. */
export function secondsOf(text: string): number | null {
  const [, number, unit = ""] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  const each = units[unit];
  return number === undefined || each === undefined ? null : Number(number) * each;
}

/**
 * A moment in ms since 1970: a date (its beginning, in this machine's time zone), a date and a time, or how
 * long ago it was.
 * @returns null where it is none of these
 */
export function momentOf(text: string, now: number): number | null {
  const ago = secondsOf(text);
  if (ago !== null) return now - ago * 1000;
  const [, date, time, zone = ""] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  if (date === undefined) return null;
  const moment = Date.parse(`${date}T${time ?? "00:00"}${zone}`);
  // Date.parse takes the 31st of February for the 3rd of March.
  const exists = new Date(`${date}T00:00Z`).toISOString().startsWith(date);
  return Number.isNaN(moment) || !exists ? null : moment;
}
