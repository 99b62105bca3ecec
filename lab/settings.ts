import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { settingsFile } from "./cards.ts";

/**
 * The cards' firmware settings (mstconfig's) are files beside the guest's disk. A card reads them when it is
 * switched on: a machine that was kept while it ran has cards with the settings of that time.
 */

const files = ([0, 1] as const).map(settingsFile);

/** From one folder to another; a card that has no file yet makes one. */
export async function copySettings(from: string, to: string): Promise<void> {
  for (const [name, content] of await settingsIn(from))
    if (content !== null) await copyFile(join(from, name), join(to, name));
}

/** Whether the cards of both folders are set alike. */
export async function sameSettings(one: string, other: string): Promise<boolean> {
  const [first, second] = [await settingsIn(one), await settingsIn(other)];
  return first.every(([, content], index) => content === second[index]?.[1]);
}

function settingsIn(folder: string): Promise<(readonly [name: string, content: string | null])[]> {
  return Promise.all(
    files.map(
      async (name) => [name, await readFile(join(folder, name), "latin1").catch(() => null)] as const,
    ),
  );
}
