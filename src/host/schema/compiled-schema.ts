import * as core from "zod/v4/core";
import { type Fits, FitTests, mostEntries } from "./fit-code.ts";
import { type Problem, Problems, type Read, wrong } from "./read-problems.ts";
import { stateLimits } from "./state-limits.ts";

/**
 * What a schema makes of data: the data with its defaults, and whether it needed any; or what is wrong with
 * it, the first so many of it.
 */
export type Checked<T> =
  | { readonly data: T; readonly filled: boolean }
  | { readonly problems: readonly string[] };

/**
 * Makes a function of a schema that reads what JSON.parse returned, as the schema does, in a tenth of the
 * time: thousands of states are read in a row. What is right as it is passes a generated test (fit-code.ts);
 * only for what does not is it worked out what is wrong with it, or missing. It may change the data in its
 * place, and stops when it has found enough that is wrong, whereas zod makes an object of each thing, however
 * many there are.
 *
 * It knows what states are made of, and throws for a schema with anything else in it.
 */
export function compiled<T extends core.$ZodType>(
  schema: T,
  most: number,
): (data: unknown) => Checked<core.infer<T>> {
  const readers = new Readers();
  const fits = readers.test(schema);
  let read: Read | undefined;
  return (data) => {
    if (fits(data) && isA<core.infer<T>>(data)) return { data, filled: false };
    // Most programs never need it.
    read ??= readers.of(schema);
    const problems = new Problems(most);
    const value = read(data, problems);
    if (value !== wrong && isA<core.infer<T>>(value)) return { data: value, filled: problems.filled };
    return { problems: problems.found.map(({ path, message }) => textOf(path.reverse(), message)) };
  };
}

/** What a reader has returned is what its schema describes. */
function isA<T>(_: unknown): _ is T {
  return true;
}

function textOf(path: readonly PropertyKey[], message: string): string {
  return path.length === 0 ? `✖ ${message}` : `✖ ${message}\n  → at ${core.toDotPath(path)}`;
}

/** One key of an object. */
interface Field {
  readonly key: string;
  readonly read: Read;
  /** Whether it may be missing; then `initial` makes its value, where it has one. */
  readonly optional: boolean;
  readonly initial: (() => unknown) | null;
}

class Readers {
  readonly #tests = new FitTests();

  /** Whether data is right as it is. */
  test(schema: core.$ZodType): Fits {
    return this.#tests.of(schema);
  }

  /** Reads what a schema takes: what is right as it is stays as it is. */
  of(schema: core.$ZodType): Read {
    const fits = this.test(schema);
    const read = this.#reader(schema);
    return (value, problems) => (fits(value) ? value : read(value, problems));
  }

  #reader(schema: core.$ZodType): Read {
    if (schema instanceof core.$ZodObject) return this.#object(schema);
    if (schema instanceof core.$ZodArray)
      return listReader(this.of(schema._zod.def.element), mostEntries(schema));
    if (schema instanceof core.$ZodRecord) return recordReader(this.of(schema._zod.def.valueType));
    if (schema instanceof core.$ZodDiscriminatedUnion) return this.#kind(schema);
    if (schema instanceof core.$ZodUnion)
      return unionReader(schema._zod.def.options.map((option) => this.of(option)));
    if (
      schema instanceof core.$ZodNullable ||
      schema instanceof core.$ZodOptional ||
      schema instanceof core.$ZodDefault
    )
      return this.#reader(schema._zod.def.innerType);
    return (value, problems) => problems.add(messageOf(schema, value));
  }

  #object(schema: core.$ZodObject): Read {
    const fields = Object.entries(schema._zod.def.shape).map(([key, inner]): Field => {
      const initial = inner instanceof core.$ZodDefault ? () => inner._zod.def.defaultValue : null;
      return {
        key,
        read: this.of(inner),
        optional: initial !== null || inner instanceof core.$ZodOptional,
        initial,
      };
    });
    const keys = new Set(fields.map(({ key }) => key));
    return (value, problems) => {
      if (!isObject(value)) return problems.add(messageOf(schema, value));
      const object = ordered(value, fields, keys, problems);
      if (object === wrong) return wrong;
      let fine = true;
      for (const { key, read } of fields) {
        if (object[key] === undefined) continue;
        const since = problems.found.length;
        const after = read(object[key], problems);
        if (after !== wrong) object[key] = after;
        else {
          problems.within(key, since);
          if (problems.enough) return wrong;
          fine = false;
        }
      }
      return fine ? object : wrong;
    };
  }

  /** The branches are told apart by one key. */
  #kind(schema: core.$ZodDiscriminatedUnion): Read {
    const { discriminator, options } = schema._zod.def;
    const readers = new Map<unknown, Read>();
    for (const option of options) {
      const read = this.of(option);
      for (const value of option._zod.propValues?.[discriminator] ?? []) readers.set(value, read);
    }
    return (value, problems) => {
      const read = isObject(value) ? readers.get(value[discriminator]) : undefined;
      return read === undefined
        ? problems.add(`Invalid input: no ${discriminator} that is known`)
        : read(value, problems);
    };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Zod's own words. */
function messageOf(schema: core.$ZodType, value: unknown): string {
  return core.safeParse(schema, value).error?.issues[0]?.message ?? "Invalid input";
}

/** The same object with what is missing filled in. */
function ordered(
  object: Readonly<Record<string, unknown>>,
  fields: readonly Field[],
  keys: ReadonlySet<string>,
  problems: Problems,
): Record<string, unknown> | typeof wrong {
  const unknown = Object.keys(object).filter((key) => !keys.has(key));
  if (unknown.length > 0) {
    const [first = "", more] = [unknown[0]?.slice(0, 60), unknown.length - 1];
    return problems.add(
      more === 0
        ? `Unrecognized key: ${JSON.stringify(first)}`
        : `Unrecognized keys: ${JSON.stringify(first)} and ${more} more`,
    );
  }
  const result: Record<string, unknown> = {};
  const since = problems.found.length;
  for (const { key, optional, initial } of fields) {
    if (Object.hasOwn(object, key)) result[key] = object[key];
    else if (initial !== null) {
      result[key] = initial();
      problems.filled = true;
    } else if (!optional) {
      const before = problems.found.length;
      problems.add("it is missing");
      problems.within(key, before);
    }
  }
  return problems.found.length > since || problems.enough ? wrong : result;
}

function listReader(read: Read, most: number): Read {
  return (value, problems) => {
    if (!Array.isArray(value)) return problems.add("Invalid input: expected array");
    if (value.length > most) return problems.add(`it has ${value.length} entries, and ${most} is the limit`);
    let fine = true;
    for (let index = 0; index < value.length; index++) {
      const before: unknown = value[index];
      const since = problems.found.length;
      const after = read(before, problems);
      if (after === wrong) {
        fine = false;
        problems.within(index, since);
        if (problems.enough) return wrong;
      } else if (after !== before) value[index] = after;
    }
    return fine ? value : wrong;
  };
}

function recordReader(read: Read): Read {
  return (value, problems) => {
    if (!isObject(value)) return problems.add("Invalid input: expected record");
    const keys = Object.keys(value);
    if (keys.length > stateLimits.keys) return problems.add(`it has more than ${stateLimits.keys} keys`);
    let fine = true;
    for (const key of keys) {
      const since = problems.found.length;
      const after = key === "__proto__" ? problems.add("it is no name") : read(value[key], problems);
      if (after === wrong) {
        fine = false;
        problems.within(key.slice(0, 60), since);
        if (problems.enough) return wrong;
      } else value[key] = after;
    }
    return fine ? value : wrong;
  };
}

/**
 * The first branch that fits; where none does, what is wrong for the one that fits best: an unknown where
 * there is nothing else.
 */
function unionReader(readers: readonly Read[]): Read {
  return (value, problems) => {
    const since = problems.found.length;
    let best: readonly Problem[] = [];
    for (const [index, read] of readers.entries()) {
      const result = read(value, problems);
      if (result !== wrong) return result;
      const found = problems.found.splice(since);
      if (index === 0 || (index === readers.length - 1 && isObject(value) && "unknown" in value))
        best = found;
    }
    problems.found.push(...best);
    return wrong;
  };
}
