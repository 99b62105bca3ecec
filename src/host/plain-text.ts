/**
 * A text from a log or a program, on one line and harmless on a terminal: line feeds become blanks, other control and format
 * characters (escape sequences, changes of direction) their code in braces.
 */
export function plainText(text: string): string {
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(text)) return text;
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" ")
    .replaceAll("\t", " ")
    .trim()
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) => `{${character.codePointAt(0)?.toString(16)}}`);
}
