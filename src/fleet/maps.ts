import { mapOf } from "../report/map.ts";
import type { History, Known } from "./history.ts";

/** Maps of so many hosts are packed together: enough to be small, few enough to be opened at once. */
const blockSize = 64;

/**
 * The map of every host whose state is known, for a page: base64 of deflated JSON, a list of maps in each block. Never more than one
 * block of them is held as it is.
 */
export function packedMaps(history: History, known: readonly Known[]) {
  const { deflateRawSync } = process.getBuiltinModule("node:zlib");
  const blocks: string[] = [];
  const places = new Map<string, readonly [number, number]>();
  let texts: string[] = [];
  const close = () => {
    if (texts.length > 0) blocks.push(deflateRawSync(`[${texts.join(",")}]`, { level: 4 }).toString("base64"));
    texts = [];
  };
  for (const { host, observation } of known) {
    if (observation === null) continue;
    const spec = history.spec(observation);
    places.set(host, [blocks.length, texts.length]);
    texts.push(JSON.stringify(mapOf("problem" in spec ? null : spec, history.state(observation))));
    if (texts.length === blockSize) close();
  }
  close();
  return { blocks, places };
}
