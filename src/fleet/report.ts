import * as z from "zod";
import { HostState } from "../host/state.ts";
import { FleetError } from "./database.ts";
import type { Report, SpecText } from "./history.ts";

/** What `vflag inspect -o json --with-spec` prints: the state, and the spec that lies on that host. */
const HostReport = z.strictObject({
  schema: z.literal("vflag/host/1"),
  spec: z.strictObject({ file: z.string(), text: z.string() }).nullable(),
  state: HostState,
});

/** The longest name of a host: that of the domain name system. */
const longest = 255;

/**
 * Reads what a host told of itself: a state (`vflag inspect -o json`), or a state with its spec (`--with-spec`).
 * @param host its name in the inventory @param spec where given, this one counts, and not the host's own
 * @throws {FleetError} with what is wrong with it
 */
export function readReport(host: string, text: string, spec: SpecText | null): Report {
  if (host === "" || host.length > longest || /\p{Cc}/u.test(host)) throw new FleetError(`${JSON.stringify(host)} is no name of a host`);
  const data = parsed(text);
  const schema = typeof data === "object" && data !== null && "schema" in data ? data.schema : undefined;
  if (schema === "vflag/state/1") return { host, state: checked(HostState, data), spec };
  if (schema === "vflag/host/1") {
    const report = checked(HostReport, data);
    const own = report.spec === null ? null : { file: `${host}:${report.spec.file}`, text: report.spec.text };
    return { host, state: report.state, spec: spec ?? own };
  }
  const seen = schema === undefined ? "it has no schema" : `its schema is ${JSON.stringify(schema)}`;
  throw new FleetError(`neither \`vflag inspect -o json\` nor the same with --with-spec wrote this: ${seen}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FleetError(`not valid JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function checked<T extends z.ZodType>(schema: T, data: unknown): z.infer<T> {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  throw new FleetError(`not as expected:\n${z.prettifyError(result.error)}`);
}
