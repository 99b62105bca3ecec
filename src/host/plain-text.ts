/**
 * What draws on a terminal instead of standing there: control characters (C0, C1, so every escape sequence),
 * format characters (changes of direction, zero width), what a font need not show at all, line and paragraph
 * separators, halves of characters, and noncharacters. Source: Unicode Standard Annex 44, properties
 * General_Category, Default_Ignorable_Code_Point and Noncharacter_Code_Point.
 */
export const drawing =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/gu;

/** Such a character as its code in braces. */
export function inBraces(character: string): string {
  return `{${character.codePointAt(0)?.toString(16)}}`;
}

/**
 * The same as JSON, and YAML between double quotes, have it: \uXXXX, and two of them outside the Basic
 * Multilingual Plane.
 */
export function inEscapes(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
  ).join("");
}

/**
 * The one filter for a value that somebody else wrote, on its way into any text for people: on one line and
 * harmless on a terminal. Line feeds become blanks, other characters that draw their code in braces.
 */
export function plainText(text: string): string {
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(text)) return text;
  return text
    .split(/[\r\n]/)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" ")
    .replaceAll("\t", " ")
    .trim()
    .replace(drawing, inBraces);
}

/**
 * A copy of plain data in which every text, keys too, went through `plainText`. What is one object in it
 * stays one object in the copy.
 *
 * @example
 * const { state, verdicts } = inPlainText(seen);
 */
export function inPlainText<T>(data: T): T {
  const copy = { data: structuredClone(data) };
  clean(copy, new Set());
  return copy.data;
}

function clean(holder: object, seen: Set<object>): void {
  if (seen.has(holder)) return;
  seen.add(holder);
  if (holder instanceof Map) return cleanMap(holder, seen);
  for (const [key, value] of Object.entries(holder)) {
    const name = Array.isArray(holder) ? key : plainText(key);
    if (name !== key) Reflect.deleteProperty(holder, key);
    if (name !== key || typeof value === "string")
      Reflect.set(holder, name, typeof value === "string" ? plainText(value) : value);
    if (typeof value === "object" && value !== null) clean(value, seen);
  }
}

function cleanMap(map: Map<unknown, unknown>, seen: Set<object>): void {
  const plain = (value: unknown) => (typeof value === "string" ? plainText(value) : value);
  const entries = [...map];
  map.clear();
  for (const [key, value] of entries) {
    map.set(plain(key), plain(value));
    for (const part of [key, value]) if (typeof part === "object" && part !== null) clean(part, seen);
  }
}
