import type { History, Known } from "../history/history.ts";
import { ahead, type Reader } from "../reading/reader.ts";
import { notAgain } from "./judge.ts";

/** Maps of so many hosts are packed together: enough to be small, few enough to be opened at once. */
const blockSize = 64;

/** Characters of one host's map: no page is opened for more. A host of 2,000 VFs has a tenth. */
const mostText = 4 * 1024 * 1024;

export interface PackedMaps {
  /** Base64 of deflated JSON, a list of maps in each. */
  readonly blocks: readonly string[];
  /** By host: its block, and its place in it. */
  readonly places: ReadonlyMap<string, readonly [number, number]>;
  /** Why there is none of a host whose state is known. */
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * The map of every host whose state is known, for a page. Never more than one block of them is held as it is.
 */
export async function packedMaps(
  history: History,
  reader: Reader,
  known: readonly Known[],
): Promise<PackedMaps> {
  const { deflateRawSync } = process.getBuiltinModule("node:zlib");
  const blocks: string[] = [];
  const places = new Map<string, readonly [number, number]>();
  const refused = new Map<string, string>();
  let texts: string[] = [];
  const close = () => {
    if (texts.length > 0)
      blocks.push(deflateRawSync(`[${texts.join(",")}]`, { level: 4 }).toString("base64"));
    texts = [];
  };
  const start = notAgain(history, "map", async (observation) => {
    const map = await reader.run({ kind: "map", stored: history.stored(observation) });
    return typeof map === "string" && map.length > mostText
      ? { refused: `its map is too large for a page: ${map.length} characters` }
      : map;
  });
  const observed = known.flatMap(({ observation }) => observation ?? []);
  for await (const [{ host }, map] of ahead(observed, 64, start)) {
    if (typeof map !== "string") {
      refused.set(host, map.refused);
      continue;
    }
    places.set(host, [blocks.length, texts.length]);
    texts.push(map);
    if (texts.length === blockSize) close();
  }
  close();
  return { blocks, places, refused };
}
