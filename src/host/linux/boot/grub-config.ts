import { type Observed, unknown } from "../../state/observed.ts";
import type { BootEntry } from "../../state/platform.ts";

/**
 * The kernels that a grub.cfg of Debian's update-grub can start, without those for recovery, which leave out
 * much by design. Only what /etc/grub.d/10_linux wrote counts, where it is marked: other systems and entries
 * made by hand have their own arguments. Source: GRUB manual, "Writing your own configuration file"; Debian's
 * /etc/grub.d/10_linux, linux_entry(); util/grub-mkconfig.in.
 */
export function parseGrubConfig(text: string): Observed<BootEntry[]> {
  const found: { readonly own: boolean; readonly entry: BootEntry }[] = [];
  let section = "";
  let menu: readonly string[] = [];
  for (const line of text.replaceAll("\\\n", " ").split("\n")) {
    section = /^### BEGIN (\S+) ###/.exec(line)?.[1] ?? section;
    const command = /^\s*(menuentry|linux(?:16|efi)?)\s+(.*)$/.exec(line);
    if (command === null) continue;
    const words = splitWords(command[2] ?? "");
    if (words === null) return unknown(`grub.cfg: not understood: ${line.trim()}`);
    if (command[1] === "menuentry") menu = words;
    else if (!menu.some((word) => /^gnulinux-.*-recovery-/.test(word))) {
      const [kernel = "", ...rest] = words;
      const own = /\/10_linux[^/]*$/.test(section);
      found.push({ own, entry: { title: menu[0] ?? kernel, arguments: rest } });
    }
  }
  const own = found.filter((one) => one.own);
  const entries = (own.length > 0 ? own : found).map(({ entry }) => entry);
  return entries.length > 0 ? entries : unknown("grub.cfg starts no kernel");
}

/**
 * Words as GRUB's language has them, variables left as they are; null where a quote is not closed. Source:
 * GRUB manual, "Quoting".
 */
function splitWords(text: string): string[] | null {
  const words: string[] = [];
  const token = /\s*(?:([{};#].*)|((?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\{};#]|(?<=\S)[{}#])+))/gy;
  const end = text.trimEnd().length;
  while (token.lastIndex < end) {
    const match = token.exec(text);
    if (match === null) return null;
    // A block begins, the command ends, or the rest is a comment.
    if (match[1] !== undefined) break;
    words.push(
      (match[2] ?? "").replace(
        /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g,
        (_, single, double, escaped) => single ?? double?.replace(/\\([$"\\])/g, "$1") ?? escaped,
      ),
    );
  }
  return words;
}
