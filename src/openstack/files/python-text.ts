/**
 * What Python calls white space in a `str`. Source: CPython Objects/unicodetype_db.h; JavaScript has U+FEFF
 * more, and U+001C to 1F and U+0085 less.
 */
const blank = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const leading = new RegExp(`^[${blank}]+`);
const last = new RegExp(`[${blank}]$`);

/** As Python's `str.strip()`. */
export function strip(text: string): string {
  return stripEnd(stripStart(text));
}

/** As Python's `str.lstrip()`. */
export function stripStart(text: string): string {
  return text.replace(leading, "");
}

/** As Python's `str.rstrip()`. */
export function stripEnd(text: string): string {
  // A pattern for all of them at once would be tried at every blank of the text.
  let end = text.length;
  while (end > 0 && last.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/**
 * As Python's `int(text, 16)`: blanks around it, a sign, `0x` and single underscores are taken. Digits of
 * other scripts, which Python takes too, are not.
 * @returns `null` where Python raises ValueError
 */
export function parseHex(text: string): number | null {
  const match = /^([+-]?)(?:0[xX]_?)?([0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)$/.exec(strip(text));
  if (match?.[2] === undefined) return null;
  const value = Number.parseInt(match[2].replaceAll("_", ""), 16);
  return match[1] === "-" ? -value : value;
}

/** As Python's `"%0<width>x" % value`. */
export function formatHex(value: number, width: number): string {
  return value < 0
    ? `-${(-value).toString(16).padStart(width - 1, "0")}`
    : value.toString(16).padStart(width, "0");
}
