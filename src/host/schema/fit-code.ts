import * as core from "zod/v4/core";
import { stateLimits } from "./state-limits.ts";

/**
 * Whether a schema takes a value exactly as it is: nothing is wrong with it, and nothing missing that has a
 * default.
 */
export type Fits = (value: unknown) => boolean;

/**
 * Writes such tests for schemas and what is within them, as JavaScript: with the names of their keys and the
 * tests of their values in it, they take a fraction of the time that loops over them take, and make nothing.
 * The names are the schema's.
 */
export class FitTests {
  readonly #functions: string[] = [];
  readonly #names = new Map<core.$ZodType, string>();
  /** What the code refers to by number: patterns, sets and functions. */
  readonly #constants: unknown[] = [];
  #compiled: Readonly<Record<string, Fits>> | null = null;

  /**
   * A schema's test, which is compiled when it is first needed.
   * @throws for a schema of what states have not
   */
  of(schema: core.$ZodType): Fits {
    const name = this.#nameOf(schema);
    return (value) => {
      this.#compiled ??= this.#compile();
      return this.#compiled[name]?.(value) === true;
    };
  }

  #nameOf(schema: core.$ZodType): string {
    const known = this.#names.get(schema);
    if (known !== undefined) return known;
    const name = `fits${this.#names.size}`;
    this.#names.set(schema, name);
    this.#functions.push(`function ${name}(value) {\n  ${this.#body(schema)}\n}`);
    this.#compiled = null;
    return name;
  }

  #compile(): Readonly<Record<string, Fits>> {
    const made: unknown = new Function(
      "constants",
      `${this.#functions.join("\n")}\nreturn { ${[...this.#names.values()].join(", ")} };`,
    );
    if (!isMaker(made)) throw new Error("a function is no function");
    return made(this.#constants);
  }

  #body(schema: core.$ZodType): string {
    if (schema instanceof core.$ZodObject) return this.#objectBody(schema);
    if (schema instanceof core.$ZodArray) {
      const most = mostEntries(schema);
      const test = this.#test(schema._zod.def.element, "entry");
      return `if (!Array.isArray(value)${most === Infinity ? "" : ` || value.length > ${most}`}) return false;
  for (let index = 0; index < value.length; index++) {
    const entry = value[index];
    if (!(${test})) return false;
  }
  return true;`;
    }
    if (schema instanceof core.$ZodRecord) {
      const test = this.#test(schema._zod.def.valueType, "entry");
      return `if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  if (keys.length > ${stateLimits.keys} || keys.includes("__proto__")) return false;
  for (const key of keys) { const entry = value[key]; if (!(${test})) return false; }
  return true;`;
    }
    if (schema instanceof core.$ZodDiscriminatedUnion) {
      const { discriminator, options } = schema._zod.def;
      const cases = options.flatMap((option) =>
        [...(option._zod.propValues?.[discriminator] ?? [])].map(
          (value) => `case ${JSON.stringify(value)}: return ${this.#test(option, "value")};`,
        ),
      );
      return `if (typeof value !== "object" || value === null) return false;
  switch (value[${JSON.stringify(discriminator)}]) { ${cases.join(" ")} default: return false; }`;
    }
    return `return ${this.#test(schema, "value")};`;
  }

  #objectBody(schema: core.$ZodObject): string {
    if (schema._zod.def.catchall?._zod.def.type !== "never")
      throw new Error("a state has strict objects only");
    const optional: string[] = [];
    const tests = Object.entries(schema._zod.def.shape).map(([key, inner], index) => {
      const field = `field${index}`;
      const read = `const ${field} = value[${JSON.stringify(key)}];`;
      if (!(inner instanceof core.$ZodOptional))
        return `${read} if (!(${this.#test(inner, field)})) return false;`;
      optional.push(field);
      return `${read} if (${field} !== undefined && !(${this.#test(inner, field)})) return false;`;
    });
    const required = tests.length - optional.length;
    return `if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  ${tests.join("\n  ")}
  let more = -${required};
  for (const key in value) more++;
  return more === ${["0", ...optional.map((field) => `(${field} === undefined ? 0 : 1)`)].join(" + ")};`;
  }

  /** The source of a test of what a variable holds. */
  #test(schema: core.$ZodType, value: string): string {
    if (schema instanceof core.$ZodNullable)
      return `${value} === null || ${this.#test(schema._zod.def.innerType, value)}`;
    if (schema instanceof core.$ZodOptional || schema instanceof core.$ZodDefault)
      return this.#test(schema._zod.def.innerType, value);
    const isKind = schema instanceof core.$ZodDiscriminatedUnion;
    if (schema instanceof core.$ZodUnion && !isKind)
      return schema._zod.def.options.map((option) => this.#test(option, value)).join(" || ");
    const made =
      schema instanceof core.$ZodObject ||
      schema instanceof core.$ZodArray ||
      schema instanceof core.$ZodRecord;
    return made || isKind ? `${this.#nameOf(schema)}(${value})` : this.#leafTest(schema, value);
  }

  /** What it does not know is asked of zod. */
  #leafTest(schema: core.$ZodType, value: string): string {
    if (schema instanceof core.$ZodBoolean) return `${value} === true || ${value} === false`;
    if (schema instanceof core.$ZodEnum || schema instanceof core.$ZodLiteral) {
      const values: readonly unknown[] = [...schema._zod.values];
      const few =
        values.length <= 4 && values.every((each) => typeof each === "string" || typeof each === "boolean");
      if (few) return values.map((each) => `${value} === ${JSON.stringify(each)}`).join(" || ");
      return `${this.#constant(new Set(values))}.has(${value})`;
    }
    if (schema instanceof core.$ZodString && !(schema instanceof core.$ZodStringFormat)) {
      const tests = (schema._zod.def.checks ?? []).map((check) => this.#textTest(check, value));
      if (!tests.includes(null)) return `(${[`typeof ${value} === "string"`, ...tests].join(" && ")})`;
    }
    const tests = schema instanceof core.$ZodNumber ? numberTests(schema) : null;
    if (tests !== null) return `(${tests.map((test) => test(value)).join(" && ")})`;
    if (schema instanceof core.$ZodString || schema instanceof core.$ZodNumber)
      return `${this.#constant((data: unknown) => core.safeParse(schema, data).success)}(${value})`;
    throw new Error(`a state has no ${schema._zod.def.type}: fit-code.ts does not know it`);
  }

  /** Null for a check that it does not know. */
  #textTest(check: core.$ZodCheck<never>, value: string): string | null {
    if (check instanceof core.$ZodCheckRegex) {
      const { pattern } = check._zod.def;
      // One that remembers where it was gives another answer each time.
      return pattern.global || pattern.sticky ? null : `${this.#constant(pattern)}.test(${value})`;
    }
    return check instanceof core.$ZodCustom
      ? `${this.#constant(check._zod.def.fn)}(${value}) === true`
      : null;
  }

  #constant(value: unknown): string {
    const known = this.#constants.indexOf(value);
    return `constants[${known < 0 ? this.#constants.push(value) - 1 : known}]`;
  }
}

/** The most entries that a list may have. */
export function mostEntries(schema: core.$ZodArray): number {
  const bounds = (schema._zod.def.checks ?? []).map((check) => {
    if (check instanceof core.$ZodCheckMaxLength) return check._zod.def.maximum;
    throw new Error("fit-code.ts knows no check of a list but its greatest length");
  });
  return Math.min(...bounds);
}

/** What numbers have to be for a schema; null where it has a check that is not known here. */
function numberTests(schema: core.$ZodNumber): readonly ((value: string) => string)[] | null {
  const whole = schema instanceof core.$ZodNumberFormat;
  if (whole && schema._zod.def.format !== "safeint") return null;
  const bounds = (schema._zod.def.checks ?? []).map((check) => {
    const bound = check instanceof core.$ZodCheckGreaterThan || check instanceof core.$ZodCheckLessThan;
    if (!bound || !check._zod.def.inclusive) return null;
    const sign = check instanceof core.$ZodCheckGreaterThan ? ">=" : "<=";
    return (value: string) => `${value} ${sign} ${Number(check._zod.def.value)}`;
  });
  const known = bounds.filter((bound) => bound !== null);
  if (known.length < bounds.length) return null;
  return [(value) => `Number.${whole ? "isSafeInteger" : "isFinite"}(${value})`, ...known];
}

/** What was generated has the type that its source says. */
function isMaker(made: unknown): made is (constants: readonly unknown[]) => Readonly<Record<string, Fits>> {
  return typeof made === "function";
}
