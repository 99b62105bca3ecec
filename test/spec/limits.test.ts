import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { stateLimits } from "../../src/host/schema/state-limits.ts";
import { specLimits } from "../../src/spec/limits.ts";
import { loadSpec, SpecError } from "../../src/spec/load.ts";
import { processorTime } from "../support/processor-time.ts";

/** No spec occupies who reads it, whatever is in it. */

/**
 * A thousand times what the slowest of these takes on a quiet machine would be needed for what they took
 * before.
 */
const bearable = 5_000;

function refusal(text: string): SpecError {
  const began = processorTime();
  try {
    loadSpec(text, "f");
  } catch (error) {
    assert.ok(error instanceof SpecError, String(error));
    const taken = processorTime() - began;
    assert.ok(taken < bearable, `${taken.toFixed(0)} ms`);
    assert.ok(error.message.length < 20_000, `${error.message.length} characters`);
    return error;
  }
  throw new assert.AssertionError({ message: "it was accepted" });
}

const filled = (piece: string, bytes: number = specLimits.bytes) =>
  piece.repeat(Math.floor(bytes / piece.length));
const nics = (many: number) =>
  `version: 1\nnics:\n${Array.from({ length: many }, (_, index) => `- {name: n${index}, mode: sriov, ports: [e${index}], vfs: 1}\n`).join("")}`;

describe("a spec that is too large is an error that names the limit", () => {
  const ports = `[${Array.from({ length: 100 }, (_, index) => `e${index}`).join(",")}]`;
  for (const [name, text, message] of [
    ["20,000 NICs", nics(20_000), /^f:1:1: the spec has \d+ bytes, and 65536 is the limit$/],
    ["65 NICs", nics(65), /^f:3:1: nics: must have 64 entries or less, found 65$/],
    [
      "65 ports of a NIC",
      nics(1).replace("[e0]", `[${filled("e,", 130)}]`),
      /nics\[0\]\.ports: must have 64 entries or less, found 65$/,
    ],
    [
      "100 NICs of 100 ports in 800 bytes",
      bombOfPorts(ports),
      /^f:\d+:\d+: more than 10000 values, with its aliases/,
    ],
    ["a billion laughs", laughs("[", "]"), /more than 10000 values, with its aliases/],
    ["a billion laughs of mappings", laughs("{<<: [", "]}"), /more than 10000 values, with its aliases/],
    ["lists within lists", filled("["), /^f:1:17: more than 16 lists and mappings within one another$/],
    ["lists within lists, by dashes", filled("- "), /more than 16 lists and mappings/],
    ["keys that are lists", "? [a]\n: b\n", /^f:1:3: a list or a mapping cannot be a key$/],
    [
      "keys",
      Array.from({ length: 5000 }, (_, index) => `k${index}: 1\n`).join(""),
      /^f:1:1: more than 64 keys in one mapping$/,
    ],
    ["values", `version: 1\nnics: [${filled("1,", 40_000)}]`, /more than 10000 values$/],
    ["aliases", `a: &a 1\nb: [${filled("*a,", 900)}]`, /more than 256 aliases/],
    [
      "an alias of what it stands in",
      "a: &a [*a]",
      /^f:1:8: the alias \*a stands before what it is an alias of$/,
    ],
    ["an alias of nothing", "a: *b", /not valid YAML: Unresolved alias|the alias \*b stands before/],
  ] as const)
    test(name, () => assert.match(refusal(text).message, message));

  test("nothing that is cheap to write is dear to read", () => {
    const pieces = [
      "- ",
      "? ",
      "{",
      ": ",
      "[,",
      "*a ",
      "&a ",
      "! ",
      '"',
      "'",
      "#\n",
      " #x\n",
      "\n",
      "|\n ",
      ">\n",
      "---\n",
      "...\n",
      "%x\n",
    ];
    const more = [
      "a: b: ",
      "- {? [*a, &b !x 'y' : ",
      '"\\',
      " a\n",
      "-\n ",
      "? a\n: b\n",
      "- !x 1\n",
      "- ]\n",
      '- "\\q"\n',
      "- 'a' 'b'\n",
      "[1],",
    ];
    for (const piece of [...pieces, ...more]) refusal(filled(piece));
    for (const item of ["{}", "[]", "{x: 1}", "{name: 1}", "eth0", "'not a name'"]) {
      refusal(`version: 1\nnics: [${filled(`${item},`, 9_000)}]`);
      refusal(`version: 1\nnics: [{name: a, mode: sriov, vfs: 1, ports: [${filled(`${item},`, 9_000)}]}]`);
    }
  });

  test("of very many problems the first are shown, and the rest is counted", () => {
    const error = refusal(`version: 1\nnics: [${filled("{x: 1},", 420)}]`);
    assert.equal(error.message.split("\n").length, specLimits.problems + 1);
    assert.equal(
      error.message.split("\n").at(-1),
      `f: ${error.problems.length - specLimits.problems} more problems`,
    );
    const long = refusal(`version: 1\n"${filled("x", 60_000)}": 1\n`);
    assert.ok(long.message.length < 500, long.message);
  });

  test("a large spec is none of this", () => {
    const { nics: read } = loadSpec(`${filled("# a comment\n", 40_000)}${nics(64)}`, "f");
    assert.equal(read.length, 64);
    assert.equal(loadSpec(nics(1).replace("[e0]", "&p [e0, e1]"), "f").nics[0]?.ports.length, 2);
  });
});

test("docs/spec.md and docs/fleet.md state the limits", () => {
  const page = (name: string) => readFileSync(join(import.meta.dirname, "../../docs", name), "utf8");
  const { bytes, depth, values, keys, aliases, nics: most, ports, problems } = specLimits;
  const wanted = `${bytes / 1024} KiB, ${most} NICs with ${ports} ports each, ${depth} levels, ${values} values (aliases counted as what they stand for), ${keys} keys in a mapping, ${aliases} aliases; ${problems} problems are shown`;
  assert.ok(page("spec.md").replaceAll(/\s+/g, " ").includes(wanted), wanted);
  const state = stateLimits;
  const stated = `${state.bytes / 1024 / 1024} MiB, ${state.depth} levels, ${state.values} values, ${state.keys} keys in an object, ${state.text / 1024} KiB in one text; ${state.problems} problems are shown`;
  assert.ok(page("fleet.md").replaceAll(/\s+/g, " ").includes(stated), stated);
});

/** Found by attack: 19 s for 800 bytes, when each port of each NIC was compared with each of every other. */
function bombOfPorts(ports: string): string {
  return `version: 1\nports: &p ${ports}\nn: &n {name: a, mode: sriov, ports: *p, vfs: 1}\nnics: [${filled("*n,", 300)}]\n`;
}

function laughs(open: string, close: string): string {
  const names = [..."abcdefghi"];
  return names
    .map((name, index) => {
      const before = names[index - 1];
      return before === undefined
        ? `${name}: &${name} [${filled("x,", 18)}]\n`
        : `${name}: &${name} ${open}${filled(`*${before},`, 27)}${close}\n`;
    })
    .join("");
}
