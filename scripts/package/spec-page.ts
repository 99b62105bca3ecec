import * as z from "zod";
import { bold, escaped, item, line, section, title, verbatim } from "./roff.ts";

/** vflag.yaml(5), made of the spec's published JSON Schema. */

export interface SpecPageOptions {
  readonly version: string;
  /** YYYY-MM-DD */
  readonly date: string;
  readonly schema: unknown;
  readonly example: string;
}

/** What the page looks at in a JSON Schema. */
interface Schema {
  readonly $ref?: string | undefined;
  readonly $defs?: Readonly<Record<string, Schema>> | undefined;
  readonly description?: string | undefined;
  readonly type?: string | undefined;
  readonly const?: unknown;
  readonly enum?: readonly unknown[] | undefined;
  readonly default?: unknown;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: Schema | undefined;
  readonly anyOf?: readonly Schema[] | undefined;
}

const Schema: z.ZodType<Schema> = z.lazy(() =>
  z.object({
    $ref: z.string().optional(),
    $defs: z.record(z.string(), Schema).optional(),
    description: z.string().optional(),
    type: z.string().optional(),
    const: z.unknown().optional(),
    enum: z.array(z.unknown()).optional(),
    default: z.unknown().optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    properties: z.record(z.string(), Schema).optional(),
    required: z.array(z.string()).optional(),
    items: Schema.optional(),
    anyOf: z.array(Schema).optional(),
  }),
);

export function specPage({ version, date, schema, example }: SpecPageOptions): string {
  const root = Schema.parse(schema);
  const spec = resolved(root, root);
  const lines = [
    title("VFLAG.YAML", 5, date, `vflag ${version}`),
    ...section("NAME", [line(`vflag.yaml - ${spec.description ?? ""}`)]),
    ...section("SYNOPSIS", [line("/etc/vflag/vflag.yaml")]),
    ...section("DESCRIPTION", [
      line(
        "The file is YAML or JSON. It is checked as a whole: `vflag plan` tells all errors at once, each with line and column.",
      ),
      line("An unknown key is an error. `vflag init` proposes a file for the host that it runs on."),
    ]),
    ...section("KEYS", keys(root, spec, "")),
    ...section("EXAMPLE", verbatim(example.trimEnd())),
    ...section("SEE ALSO", [line("`vflag`(8)")]),
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Every key below a mapping, with its whole path. @throws Error when a key has no description: then a line is
 * missing in the schema
 */
function keys(root: Schema, mapping: Schema, path: string): string[] {
  return Object.entries(mapping.properties ?? {}).flatMap(([name, property]) => {
    const at = path === "" ? name : `${path}.${name}`;
    if (property.description === undefined)
      throw new Error(`the spec's key ${at} has no description in src/spec/schema.ts`);
    return [
      ...item(
        `${bold(at)}${facts(root, property, mapping.required?.includes(name) ?? false)}`,
        line(property.description),
      ),
      ...below(root, property, at),
    ];
  });
}

/** The keys below a key: of its mapping, of the items of its list, or of each form that these can have. */
function below(root: Schema, schema: Schema, path: string): string[] {
  const { properties, items, anyOf } = resolved(root, schema);
  if (properties !== undefined) return keys(root, { properties }, path);
  if (items !== undefined) return itemKeys(root, resolved(root, items), `${path}[]`);
  return (anyOf ?? []).flatMap((form) => itemKeys(root, resolved(root, form), path));
}

function itemKeys(root: Schema, schema: Schema, path: string): string[] {
  if (schema.properties !== undefined) return keys(root, schema, path);
  if (schema.anyOf !== undefined)
    return schema.anyOf.flatMap((form) => itemKeys(root, resolved(root, form), path));
  return item(bold(path), line(schema.description ?? ""));
}

/** A key's values in brackets: ` (one of sriov, switchdev, vf-lag; required)`. */
function facts(root: Schema, schema: Schema, required: boolean): string {
  const {
    type,
    const: only,
    enum: choices,
    minimum,
    maximum,
  } = { ...resolved(root, schema), ...withoutRef(schema) };
  const values = (() => {
    if (only !== undefined) return String(only);
    if (choices !== undefined) return choices.join(" | ");
    if (type === "boolean") return "true | false";
    if (type === "integer") return maximum === undefined ? `${minimum} and up` : `${minimum} to ${maximum}`;
    return { object: "a mapping", array: "a list", string: "a text" }[type ?? ""] ?? "";
  })();
  const preset =
    schema.default === undefined || typeof schema.default === "object" ? "" : `default: ${schema.default}`;
  const all = [values, required ? "required" : "", preset].filter((fact) => fact !== "");
  return all.length === 0 ? "" : escaped(` (${all.join("; ")})`);
}

function withoutRef({ $ref: _, ...rest }: Schema): Schema {
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
}

function resolved(root: Schema, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const target = root.$defs?.[schema.$ref.replace("#/$defs/", "")];
  if (target === undefined) throw new Error(`the spec's JSON Schema has no ${schema.$ref}`);
  return target;
}
