import { type Checked, compiled } from "../../host/schema/compiled-schema.ts";
import { excessOfJson, stateLimits } from "../../host/schema/state-limits.ts";
import { HostState } from "../../host/state/state.ts";
import { FleetError } from "../error.ts";
import { splitHost, withoutTime } from "./told.ts";

/** A spec as it was found: its text, and whose it is, such as `hv1:/etc/vflag/vflag.yaml`. */
export interface SpecText {
  readonly file: string;
  readonly text: string;
}

/** What one host told of itself. */
export interface Report {
  /** Its name in the inventory. */
  readonly host: string;
  readonly state: HostState;
  /** The state without its time as it stood in what the host said, where that is the same as `state`. */
  readonly timeless?: string;
  readonly spec: SpecText | null;
}

/** The longest name of a host: that of the domain name system. */
const longest = 255;

let readState: ReturnType<typeof compiled<typeof HostState>> | undefined;

/**
 * Reads what a host told of itself: a state (`vflag inspect -o json`), or a state with its spec
 * (`--with-spec`).
 * @param host its name in the inventory
 * @param spec where given, this one counts, and not the host's own
 * @throws {FleetError} with what is wrong with it
 */
export function readReport(host: string, text: string | Uint8Array, spec: SpecText | null): Report {
  if (host === "" || host.length > longest || /\p{Cc}/u.test(host))
    throw new FleetError(`${JSON.stringify(host)} is no name of a host`);
  const { data, stateText } = jsonOf(typeof text === "string" ? Buffer.from(text) : text);
  if (data["schema"] === "vflag/state/1") return { host, ...stateIn(data, stateText), spec };
  if (data["schema"] === "vflag/host/1") {
    const own = specIn(data["spec"], host);
    const strange = Object.keys(data).filter((key) => key !== "schema" && key !== "spec" && key !== "state");
    if (strange.length > 0)
      throw new FleetError(`not as expected: ${JSON.stringify(strange[0]?.slice(0, 60))} is no part of it`);
    return { host, ...stateIn(data["state"], stateText), spec: spec ?? own };
  }
  const { schema } = data;
  const seen =
    schema === undefined
      ? "it has no schema"
      : `its schema is ${typeof schema === "string" ? JSON.stringify(schema.slice(0, 60)) : typeof schema}`;
  throw new FleetError(`neither \`vflag inspect -o json\` nor the same with --with-spec wrote this: ${seen}`);
}

/** A state as data, whole and right. @throws {FleetError} */
export function stateOf(data: unknown): HostState {
  return checkedState(data).data;
}

function stateIn(data: unknown, text: string | null): Pick<Report, "state" | "timeless"> {
  const { data: state, filled } = checkedState(data);
  const timeless = text === null || filled ? null : withoutTime(text, state);
  return { state, ...(timeless !== null && { timeless }) };
}

function checkedState(data: unknown): Extract<Checked<HostState>, { readonly filled: boolean }> {
  readState ??= compiled(HostState, stateLimits.problems);
  const checked = readState(data);
  if ("data" in checked) return checked;
  throw new FleetError(`not as expected:\n${checked.problems.join("\n")}`);
}

/** The spec that lies on the host. What is wrong with its text is the verdict's to say. */
function specIn(value: unknown, host: string): SpecText | null {
  if (value === null) return null;
  const keys = typeof value === "object" && value !== null ? Object.keys(value).sort().join() : "";
  if (
    keys === "file,text" &&
    typeof value === "object" &&
    value !== null &&
    "file" in value &&
    "text" in value
  )
    if (typeof value.file === "string" && typeof value.text === "string")
      return { file: `${host}:${value.file}`, text: value.text };
  throw new FleetError("not as expected: spec is neither null nor a file and its text");
}

/** The whole as data; and the text of the state in it, where that is a text of its own. */
function jsonOf(bytes: Uint8Array): {
  readonly data: Record<string, unknown>;
  readonly stateText: string | null;
} {
  const excess = excessOfJson(bytes);
  if (excess !== null) throw new FleetError(`too much for one host: ${excess}`);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  const parts = splitHost(text);
  const [host, state] = parts === null ? [undefined, undefined] : [tried(parts.host), tried(parts.state)];
  if (parts !== null && isObject(host) && isObject(state))
    return { data: { ...host, state }, stateText: parts.state };
  const data = parsed(text);
  return {
    data: isObject(data) ? data : {},
    stateText: isObject(data) && data["schema"] === "vflag/state/1" ? text.trimEnd() : null,
  };
}

/** Undefined for what is no JSON. */
function tried(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FleetError(`not valid JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
