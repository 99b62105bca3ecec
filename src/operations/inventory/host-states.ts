import { existsSync } from "node:fs";
import { join } from "node:path";
import { openSavedHost, SavedHostError } from "../../host/saved.ts";
import type { HostState } from "../../host/state/state.ts";

/** The state of a host that was saved as HOST.json (`vflag inspect -o json`); null where there is none. */
export async function savedState(
  folder: string,
  host: string,
): Promise<HostState | { readonly problem: string } | null> {
  const file = join(folder, `${host}.json`);
  if (host.includes("/") || !existsSync(file)) return null;
  try {
    return await openSavedHost(file).host.observe();
  } catch (error) {
    if (error instanceof SavedHostError) return { problem: error.message };
    throw error;
  }
}
