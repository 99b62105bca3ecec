/**
 * Regular expressions as Python's `re` reads them, as far as people write them for PCI addresses.
 * Source: CPython Lib/re/_parser.py.
 *
 * - a RegExp that matches at the beginning of a text, as `re.match` does
 * - `refused`: Python raises re.error
 * - `unknown`: Python may take it, and it is not read here
 */
export type PythonRegex = RegExp | { readonly refused: string } | { readonly unknown: string };

class Refused extends Error {}
class Unread extends Error {}

/** Reads a pattern. */
export function pythonRegex(pattern: string): PythonRegex {
  try {
    return new RegExp(`^(?:${new Reader(pattern).whole()})`, "s");
  } catch (error) {
    if (error instanceof Refused) return { refused: error.message };
    if (error instanceof Unread) return { unknown: error.message };
    throw error;
  }
}

/** Reads a pattern from left to right, and writes JavaScript's for it. */
class Reader {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  whole(): string {
    const text = this.#alternatives();
    if (this.#at < this.#pattern.length) throw new Refused("unbalanced parenthesis");
    return text;
  }

  #alternatives(): string {
    let text = this.#sequence();
    while (this.#take("|")) text += `|${this.#sequence()}`;
    return text;
  }

  #sequence(): string {
    let text = "";
    while (this.#at < this.#pattern.length && !/[|)]/.test(this.#next())) text += this.#repeated();
    return text;
  }

  #repeated(): string {
    const first = this.#quantifier();
    if (first !== null) throw new Refused("nothing to repeat");
    const anchor = /[\^$]/.test(this.#next()) || /^\\[AZbB]/.test(this.#pattern.slice(this.#at));
    const item = this.#item();
    const quantifier = this.#quantifier();
    if (quantifier === null) return item;
    if (anchor) throw new Refused("nothing to repeat");
    if (this.#next() === "+") throw new Unread("a possessive quantifier");
    const lazy = this.#take("?") ? "?" : "";
    if (this.#quantifier() !== null) throw new Refused("multiple repeat");
    return item + quantifier + lazy;
  }

  /** A quantifier without what makes it lazy; `null` where there is none: `{x}` is just these characters. */
  #quantifier(): string | null {
    if (/[*+?]/.test(this.#next())) return this.#advance(1);
    const match = /^\{(\d*)(?:(,)(\d*))?\}/.exec(this.#pattern.slice(this.#at));
    if (match === null || match[0] === "{}") return null;
    const [all, least = "", comma, most = ""] = match;
    if (most !== "" && Number(least) > Number(most)) throw new Refused("min repeat greater than max repeat");
    if (Number(least) > 65535 || Number(most) > 65535) throw new Unread("a very long repeat");
    this.#advance(all.length);
    return comma === undefined ? `{${least}}` : `{${least === "" ? 0 : least},${most}}`;
  }

  #item(): string {
    const character = this.#advance(1);
    if (character === "(") return this.#group();
    if (character === "[") return this.#set();
    if (character === "\\") return this.#escape();
    // Python's dot is any character but a line feed, and its dollar is also before a last one: an address has
    // none.
    if (/[.^$]/.test(character)) return character === "." ? "[^\\n]" : character;
    return literal(character);
  }

  #group(): string {
    if (this.#take("?") && !this.#take(":")) {
      if (/[P#=!<(>aiLmsux-]/.test(this.#next()))
        throw new Unread(`a group that begins with (?${this.#next()}`);
      throw new Refused(`unknown extension ?${this.#next()}`);
    }
    const inner = this.#alternatives();
    if (!this.#take(")")) throw new Refused("missing ), unterminated subpattern");
    return `(?:${inner})`;
  }

  #escape(): string {
    if (this.#at >= this.#pattern.length) throw new Refused("bad escape (end of pattern)");
    const character = this.#advance(1);
    if (/[dDwWsSbB]/.test(character)) return `\\${character}`;
    if (character === "A") return "^";
    if (character === "Z") return "$";
    return this.#escaped(character);
  }

  #escaped(character: string): string {
    if (/[0-9aftnrvxuUN]/.test(character)) throw new Unread(`the escape \\${character}`);
    if (/[a-zA-Z]/.test(character)) throw new Refused(`bad escape \\${character}`);
    return literal(character);
  }

  #set(): string {
    const negated = this.#take("^") ? "^" : "";
    let members = "";
    for (let first = true; first || this.#next() !== "]"; first = false) {
      if (this.#at >= this.#pattern.length) throw new Refused("unterminated character set");
      const low = this.#member();
      const range = this.#next() === "-" && this.#pattern.charAt(this.#at + 1) !== "]";
      if (!range) {
        members += low.text;
        continue;
      }
      this.#advance(1);
      if (this.#at >= this.#pattern.length) throw new Refused("unterminated character set");
      const high = this.#member();
      if (low.code === null || high.code === null || low.code > high.code)
        throw new Refused("bad character range");
      members += `${low.text}-${high.text}`;
    }
    this.#advance(1);
    return `[${negated}${members}]`;
  }

  #member(): { text: string; code: number | null } {
    const character = this.#advance(1);
    if (character !== "\\") return { text: literal(character), code: character.charCodeAt(0) };
    if (this.#at >= this.#pattern.length) throw new Refused("unterminated character set");
    const escaped = this.#advance(1);
    if (/[dDwWsS]/.test(escaped)) return { text: `\\${escaped}`, code: null };
    if (escaped === "b") return { text: "\\x08", code: 8 };
    return { text: this.#escaped(escaped), code: escaped.charCodeAt(0) };
  }

  #next(): string {
    return this.#pattern.charAt(this.#at);
  }

  #take(character: string): boolean {
    if (this.#next() !== character) return false;
    this.#at++;
    return true;
  }

  #advance(count: number): string {
    const text = this.#pattern.slice(this.#at, this.#at + count);
    this.#at += count;
    return text;
  }
}

function literal(character: string): string {
  return /[\w\s]/.test(character) ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
