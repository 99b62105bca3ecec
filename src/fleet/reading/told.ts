import { isAscii } from "node:buffer";
import type { HostState } from "../../host/state/state.ts";

/**
 * What a host said, as bytes. A state is kept without its time, and is bytes again for that: of all that an
 * import does nothing but reading it takes longer. So the bytes are cut where vflag wrote them as it does,
 * in ASCII and without blanks; any other answer goes the long way.
 */

/** An answer's text, and the bytes that it was read from, where each of its characters is one of them. */
export interface Told {
  readonly text: string;
  readonly ascii: Uint8Array | null;
}

/** Where the JSON of a state stands in an answer. */
export interface Place {
  readonly from: number;
  readonly to: number;
}

export function toldIn(bytes: Uint8Array): Told {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const ascii = isAscii(bytes);
  return { text: buffer.toString(ascii ? "latin1" : "utf8"), ascii: ascii ? bytes : null };
}

/**
 * `{"schema":"vflag/host/1","spec":...` and the place of the state in it, each a JSON text if the whole is
 * one; null where it is another text.
 */
export function splitHost(text: string): { readonly host: string; readonly state: Place } | null {
  if (!text.startsWith('{"schema":"vflag/host/1",')) return null;
  // Within a text of JSON its quotes would be escaped.
  const at = text.indexOf(stateKey);
  const to = text.lastIndexOf("}");
  if (at < 0 || to <= at || text.slice(to + 1).trim() !== "") return null;
  return { host: `${text.slice(0, at)}}`, state: { from: at + stateKey.length - stateStart.length, to } };
}

const stateStart = '{"schema":"vflag/state/1",';
const stateKey = `,"state":${stateStart}`;

/**
 * The bytes of a state without its time; null where they are not as vflag writes them. What stands before the
 * time is moved to where it ends: the answer is used up.
 */
export function withoutTime(
  { text, ascii }: Told,
  { from, to }: Place,
  { schema, hostname, kernel, observedAt }: HostState,
): Uint8Array | null {
  const before = JSON.stringify({ schema, hostname, kernel }).slice(0, -1);
  const time = `,"observedAt":${JSON.stringify(observedAt)}`;
  if (ascii === null || !text.startsWith(`${before}${time},`, from)) return null;
  ascii.copyWithin(from + time.length, from, from + before.length);
  return ascii.subarray(from + time.length, to);
}

/** A text's bytes, which share their memory with no others: they go to another thread as they are. */
export function ownBytes(text: string): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
