/** One tag, expression or comment of Jinja in a text. */
interface Construct {
  readonly start: number;
  readonly end: number;
  /** The first word of a tag: `for`, `endif`, `raw`; empty for an expression or a comment. */
  readonly word: string;
}

/** Where a text is Jinja's: Kolla's and Kayobe's configuration files are templates. */
export interface Jinja {
  /**
   * Whether a line is nothing but Jinja, or lies inside of it, so that it is no line of the file that is
   * made.
   */
  readonly hidden: (start: number, end: number) => boolean;
  /** Whether something is Jinja's within these offsets. */
  readonly touches: (start: number, end: number) => boolean;
  /** Whether an offset lies inside of a construct that began before it. */
  readonly within: (offset: number) => boolean;
  /** How many conditions, loops and the like an offset stands in. */
  readonly depth: (offset: number) => number;
  /** Whether an offset stands in `{% raw %}`, where expressions are left as they are. */
  readonly raw: (offset: number) => boolean;
}

const opening = new Set(["for", "if", "macro", "call", "filter", "block", "with", "autoescape"]);

/** A text that is no template. */
export const noJinja: Jinja = {
  hidden: () => false,
  touches: () => false,
  within: () => false,
  depth: () => 0,
  raw: () => false,
};

/**
 * Finds the Jinja of a template. What stands in `{% raw %}` counts too: Kayobe's first pass leaves it to
 * Kolla's. Source: Jinja's documentation, Template Designer Documentation, List of Control Structures.
 */
export function findJinja(text: string): Jinja {
  const constructs: Construct[] = [];
  for (const match of text.matchAll(/\{#[\s\S]*?#\}|\{%[\s\S]*?%\}|\{\{[\s\S]*?\}\}/g)) {
    const word = /^\{%[-+]?\s*(\w+)/.exec(match[0])?.[1] ?? "";
    constructs.push({ start: match.index, end: match.index + match[0].length, word });
  }
  if (constructs.length === 0) return noJinja;
  // They stand in the text's order and do not overlap.
  const firstAfter = (offset: number) => {
    let [low, high] = [0, constructs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((constructs[middle]?.end ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const touching = (start: number, end: number) => {
    const found: Construct[] = [];
    for (let index = firstAfter(start); (constructs[index]?.start ?? end) < end; index++)
      found.push(...constructs.slice(index, index + 1));
    return found;
  };
  const depths = [0];
  for (const { word } of constructs) {
    const step = opening.has(word) ? 1 : isClosing(word) ? -1 : 0;
    depths.push(Math.max(0, (depths.at(-1) ?? 0) + step));
  }
  return {
    hidden: (start, end) => {
      const found = touching(start, end);
      let rest = text.slice(start, end);
      for (const one of found.toReversed())
        rest = rest.slice(0, Math.max(one.start - start, 0)) + rest.slice(one.end - start);
      return found.length > 0 && rest.trim() === "";
    },
    touches: (start, end) => touching(start, end).length > 0,
    within: (offset) => (constructs[firstAfter(offset)]?.start ?? offset) < offset,
    depth: (offset) => depths[firstAfter(offset)] ?? 0,
    raw: (offset) =>
      constructs.findLast(({ word, end }) => end <= offset && /^(?:end)?raw$/.test(word))?.word === "raw",
  };
}

function isClosing(word: string): boolean {
  return word.startsWith("end") && opening.has(word.slice(3));
}
