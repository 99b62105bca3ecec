import type { HostState } from "../../host/state/state.ts";

/**
 * What a host said, as text. A state is kept without its time, and is text again for that: of all that an
 * import does nothing but reading it takes longer. So the text is cut where vflag wrote it as it does,
 * without blanks; any other goes the long way.
 */

/**
 * `{"schema":"vflag/host/1","spec":...` and the state in it, each a JSON text if the whole is one; null where
 * it is another text.
 */
export function splitHost(text: string): { readonly host: string; readonly state: string } | null {
  if (!text.startsWith('{"schema":"vflag/host/1",')) return null;
  // Within a text of JSON its quotes would be escaped.
  const at = text.indexOf(stateKey);
  const end = text.lastIndexOf("}");
  if (at < 0 || end <= at || text.slice(end + 1).trim() !== "") return null;
  return { host: `${text.slice(0, at)}}`, state: text.slice(at + stateKey.length - stateStart.length, end) };
}

const stateStart = '{"schema":"vflag/state/1",';
const stateKey = `,"state":${stateStart}`;

/**
 * The text of a state without its time; null where its beginning is not as vflag writes it.
 * @param text which is the state's JSON
 */
export function withoutTime(
  text: string,
  { schema, hostname, kernel, observedAt }: HostState,
): string | null {
  const before = JSON.stringify({ schema, hostname, kernel }).slice(0, -1);
  const time = `,"observedAt":${JSON.stringify(observedAt)}`;
  return text.startsWith(`${before}${time},`) ? before + text.slice(before.length + time.length) : null;
}
