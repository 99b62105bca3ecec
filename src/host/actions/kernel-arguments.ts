/** The kernel's command line: how it is read, and what may be written into it. */

/**
 * The arguments on a command line, as the kernel splits it: at white space outside double quotes; quotes
 * around a value, or around the whole argument, are taken away. What comes after `--` is for init. Source:
 * linux lib/cmdline.c, next_arg(); kernel/params.c, parse_args().
 */
export function parseKernelArguments(line: string): string[] {
  const words: string[] = [];
  let word = "";
  let quoted = false;
  for (const character of line) {
    if (character === '"') quoted = !quoted;
    if (/\s/.test(character) && !quoted) {
      words.push(word);
      word = "";
    } else word += character;
  }
  const all = [...words, word].filter((text) => text !== "");
  const end = all.indexOf("--");
  return (end === -1 ? all : all.slice(0, end)).map(withoutQuotes);
}

function withoutQuotes(word: string): string {
  if (word.startsWith('"')) return word.slice(1).replace(/"$/, "");
  const at = word.indexOf("=");
  if (at === -1 || word[at + 1] !== '"') return word;
  return `${word.slice(0, at + 1)}${word.slice(at + 2).replace(/"$/, "")}`;
}

/**
 * An argument that vflag writes into a boot loader's configuration: nothing in it has a meaning for a shell,
 * for GRUB's own language or for the kernel's quoting.
 */
export function isPlainArgument(text: string): boolean {
  return text.length <= 256 && /^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:=[A-Za-z0-9_.,:@/+=%-]*)?$/.test(text);
}

/**
 * The name of an argument, as the kernel compares it: `-` and `_` are the same. Source: linux
 * kernel/params.c, parameqn().
 */
export function argumentName(argument: string): string {
  return (argument.split("=", 1)[0] ?? "").replaceAll("-", "_");
}

/** The value of an argument; null for one that is a flag. */
export function argumentValue(argument: string): string | null {
  const at = argument.indexOf("=");
  return at === -1 ? null : argument.slice(at + 1);
}
