import type { HostState } from "../../host/state/state.ts";
import { loadSpec, SpecError } from "../../spec/load.ts";
import type { Spec } from "../../spec/schema.ts";
import { type Outcome, outcomeOf } from "../answers/outcome.ts";
import { hashOf } from "../history/hash.ts";
import { valuesWithoutGuests } from "./quiet.ts";
import type { Report, SpecText } from "./report.ts";
import { ownBytes } from "./told.ts";

/** A report as the database keeps it: all that is worked out of it is in it. */
export interface Prepared {
  readonly host: string;
  /** When it was observed, by the host's own clock, in ms since 1970. */
  readonly clock: number;
  /** The state without its time, as JSON; these bytes share their memory with no others. */
  readonly text: Uint8Array;
  readonly hash: Uint8Array;
  /** Hosts of one kind have the same. */
  readonly likeness: string;
  readonly spec: SpecText | null;
  readonly judged: Judged;
}

/** The verdict on a state, as JSON. */
export interface Judged {
  readonly outcome: string;
  /**
   * Two observations with the same one have nothing to tell beside what always moves: guests, counters, and
   * lines of logs.
   */
  readonly digest: Uint8Array;
}

type Timeless = Omit<HostState, "observedAt">;

export function prepared({ host, state, timeless: told, spec }: Report): Prepared {
  const { observedAt, ...timeless } = state;
  const text = told ?? ownBytes(JSON.stringify(timeless));
  return {
    host,
    clock: Date.parse(observedAt),
    text,
    hash: hashOf(text),
    likeness: likenessOf(state),
    spec,
    judged: judgedOf(state, spec, host),
  };
}

export function judgedOf(state: HostState, spec: SpecText | null, host: string): Judged {
  const outcome = outcomeOf(specOf(spec, host), state);
  const { observedAt: _, ...timeless } = state;
  return { outcome: JSON.stringify(outcome), digest: digestOf(timeless, outcome, spec) };
}

/** A state on which there can be no verdict. */
export function notJudged(problem: string, state: Uint8Array): Judged {
  const outcome: Outcome = { nics: [], problem, clean: false, reboot: false };
  return { outcome: JSON.stringify(outcome), digest: hashOf(state) };
}

/** A spec by its text, or why there is none: many hosts have the same. */
export function specOf(spec: SpecText | null, host: string): Spec | { readonly problem: string } {
  if (spec === null) return { problem: "no spec was found" };
  const known = specs.get(spec.text);
  if (known !== undefined) return known;
  const loaded = readSpecText(spec, host);
  if (specs.size > 1000) specs.clear();
  // What is wrong with one names its file, which is each host's own.
  if (!("problem" in loaded)) specs.set(spec.text, loaded);
  return loaded;
}

const specs = new Map<string, Spec>();

function readSpecText({ text, file }: SpecText, host: string): Spec | { readonly problem: string } {
  try {
    return loadSpec(text, file === "" ? host : file);
  } catch (error) {
    if (error instanceof SpecError) return { problem: `its spec is wrong: ${error.message}` };
    throw error;
  }
}

function digestOf(timeless: Timeless, { nics, problem }: Outcome, spec: SpecText | null): Buffer {
  const answers = nics.map(({ nic, answer, causes }) => [
    nic,
    answer,
    causes.map(({ requirement, severity }) => [requirement, severity]),
  ]);
  return hashOf(JSON.stringify([valuesWithoutGuests(timeless), answers, problem, spec?.text ?? null]));
}

/** Hosts of one kind have the same cards with as many VFs: their states are alike. */
function likenessOf({ pfs }: HostState): string {
  const words = pfs.map(({ vendor, product, vfs }) => `${vendor}:${product}/${vfs.length}`).join(" ");
  // It is a key of a table: of a host with thousands of ports there is none like it.
  return words.length <= 1000 ? words : hashOf(words).toString("hex");
}
