import { anyOf } from "../../host/any-of.ts";

/** Values that nobody needs to see to judge a change: what is shown instead of them. */
const hidden = "(hidden)";

/** Names of options and variables whose values are secrets, wherever such a word stands in them. */
const secretWord = anyOf(
  /pass(?:word|wd|phrase|code)|(?:^|[^a-z])pass(?![a-z])/i,
  /secret|token|credential|cookie|fernet|community|psk(?![a-z])/i,
  /(?:private|api|access|auth|encryption)_?key/i,
  /transport_url|(?:^|_)connection$/i,
);

/**
 * `name = value`, `name: value`, `- name: value`, also within quotes or commented out; the value may be empty
 * and follow below.
 */
const assignment = /^(\s*(?:[#;]\s*)?(?:-\s+)?["']?)([\w.$-][\w.$ -]*?)(["']?\s*[:=]\s*)(.*)$/;

/** User and password in a URL: https://user:password@host. Source: RFC 3986, 3.2.1. */
const userInfo = /([a-z][a-z0-9+.-]*:\/\/[^\s/:@"']*:)[^\s/@"']+(?=@)/gi;

/** A pair in a line of its own kind: {password: x}, --password x, password=x, "token": "x". */
const inlineWord = /pass(?:word|wd|phrase)|secret|token|credential|(?:private|api)_?key/.source;
const inlineValue = /"[^"]*"|'[^']*'|[^\s,;}\]]+/.source;
const inlinePair = new RegExp(
  `(["']?[\\w-]*(?:${inlineWord})[\\w-]*["']?\\s*(?:[:=]\\s*|\\s+))(?:${inlineValue})`,
  "gi",
);

/**
 * The lines of a configuration file (INI, YAML) as they may be shown: the values of secrets are hidden, also
 * those that go on in the lines below. There are as many lines as before.
 */
export function withoutSecrets(lines: readonly string[]): string[] {
  /** How far the name of a secret is indented whose value goes on below; null outside of one. */
  let within: number | null = null;
  return lines.map((line) => {
    const indent = /^\s*/.exec(line)?.[0].length ?? 0;
    if (within !== null && line.trim() === "") return line;
    if (within !== null && indent > within) return `${line.slice(0, indent)}${hidden}`;
    // A list may stand as far to the left as its name.
    if (within !== null && indent === within && /^\s*- /.test(line))
      return `${line.slice(0, indent)}- ${hidden}`;
    within = null;
    const found = assignment.exec(line);
    const [, before = "", name = "", between = "", value = ""] = found ?? [];
    if (found === null || !secretWord.test(name))
      return line.replace(userInfo, `$1${hidden}`).replace(inlinePair, `$1${hidden}`);
    // Behind `- `, the other keys of an item stand as far in as this one.
    within = before.replace(/["']$/, "").length;
    // What is not there, or is only looked up elsewhere, is no secret: nothing, a block below, a template's
    // variable.
    const shows =
      value.trim() === "" ||
      /^["']?\{\{[^{}"']*\}\}["']?$/.test(value.trim()) ||
      /^[|>][+-]?\d*$/.test(value.trim());
    return `${before}${name}${between}${shows ? value : hidden}`;
  });
}
