/** What of two texts is the same, from their beginnings on, and up to their ends: bytes. */
export interface Alike {
  readonly start: number;
  readonly end: number;
}

/** @example alike("one state of a host", "one state of that host") // start 13, end 5 */
export function alike(one: Buffer, other: Buffer): Alike {
  const most = Math.min(one.length, other.length);
  const start = longest(most, (from, to) => one.compare(other, from, to, from, to) === 0);
  const end = longest(most - start, (from, to) => {
    const [last, otherLast] = [one.length - from, other.length - from];
    return one.compare(other, otherLast - (to - from), otherLast, last - (to - from), last) === 0;
  });
  return { start, end };
}

/** How far two texts are the same, at most so far. @param same whether they are between two places */
function longest(most: number, same: (from: number, to: number) => boolean): number {
  let [known, bound] = [0, most + 1];
  while (bound - known > 1) {
    const middle = (known + bound) >>> 1;
    if (same(known, middle)) known = middle;
    else bound = middle;
  }
  return known;
}
