import { readFileSync } from "node:fs";
import * as z from "zod";
import type { Action } from "./action.ts";
import { ActionError, type Host } from "./host.ts";
import { writeWhole } from "./linux/files.ts";
import { SimulatedHost } from "./simulated/host.ts";
import { World } from "./simulated/world.ts";
import { HostState } from "./state.ts";

/** A host in a file: a simulated one that can be acted on, or a saved state that can only be looked at. */
export type SavedHost =
  | { readonly kind: "simulated"; readonly host: Host; readonly world: World }
  | { readonly kind: "state"; readonly host: Host; readonly state: HostState };

/** A file that is not what it should be: the message names the file, what is wrong, and what to do. */
export class SavedHostError extends Error {
  override readonly name = "SavedHostError";
}

/** Opens a simulated host or a saved state. Every action on a simulated host is in the file before it counts as done. */
export function openSavedHost(file: string): SavedHost {
  const data = readJson(file);
  const schema = typeof data === "object" && data !== null && "schema" in data ? data.schema : undefined;
  if (schema === "vflag/simulated-host/1") {
    const world = parse(World, data, file);
    return { kind: "simulated", host: new FileBackedHost(file, world), world };
  }
  if (schema === "vflag/state/1") {
    const state = parse(HostState, data, file);
    return { kind: "state", host: new SavedState(file, state), state };
  }
  const seen = schema === undefined ? "no schema" : `schema ${JSON.stringify(schema)}`;
  throw new SavedHostError(
    `${file}: ${seen}: neither a simulated host (\`vflag simulate new\`) nor a saved state (\`vflag inspect -o json\`)`,
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
      `${this.#file} is a saved state, which can only be looked at: \`vflag simulate new --from\` makes a host of it`,
    );
  }
}

function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new SavedHostError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SavedHostError(`${file}: not valid JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function parse<T extends z.ZodType>(schema: T, data: unknown, file: string): z.infer<T> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new SavedHostError(`${file}: not as expected:\n${z.prettifyError(parsed.error)}`);
}
