import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Sources } from "../../house/sources.ts";

/**
 * A new kind of action does not compile until all is said of it: the compiler runs on the sources with one
 * more kind.
 */

const whole = { lane: "host", sight: "nothing", cutsOff: false, seconds: 1 };

/**
 * @param kinds by kind, what the action table says of it; null: nothing @returns the compiler's complaints:
 * file and sentence
 */
function compile(t: TestContext, kinds: Readonly<Record<string, object | null>>): string[] {
  const sources = new Sources(t);
  const union = Object.keys(kinds).map(
    (kind) => `  | { readonly kind: "${kind}"; readonly pf: PciAddress }\n`,
  );
  sources.insert("src/host/actions/action.ts", "export type Action =\n", union.join(""));
  const records = Object.entries(kinds).map(([kind, traits]) =>
    traits === null ? "" : `  "${kind}": ${JSON.stringify(traits)},\n`,
  );
  sources.insert("src/host/actions/action-table.ts", "const table = {\n", records.join(""));
  return sources.compile().flatMap((line) => {
    const [, file, words] = /^src\/(\S+)\(\d+,\d+\): error TS\d+: (.*)$/.exec(line) ?? [];
    return file === undefined ? [] : [`${file}: ${words}`];
  });
}

test("a kind without a handler on a host, a command, a record, a lane, a safety class or a duration does not compile", (t) => {
  const partial = Object.keys(whole).map(
    (trait) => [`no-${trait}`, { ...whole, [trait]: undefined }] as const,
  );
  const looked = { ...whole, sight: "port" };
  const complaints = compile(t, { "set-x": null, ...Object.fromEntries(partial), "set-looked": looked });
  const has = (file: string, ...words: readonly string[]) =>
    assert.ok(
      complaints.some((line) => line.startsWith(`${file}: `) && words.every((word) => line.includes(word))),
      `${file}: ${words.join(" ")}\n${complaints.join("\n")}`,
    );
  for (const file of [
    "host/linux/act.ts",
    "host/simulated/host.ts",
    "host/actions/command.ts",
    "host/actions/safety.ts",
  ])
    has(file);
  for (const trait of Object.keys(whole)) has("host/actions/action-table.ts", `'${trait}'`);
  // Of "set-x" it has no record.
  has("host/actions/action-table.ts", "cannot be used to index type");
});
