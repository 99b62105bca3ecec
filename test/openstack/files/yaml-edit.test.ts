import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { editYaml, type YamlEdit } from "../../../src/openstack/files/yaml-edit.ts";
import { roundsFrom } from "../../support/count.ts";
import { ask, without } from "../python.ts";

const runs = roundsFrom("PROPERTY_RUNS", 100, 400);
const noAnsible = without("ansible.parsing.dataloader", "ansible-core");

const on = (key: string, value = "true"): YamlEdit => ({ kind: "set", key, value, comment: "why" });
const more = (key: string, items: string[], first: string[] | null = []): YamlEdit => ({
  kind: "append",
  key,
  items,
  first,
  comment: "why",
});

/** What becomes of a text, and again the same of that. */
function made(text: string, ...edits: YamlEdit[]): string {
  const { text: after, conflicts } = editYaml(text, edits);
  assert.deepEqual(conflicts, []);
  assert.deepEqual(editYaml(after, edits), { text: after, notes: [], conflicts: [] });
  return after;
}

function conflictOf(text: string, ...edits: YamlEdit[]) {
  const { text: after, conflicts } = editYaml(text, edits);
  assert.equal(after, text);
  assert.ok(conflicts.length > 0, "no conflict");
  return conflicts.map(({ line, why }) => `${line}: ${why}`).join("\n");
}

describe("a variable is set", () => {
  test("under the commented default of a stock file", () => {
    const stock =
      "---\n# Flags\n#kolla_enable_a:\n#kolla_enable_b:\n#kolla_enable_c:\n\n####\n# Dummy.\nworkaround: yes\n";
    assert.equal(
      made(stock, on("kolla_enable_b")),
      "---\n# Flags\n#kolla_enable_a:\n#kolla_enable_b:\n# vflag: why\nkolla_enable_b: true\n#kolla_enable_c:\n\n####\n# Dummy.\nworkaround: yes\n",
    );
  });

  test("at the end where there is no such comment, as the file's lines end", () => {
    assert.equal(
      made("a: 1\r\nb: |\r\n  x\r\n", on("k")),
      "a: 1\r\nb: |\r\n  x\r\n\r\n# vflag: why\r\nk: true\r\n",
    );
    assert.equal(made("a: 1 # no break", on("k")), "a: 1 # no break\n\n# vflag: why\nk: true");
    assert.equal(made("", on("k")), "# vflag: why\nk: true\n");
    assert.equal(made("---\n", on("k", '"yes"')), '---\n# vflag: why\nk: "yes"\n');
    assert.equal(
      made("\ufeff# only a comment\n", on("k")),
      "\ufeff# only a comment\n\n# vflag: why\nk: true\n",
    );
    assert.equal(made("  a: 1\n  b: 2\n", on("k")), "  a: 1\n  b: 2\n\n  # vflag: why\n  k: true\n");
    assert.equal(
      made("%YAML 1.1\n--- # head\na: 1\n...\n", on("k")),
      "%YAML 1.1\n--- # head\na: 1\n# vflag: why\nk: true\n...\n",
    );
  });

  test("not under a comment that stands inside of another value", () => {
    const text = "list:\n  - a\n#k: no\n  - b\ntext: |\n  #k: in a text\n  end\n";
    assert.equal(made(text, on("k")), `${text}\n# vflag: why\nk: true\n`);
  });

  test("what Ansible reads as yes is enough", () => {
    for (const value of [
      "true",
      "True",
      "TRUE",
      "yes",
      "on",
      '"yes"',
      "'True'",
      "1",
      '"1"',
      "yes # because",
      "!!str yes",
      "&x on",
    ]) {
      const text = `k: no\n"k": ${value}\nother: 1\n`;
      assert.equal(made(text, on("k")), text, value);
      assert.equal(made(text, on("k", '"yes"')), text, value);
    }
  });

  test("a variable without a value gets it", () => {
    assert.equal(made("k:\na: 1\n", on("k")), "k: true\na: 1\n");
    assert.equal(made("k:   # later\na: 1\n", on("k")), "k: true   # later\na: 1\n");
    assert.equal(made("k: ~ # later\r\na: 1\r\n", on("k")), "k: true # later\r\na: 1\r\n");
    assert.equal(made("a: 1\nk:", on("k")), "a: 1\nk: true");
  });

  test("another value, or one that cannot be judged, is a conflict with its line", () => {
    const cases = [
      ["a: 1\nk: no\n", /^2: k: it has another value here/],
      ["k: 'off'\n", /another value/],
      ["k: 2\n", /another value/],
      ["k: yes\nk: no\n", /^2: .*another value/],
      ['k: "{{ x | bool }}"\n', /^1: k: a Jinja expression decides/],
      ["x: &y no\nk: *y\n", /^2: k: it is what the anchor &y is/],
      ["k: !vault |\n  6162\n", /the tag !vault/],
      ["k: [yes]\n", /it is a list/],
      ["k: {a: 1}\n", /it is a mapping/],
      ["k: &x\n", /the anchor &x/],
      ["x: &m {k: no}\n<<: *m\n", /^2: a merge key may bring k in/],
      ["- a\n- b\n", /^1: .*no mapping of variables/],
      ["{a: 1}\n", /^1: .*mapping in braces/],
      ["a: 1\n---\nb: 2\n", /^2: .*a second document/],
      ["a: 1\nb: [\n", /^3: it cannot be read as YAML/],
      ["a: 1\rb: 2\n", /neither LF nor CRLF/],
      ["a: b: c\n", /^1: it cannot be read as YAML/],
    ] as const;
    for (const [text, why] of cases) assert.match(conflictOf(text, on("k")), why, text);
  });

  test("all conflicts are told, and nothing is done", () => {
    assert.equal(conflictOf("a: no\nb: no\n", on("a"), on("new"), on("b")).split("\n").length, 2);
  });
});

describe("a list gets items", () => {
  test("as its items are written", () => {
    assert.equal(
      made('k:\n- "a"\n- "b" # why b\n\nz: 1\n', more("k", ["b", "c", "d"])),
      'k:\n- "a"\n- "b" # why b\n- "c"\n- "d"\n\nz: 1\n',
    );
    assert.equal(
      made("k:\n    -   'a'\n\n# k\nz: 1\n", more("k", ["b"])),
      "k:\n    -   'a'\n    -   'b'\n\n# k\nz: 1\n",
    );
    assert.equal(made("k:\r\n  - a", more("k", ["b"])), "k:\r\n  - a\r\n  - b");
    assert.equal(
      made("k:\n  - |\n    text\n  - x: 1\n    y: 2\nz: 1\n", more("k", ["b"])),
      "k:\n  - |\n    text\n  - x: 1\n    y: 2\n  - b\nz: 1\n",
    );
    assert.equal(made("k: [a, b,]\n", more("k", ["c"])), "k: [a, b, c,]\n");
    assert.equal(
      made("k: ['a', # one\n  'b'\n ]\n", more("k", ["c", "d"])),
      "k: ['a', # one\n  'b', 'c', 'd'\n ]\n",
    );
    assert.equal(made("k: [ ] # none\n", more("k", ["c"])), "k: [c ] # none\n");
    assert.equal(made("k: [a]\n", more("k", ["a"])), "k: [a]\n");
  });

  test("a new list, or one of nothing", () => {
    assert.equal(
      made("#k:\n#  - old\n\na: 1\n", more("k", ["c"], ["b"])),
      "#k:\n#  - old\n# vflag: why\nk:\n  - b\n  - c\n\na: 1\n",
    );
    assert.equal(
      made("k:  # nothing\na: 1\n", more("k", ["c"], ["b"])),
      "k:  # nothing\n  - b\n  - c\na: 1\n",
    );
    assert.equal(made("k: null\na: 1\n", more("k", ["c"], ["b"])), "k: [b, c]\na: 1\n");
    assert.equal(made("k:\n", more("k", ["c"], null)), "k:\n");
    assert.equal(made("a: 1\n", more("k", ["c"], null)), "a: 1\n");
  });

  test("what cannot be judged is a conflict; an expression that names them all is enough", () => {
    assert.match(
      conflictOf("k: \"{{ a + ['b'] }}\"\n", more("k", ["b", "c"])),
      /^1: k: a Jinja expression makes the list/,
    );
    assert.equal(
      made("k: \"{{ a + ['b', 'c'] }}\"\n", more("k", ["b", "c"])),
      "k: \"{{ a + ['b', 'c'] }}\"\n",
    );
    assert.match(conflictOf("k: b\n", more("k", ["b"])), /it is no list/);
    assert.match(conflictOf("k: &l [a]\nother: *l\n", more("k", ["b"])), /without changing something else/);
    assert.match(conflictOf("z: &l [a]\nk: *l\n", more("k", ["b"])), /the anchor &l/);
  });
});

describe("a file that is a template", () => {
  test("lines of Jinja and expressions without quotes are looked through", () => {
    const text =
      "{% if a %}\na: {{ b | default('c: d') }}\n{% else %}\na: {}\n{% endif %}\n{# k:\n #}\nb: [ {{ x }} ]\n";
    const { text: after, conflicts } = editYaml(text, [on("k")], "template");
    assert.deepEqual(conflicts, []);
    assert.equal(after, `${text}\n# vflag: why\nk: true\n`);
    assert.deepEqual(editYaml(after, [on("k")], "template").text, after);
  });

  test("tags within a line are looked through where nothing is wanted of it", () => {
    for (const line of [
      'other: {% raw %}"{{ x in group_names }}"{% endraw %}',
      "other: {% if a %}yes{% else %}no{% endif %}",
      "other: [{% for one in all %}{{ one }},{% endfor %}]",
      "other: 1 {# a remark: k #}",
      "other: 1 {# two\n lines: k: #}",
      "# {% if x %} as it was: [ {% endif %}\nother: |\n  {% raw %}{{ y }}{% endraw %}",
    ]) {
      const made = editYaml(`${line}\n`, [on("k")], "template");
      assert.deepEqual([made.text, made.conflicts], [`${line}\n\n# vflag: why\nk: true\n`, []]);
    }
    const { conflicts } = editYaml('a: 1\nk: {% raw %}"{{ x }}"{% endraw %}\n', [on("k")], "template");
    assert.match(
      conflicts.map(({ line, why }) => `${line}: ${why}`).join(),
      /^2: k: a Jinja expression decides/,
    );
  });

  test("a variable that Jinja has a part in is a conflict", () => {
    const why = (text: string) =>
      editYaml(text, [on("k")], "template")
        .conflicts.map((one) => `${one.line}: ${one.why}`)
        .join();
    assert.match(why("k: {{ x }}\n"), /^1: k: a Jinja expression decides/);
    assert.match(why("{% if a %}\nk: yes\n{% endif %}\n"), /^2: k: it stands in a block of Jinja/);
    assert.match(why("{% if a %}\n"), /^null: there is no place for it/);
  });
});

/** Pieces of such files, messy ones too. */
const words = fc.constantFrom(
  "a",
  "b",
  "yes",
  "no",
  "on",
  "0x1f",
  "1:20",
  "'q: x'",
  '"d # x"',
  '"{{ jinja }}"',
  "é",
  "~",
  "12",
  "x y",
);
const comment = fc.constantFrom(
  "# c",
  "#k:",
  "#list:",
  "#  - x",
  "# k: yes",
  "#\tk:",
  "    # far",
  "#",
  "#list:\n#  - a\n#  - b",
);
const listLines = (indent: string) =>
  fc
    .array(fc.tuple(fc.constantFrom("- ", "-   "), words, fc.constantFrom("", " # c", "\n# between", "\n")), {
      minLength: 1,
      maxLength: 4,
    })
    .map((items) => items.map(([dash, word, after]) => `\n${indent}${dash}${word}${after}`).join(""));
const value = fc.oneof(
  words.map((word) => ` ${word}`),
  fc.constantFrom(
    "",
    " ",
    " # nothing",
    " &anchor x",
    " >-\n  folded\n  more",
    " |\n  text\n\n  #k: no\n",
    " |+\n  keep\n\n",
    " !!str 1",
    " {a: 1, b: [c]}",
    "\n  a: 1\n  b:\n  - x",
  ),
  fc.constantFrom(" []", " [ ]", " [a]", " [a, 'b' ,]", " [ # c\n  a,\n  b # d\n  ]", ' ["x", "y"]'),
  listLines(""),
  listLines("  "),
  listLines("      "),
);
const entry = fc
  .tuple(
    fc.constantFrom("a", "b", "k", '"k"', "list", "list", "'list'", "z"),
    fc.constantFrom(":", " :"),
    value,
    fc.constantFrom("", " ", " # t"),
  )
  .map(([key, colon, content, end]) => key + colon + content + (content.includes("\n") ? "" : end));
const file = fc
  .tuple(
    fc.constantFrom("", "", "---\n", "--- # head\n", "\ufeff---\n", "%YAML 1.1\n---\n"),
    fc.array(
      fc.oneof(
        { weight: 3, arbitrary: entry },
        { weight: 2, arbitrary: comment },
        { weight: 1, arbitrary: fc.constantFrom("", "   ") },
      ),
      { maxLength: 9 },
    ),
    fc.constantFrom("", "\n", "\n", "\n...\n", "\n\n\n"),
    fc.boolean(),
  )
  .map(([head, lines, end, windows]) => {
    const text = head + lines.join("\n") + end;
    return windows ? text.replaceAll("\n", "\r\n") : text;
  });
const edits: fc.Arbitrary<YamlEdit> = fc.oneof(
  fc.constantFrom(on("k"), on("k", '"yes"'), on("fresh"), on("z")),
  fc.constantFrom(
    more("list", ["n1", "n2"]),
    more("list", ["a", "n1"], ["f"]),
    more("list", ["n1"], null),
    more("other", ["n1"], ["f1", "f2"]),
  ),
);

/** Whether a text is another with something put in, in one place or two. */
function isPutInto(before: string, after: string): boolean {
  let at = 0;
  for (const character of after) if (character === before[at]) at++;
  return at === before.length;
}

describe("messy files", () => {
  test("untouched bytes stay, and a second run changes nothing", () => {
    let changed = 0;
    fc.assert(
      fc.property(file, fc.array(edits, { minLength: 1, maxLength: 3 }), (text, changes) => {
        const { text: after, conflicts } = editYaml(text, changes);
        if (conflicts.length > 0) return assert.equal(after, text);
        if (after !== text) changed++;
        assert.ok(
          isPutInto(text.replaceAll(/: ~/g, ": "), after.replaceAll(/: ~/g, ": ")),
          JSON.stringify([text, after]),
        );
        assert.ok(!/[^\r]\n/.test(after) || !text.includes("\r\n"), "a line that ends another way");
        const again = editYaml(after, changes);
        assert.deepEqual(again.conflicts, []);
        assert.equal(again.text, after);
      }),
      { numRuns: runs * 5 },
    );
    assert.ok(changed > runs, `only ${changed} files were changed`);
  });

  test("Ansible reads exactly the change in them", { skip: noAnsible }, async () => {
    const numRuns = roundsFrom("PROPERTY_RUNS", 600, 3000);
    const samples = fc.sample(fc.tuple(file, edits), { numRuns, seed: 6 });
    const results = samples.map(([text, edit]) => editYaml(text, [edit]));
    type Answer = { data?: Record<string, unknown> | null; refused?: string };
    const texts = [...samples.map(([text]) => text), ...results.map(({ text }) => text)];
    const answers = (await ask(
      "ansible_yaml.py",
      texts.map((text) => ({ text })),
    )) as Answer[];
    const [befores, afters] = [answers.slice(0, numRuns), answers.slice(numRuns)];
    let [compared, conflicts, satisfied] = [0, 0, 0];
    samples.forEach(([text, edit], index) => {
      const [before, after, result] = [befores[index] ?? {}, afters[index] ?? {}, results[index]];
      if (result === undefined || before.refused !== undefined) return;
      if (result.conflicts.length > 0) {
        conflicts++;
        return;
      }
      const say = JSON.stringify([text, result.text, edit]);
      assert.equal(after.refused, undefined, say);
      const [was, is] = [{ ...before.data }, { ...after.data }];
      const [old, now] = [was[edit.key], is[edit.key]];
      delete was[edit.key];
      delete is[edit.key];
      assert.deepEqual(is, was, say);
      if (edit.kind === "set") {
        assert.ok([true, "yes", "on", 1, "1"].includes(now as string), say);
        if (result.text === text) satisfied++;
      } else if (edit.first === null && !Array.isArray(old)) {
        assert.deepEqual(now, old, say);
      } else {
        const begin = Array.isArray(old) ? (old as unknown[]) : (edit.first ?? []);
        assert.deepEqual(now, [...begin, ...edit.items.filter((item) => !begin.includes(item))], say);
      }
      if (result.text !== text) compared++;
    });
    assert.ok(
      compared > numRuns / 4 && conflicts > numRuns / 60 && satisfied > numRuns / 300,
      `${compared} changed, ${conflicts} conflicts, ${satisfied} satisfied`,
    );
  });
});
