import { watch } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { HostEvent, Part, WatchableHost } from "./events.ts";
import { openSavedHost, SavedHostError } from "./saved.ts";
import type { HostState } from "./state/state.ts";

/**
 * A simulated host that is watched: its file is its events, so what `vflag simulate` does to it in another
 * terminal is seen. Throws SavedHostError: a saved state never changes.
 */
export function watchSavedHost(file: string): WatchableHost {
  if (openSavedHost(file).kind === "state") {
    throw new SavedHostError(
      `${file} is a saved state, which never changes: nothing can be watched there.\n` +
        `Make a simulated host of it: vflag simulate new HOST.json --from ${file}`,
    );
  }
  return new WatchedFile(file);
}

class WatchedFile implements WatchableHost {
  readonly #file: string;

  constructor(file: string) {
    this.#file = resolve(file);
  }

  async look(_parts: ReadonlySet<Part>, _before?: HostState): Promise<HostState> {
    return openSavedHost(this.#file).host.observe();
  }

  /** Its folder is watched: the file is replaced as a whole whenever it changes. */
  listen(hear: (event: HostEvent) => void): Disposable {
    const watcher = watch(dirname(this.#file), (_event, name) => {
      if (name === null || name === basename(this.#file)) hear({ parts: ["everything"] });
    });
    return { [Symbol.dispose]: () => watcher.close() };
  }
}
