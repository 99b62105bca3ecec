import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import type * as z from "zod";
import { valueText } from "../host/value-text.ts";
import { impossibleCombinations, impossibleKernel, impossibleOvs } from "./combinations.ts";
import { specLimits } from "./limits.ts";
import { nearest } from "./nearest.ts";
import { KernelSpec, NicSpec, OvsSpec, Spec } from "./schema.ts";
import { type Excess, excessOfAliases, excessOfText } from "./shape.ts";

/** One thing that is wrong in a spec, and where: line and column count from 1. */
export interface SpecProblem {
  readonly line: number;
  readonly column: number;
  /** The place in the spec's own terms, such as `nics[0].mode`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/**
 * Everything that is wrong with a spec, all at once. The message is ready to be shown: of very many problems
 * it has the first.
 */
export class SpecError extends Error {
  override readonly name = "SpecError";
  readonly file: string;
  readonly problems: readonly SpecProblem[];

  constructor(file: string, problems: readonly SpecProblem[]) {
    const lines = problems.slice(0, specLimits.problems).map(({ line, column, path, message }) => {
      return `${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}${message}`;
    });
    const more = problems.length - lines.length;
    super([...lines, ...(more > 0 ? [`${file}: ${more} more problems`] : [])].join("\n"));
    this.file = file;
    this.problems = problems;
  }
}

/**
 * Reads a spec from YAML (or JSON, which is YAML).
 * @param text the file's content;
 * @param file its name, for messages only
 * @throws {SpecError} with every problem found, in the order of the file
 */
export function loadSpec(text: string, file: string): Spec {
  const lines = new LineCounter();
  const excess = excessOfText(text);
  if (excess !== null) throw new SpecError(file, [problemOf(excess, text)]);
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };

  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({
      ...at(error.pos[0]),
      path: "",
      message: `not valid YAML: ${error.message}`,
    }));
    throw new SpecError(file, problems);
  }
  const expanded = excessOfAliases(document);
  if (expanded !== null) throw new SpecError(file, [problemOf(expanded, text)]);
  const data = plainData(document, file);
  if (data === null || data === undefined) {
    throw new SpecError(file, [
      { line: 1, column: 1, path: "", message: "the spec is empty: `vflag init` proposes one for this host" },
    ]);
  }

  const parsed = Spec.safeParse(data);
  const problems: SpecProblem[] = [];
  const report = (path: readonly PropertyKey[], message: string, key?: string) => {
    problems.push({ ...at(offsetOf(document.contents, path, key)), path: pathText(path, key), message });
  };
  for (const issue of parsed.error?.issues ?? []) reportIssue(issue, data, report);
  for (const { path, message } of impossibleCombinations(wellFormedNics(data))) report(path, message);
  const ovs = OvsSpec.safeParse(valueAt(data, ["ovs"])).data;
  for (const { path, message } of ovs === undefined ? [] : impossibleOvs(ovs)) report(path, message);
  const kernel = wellFormedKernel(data);
  if (kernel !== null) for (const { path, message } of impossibleKernel(kernel)) report(path, message);

  if (problems.length > 0 || parsed.data === undefined) {
    throw new SpecError(
      file,
      problems.sort((a, b) => a.line - b.line || a.column - b.column),
    );
  }
  return parsed.data;
}

/** Offsets count from the beginning of the text. */
function problemOf({ offset, message }: Excess, text: string): SpecProblem {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n"), path: "", message };
}

/** The document as data. What its aliases stand for has been counted. */
function plainData(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: -1 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SpecError(file, [
      {
        line: 1,
        column: 1,
        path: "",
        message: `its aliases (*name) cannot be resolved: ${reason.split("\n")[0]}`,
      },
    ]);
  }
}

function wellFormedKernel(data: unknown): KernelSpec | null {
  return KernelSpec.safeParse(valueAt(data, ["kernel"])).data ?? null;
}

function wellFormedNics(data: unknown): (NicSpec | undefined)[] {
  const nics = valueAt(data, ["nics"]);
  // More than may be are reported as that.
  return Array.isArray(nics) ? nics.slice(0, specLimits.nics).map((nic) => NicSpec.safeParse(nic).data) : [];
}

type Report = (path: readonly PropertyKey[], message: string, key?: string) => void;

function reportIssue(issue: z.core.$ZodIssue, data: unknown, report: Report): void {
  const found = valueAt(data, issue.path);
  switch (issue.code) {
    case "unrecognized_keys":
      for (const key of issue.keys) {
        const guess = nearest(key, knownKeys(issue.path));
        report(issue.path, `unknown key${guess === undefined ? "" : `: did you mean "${guess}"?`}`, key);
      }
      return;
    case "invalid_type":
      if (found === undefined) return report(issue.path, "is missing");
      return report(
        issue.path,
        `must be ${article(issue.expected)}, found ${show(found)}${quoteHint(issue.expected, found)}`,
      );
    case "invalid_value": {
      const allowed = issue.values.map(String);
      const oneOf = `${allowed.length > 1 ? "one of " : ""}${allowed.join(", ")}`;
      if (found === undefined) return report(issue.path, `is missing: ${oneOf}`);
      const guess = allowed.length > 1 ? nearest(valueText(found), allowed) : undefined;
      const hint = guess === undefined ? "" : `: did you mean "${guess}"?`;
      return report(issue.path, `must be ${oneOf}, found ${show(found)}${hint}`);
    }
    case "too_small":
      if (issue.origin === "array") return report(issue.path, "must not be empty");
      return report(issue.path, `must be ${issue.minimum} or more, found ${show(found)}`);
    case "too_big":
      if (Array.isArray(found))
        return report(issue.path, `must have ${issue.maximum} entries or less, found ${found.length}`);
      return report(issue.path, `must be ${issue.maximum} or less, found ${show(found)}`);
    case "invalid_union":
      return reportPort(issue, found, report);
    default:
      return report(issue.path, `${show(found)}: ${issue.message}`);
  }
}

/**
 * The only union in a spec is the port selector: say what the operator's choice of form lacks, not that four
 * forms failed.
 */
function reportPort(issue: z.core.$ZodIssue, found: unknown, report: Report): void {
  const forms =
    'a port is a device name, {address: "0000:37:00.*"}, {mac: "24:8a:07:*"} or {vendor: "15b3", ' +
    'product: "1017"}';
  if (typeof found === "string")
    return report(
      issue.path,
      `${show(found)}: not a name that the kernel accepts for a device (1 to 15 bytes, no white space, ` +
        `'/', ':' or '%'); ${forms}`,
    );
  if (issue.code !== "invalid_union" || typeof found !== "object" || found === null)
    return report(issue.path, `${forms}; found ${show(found)}`);
  const keys = Object.keys(found);
  const form = ["address", "mac", "vendor"].findIndex((key) => keys.includes(key));
  const issues = form < 0 ? [] : (issue.errors[form + 1] ?? []);
  if (issues.length === 0) return report(issue.path, `${forms}; found ${show(found)}`);
  for (const inner of issues) {
    const value = valueAt(found, inner.path);
    if (inner.code === "unrecognized_keys")
      report(
        issue.path,
        `${inner.keys.join(", ")} does not go with ${["address", "mac", "vendor"][form] ?? "it"}; ${forms}`,
      );
    else if (inner.code === "invalid_type")
      report([...issue.path, ...inner.path], `must be a string in quotes, found ${show(value)}`);
    else report([...issue.path, ...inner.path], `${show(value)}: ${inner.message}`);
  }
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  let schema: unknown = Spec;
  for (const step of path) {
    schema = unwrap(schema);
    schema = valueAt(schema, typeof step === "number" ? ["element"] : ["shape", step]);
  }
  const shape = valueAt(unwrap(schema), ["shape"]);
  return typeof shape === "object" && shape !== null ? Object.keys(shape) : [];
}

/** What is inside a default or optional wrapper. */
function unwrap(schema: unknown): unknown {
  const inner = valueAt(schema, ["def", "innerType"]);
  return inner === undefined ? schema : unwrap(inner);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at: unknown = value;
  for (const step of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

/**
 * Where in the text the value at this path begins; a missing value is placed at its nearest ancestor, a key
 * at itself.
 */
function offsetOf(root: Node | null, path: readonly PropertyKey[], key?: string): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of key === undefined ? path : [...path, key]) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === step);
      if (pair === undefined) break;
      const last = step === key;
      const place = last || pair.value === null ? pair.key : pair.value;
      offset = rangeStart(place) ?? offset;
      node = pair.value;
    } else {
      const items: unknown = valueAt(node, ["items"]);
      node = valueAt(items, [step]);
      offset = rangeStart(node) ?? offset;
    }
  }
  return offset;
}

function rangeStart(node: unknown): number | undefined {
  const range = valueAt(node, ["range"]);
  return Array.isArray(range) && typeof range[0] === "number" ? range[0] : undefined;
}

function pathText(path: readonly PropertyKey[], key?: string): string {
  const steps = key === undefined ? path : [...path, key];
  return steps
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${clipped(String(step))}`))
    .join("")
    .replace(/^\./, "");
}

function show(value: unknown): string {
  return clipped(JSON.stringify(value) ?? String(value));
}

/** A spec's own texts can be as long as itself. */
function clipped(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function article(type: string): string {
  const names: Record<string, string> = {
    int: "a whole number",
    number: "a whole number",
    boolean: "true or false",
    string: "a string",
    array: "a list",
    object: "a mapping",
  };
  return names[type] ?? `a ${type}`;
}

function quoteHint(expected: string, found: unknown): string {
  return expected === "string" && typeof found !== "object" ? ": put it in quotes" : "";
}
