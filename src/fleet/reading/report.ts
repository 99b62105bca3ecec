import { type Checked, compiled } from "../../host/schema/compiled-schema.ts";
import { excessOfJson, stateLimits } from "../../host/schema/state-limits.ts";
import { HostState } from "../../host/state/state.ts";
import { FleetError } from "../error.ts";
import { ownBytes, type Place, splitHost, type Told, toldIn, withoutTime } from "./told.ts";

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
  readonly timeless?: Uint8Array;
  readonly spec: SpecText | null;
}

/** The longest name of a host: that of the domain name system. */
const longest = 255;

let readState: ReturnType<typeof compiled<typeof HostState>> | undefined;

/**
 * Reads what a host told of itself: a state (`vflag inspect -o json`), or a state with its spec
 * (`--with-spec`).
 * @param host its name in the inventory
 * @param answer whose bytes become part of the report
 * @param spec where given, this one counts, and not the host's own
 * @throws {FleetError} with what is wrong with it
 */
export function readReport(host: string, answer: string | Uint8Array, spec: SpecText | null): Report {
  if (host === "" || host.length > longest || /\p{Cc}/u.test(host))
    throw new FleetError(`${JSON.stringify(host)} is no name of a host`);
  const { data, told, state } = jsonOf(typeof answer === "string" ? ownBytes(answer) : answer);
  if (data["schema"] === "vflag/state/1") return { host, ...stateIn(data, told, state), spec };
  if (data["schema"] === "vflag/host/1") {
    const own = specIn(data["spec"], host);
    const strange = Object.keys(data).filter((key) => key !== "schema" && key !== "spec" && key !== "state");
    if (strange.length > 0)
      throw new FleetError(`not as expected: ${JSON.stringify(strange[0]?.slice(0, 60))} is no part of it`);
    return { host, ...stateIn(data["state"], told, state), spec: spec ?? own };
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

function stateIn(data: unknown, told: Told, place: Place | null): Pick<Report, "state" | "timeless"> {
  const { data: state, filled } = checkedState(data);
  const timeless = place === null || filled ? null : withoutTime(told, place, state);
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

/** The whole as data; and where the state is in it, where that is a text of its own. */
function jsonOf(bytes: Uint8Array): {
  readonly data: Record<string, unknown>;
  readonly told: Told;
  readonly state: Place | null;
} {
  const excess = excessOfJson(bytes);
  if (excess !== null) throw new FleetError(`too much for one host: ${excess}`);
  const told = toldIn(bytes);
  const { text } = told;
  const parts = splitHost(text);
  if (parts !== null) {
    const [host, state] = [tried(parts.host), tried(text.slice(parts.state.from, parts.state.to))];
    if (isObject(host) && isObject(state)) return { data: { ...host, state }, told, state: parts.state };
  }
  const data = parsed(text);
  const isState = isObject(data) && data["schema"] === "vflag/state/1";
  return {
    data: isObject(data) ? data : {},
    told,
    state: isState ? { from: 0, to: text.trimEnd().length } : null,
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
