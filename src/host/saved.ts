import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import type { Action } from "./actions/action.ts";
import { ActionError, type Host } from "./host.ts";
import { readBounded } from "./linux/system/bounded-file.ts";
import { writeWhole } from "./linux/system/files.ts";
import { compiled } from "./schema/compiled-schema.ts";
import { excessOfJson, stateLimits } from "./schema/state-limits.ts";
import { SimulatedHost } from "./simulated/host.ts";
import { World } from "./simulated/world.ts";
import type { Attempt } from "./state/attempts.ts";
import { HostState } from "./state/state.ts";

/** A host in a file: a simulated one that can be acted on, or a saved state that can only be looked at. */
export type SavedHost =
  | { readonly kind: "simulated"; readonly host: Host; readonly world: World }
  | { readonly kind: "state"; readonly host: Host; readonly state: HostState };

/** A file that is not what it should be: the message names the file, what is wrong, and what to do. */
export class SavedHostError extends Error {
  override readonly name = "SavedHostError";
}

/**
 * Opens a simulated host or a saved state. Every action on a simulated host is in the file before it counts
 * as done.
 */
export function openSavedHost(file: string): SavedHost {
  const data = readJson(file);
  const schema = typeof data === "object" && data !== null && "schema" in data ? data.schema : undefined;
  if (schema === "vflag/simulated-host/1") {
    const world = parse(World, data, file);
    return { kind: "simulated", host: new FileBackedHost(file, world), world };
  }
  if (schema === "vflag/state/1") {
    const state = stateOf(data, file);
    return { kind: "state", host: new SavedState(file, state), state };
  }
  const seen = schema === undefined ? "no schema" : `schema ${JSON.stringify(schema)}`;
  throw new SavedHostError(
    `${file}: ${seen}: neither a simulated host (\`vflag simulate new\`) nor a saved state (\`vflag ` +
      `inspect -o json\`)`,
  );
}

/** Writes a simulated host to its file, whole. */
export function saveWorld(file: string, world: World): Promise<void> {
  return writeWhole(file, `${JSON.stringify(world, null, 1)}\n`);
}

class FileBackedHost implements Host {
  readonly #file: string;
  readonly #simulated: SimulatedHost;
  /** Writes follow one another, so that the newest world is the one that stays. */
  #saved: Promise<void> = Promise.resolve();

  constructor(file: string, world: World) {
    this.#file = file;
    this.#simulated = new SimulatedHost(world);
  }

  async observe(): Promise<HostState> {
    return { ...(await this.#simulated.observe()), observedAt: new Date().toISOString() };
  }

  async perform(action: Action): Promise<void> {
    try {
      await this.#simulated.perform(action);
    } finally {
      this.#saved = this.#saved.then(() => saveWorld(this.#file, this.#simulated.world));
      await this.#saved;
    }
  }

  async keepAttempt(attempt: Attempt): Promise<void> {
    const before = this.#simulated.world.state.attempts;
    await this.#simulated.keepAttempt(attempt);
    // A run that found nothing to do leaves the file as it was.
    if (isDeepStrictEqual(before, this.#simulated.world.state.attempts)) return;
    await saveWorld(this.#file, this.#simulated.world);
  }
}

class SavedState implements Host {
  readonly #file: string;
  readonly #state: HostState;

  constructor(file: string, state: HostState) {
    this.#file = file;
    this.#state = state;
  }

  async observe(): Promise<HostState> {
    return structuredClone(this.#state);
  }

  async perform(action: Action): Promise<void> {
    throw new ActionError(
      action,
      null,
      `${this.#file} is a saved state, which can only be looked at: \`vflag simulate new --from\` makes a ` +
        `host of it`,
    );
  }
}

function readJson(file: string): unknown {
  let bytes: Buffer;
  try {
    bytes = readBounded(file, stateLimits.bytes);
  } catch (error) {
    throw new SavedHostError(`${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  const excess = excessOfJson(bytes);
  if (excess !== null) throw new SavedHostError(`${file}: ${excess}`);
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw new SavedHostError(
      `${file}: not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

function stateOf(data: unknown, file: string): HostState {
  const checked = compiled(HostState, stateLimits.problems)(data);
  if ("data" in checked) return checked.data;
  throw new SavedHostError(`${file}: not as expected:\n${checked.problems.join("\n")}`);
}

function parse<T extends z.ZodType>(schema: T, data: unknown, file: string): z.infer<T> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new SavedHostError(`${file}: not as expected:\n${z.prettifyError(parsed.error)}`);
}
