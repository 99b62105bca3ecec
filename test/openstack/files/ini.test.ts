import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  entriesOf,
  escapeValue,
  type Ini,
  listValue,
  optionValue,
  plainValue,
  readIni,
  sameSection,
} from "../../../src/openstack/files/ini.ts";
import { editIni, type IniEdit, IniRefusal, isOwn } from "../../../src/openstack/files/ini-edit.ts";
import { roundsFrom } from "../../support/count.ts";
import { ask, without } from "../python.ts";

const runs = roundsFrom("PROPERTY_RUNS", 100, 400);

/** Pieces of files that people write, and some that nobody should. */
const piece = fc.oneof(
  {
    weight: 18,
    arbitrary: fc.constantFrom(
      "[pci]",
      "[PCI]",
      "[DEFAULT]",
      "[default]",
      "[ml2]",
      "[sriov_nic]",
      "[ pci ]",
      "[a]b]",
    ),
  },
  {
    weight: 36,
    arbitrary: fc.constantFrom(
      'device_spec = {"devname": "p4p1"}',
      'device_spec={"address":"0000:3b:00.*"}',
      "device_spec =",
      "device_spec: x = y",
      "mechanism_drivers = openvswitch,l2population",
      "mechanism_drivers\t=\topenvswitch",
      "key = 'quoted'",
      'key = "',
      "key = \"not closed'",
      "path = $state_path/x$$y%d%%",
      "key=value ; not a comment",
      "Key = upper",
      "key\u00a0=\u2003wide\u3000",
      "key = \ufeffmarked\u001f",
      "über = straße",
    ),
  },
  {
    weight: 12,
    arbitrary: fc.constantFrom("# comment", "; comment", "#key = default", "# vflag: ours", "#", "# [pci]"),
  },
  {
    weight: 12,
    arbitrary: fc.constantFrom("  continued,", "\tcontinued", "   # not a comment", "    [pci]", " = ", "\t"),
  },
  { weight: 4, arbitrary: fc.constantFrom("", "   ", "\t\t", "\u00a0", "\u001c") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "[",
      "[]",
      "[pci] # no",
      "novalue",
      "= empty",
      ": empty",
      "\ufeff[pci]",
      "\u0085x",
      "{% raw %}",
    ),
  },
);
const eol = fc.constantFrom("\n", "\n", "\r\n", "\r");
const file = fc
  .tuple(
    fc.array(fc.tuple(piece, eol), { maxLength: 14 }),
    fc.boolean(),
    fc.constantFrom(...Array.from({ length: 20 }, () => ""), "\ufeff"),
  )
  .map(
    ([lines, ended, mark]) =>
      mark +
      "[b]\n".repeat(lines.length % 2) +
      lines.map(([line, end]) => line + end).join("") +
      (ended ? "" : "last = 1"),
  );
const readable = file.filter((text) => readIni(text).problems.length === 0);
const edit: fc.Arbitrary<IniEdit> = fc.record({
  kind: fc.constantFrom("set" as const, "append" as const),
  section: fc.constantFrom("pci", "ml2", "DEFAULT", "new"),
  key: fc.constantFrom("device_spec", "mechanism_drivers", "key", "fresh"),
  value: fc.constantFrom(
    "",
    "a,b",
    '{"devname": "x"}',
    '"quoted"',
    " blanks ",
    "'",
    "$x %s",
    "two\nlines",
    "# no comment",
    "ü",
  ),
  comment: fc.constantFrom("why", "another reason"),
});

/** The sections with their keys and values, as oslo.config keeps them. */
function asOslo(ini: Ini, name: (section: string) => string): Record<string, Record<string, string[]>> {
  const sections: Record<string, Record<string, string[]>> = Object.fromEntries(
    ini.sections.map((section) => [name(section.name), {}]),
  );
  for (const { section, key, value } of ini.entries) {
    const values = sections[name(section)] ?? {};
    values[key] = [...(values[key] ?? []), value];
  }
  return sections;
}

describe("reading", () => {
  test("a messy file is read as oslo.config reads it", () => {
    const ini = readIni(
      "# head\r\n[DEFAULT]\r\n[pci]\r\ndevice_spec = [{\r\n   \"a\": 1},\r\n\t# in it\r\n  ]\r\n[PCI]\r\ndevice_spec: 'x'\r\n[b]\r\nlast=$my_ip",
    );
    assert.deepEqual(ini.problems, []);
    assert.deepEqual(
      entriesOf(ini, "pci", "device_spec").map(({ value, line }) => [value, line]),
      [
        ['[{\n"a": 1},\n# in it\n]', 4],
        ["x", 9],
      ],
    );
    assert.equal(optionValue(ini, "b", "last"), "$my_ip");
    assert.equal(ini.eol, "\r\n");
  });

  test("lists and dollars", () => {
    assert.deepEqual(listValue(" a, b ,,"), ["a", "b"]);
    assert.deepEqual(listValue(""), []);
    assert.equal(plainValue("a$$b\\$c $ 1"), "a$b$c $ 1");
    assert.equal(plainValue("$state_path/x"), null);
    assert.equal(plainValue("$$$x"), null);
    assert.equal(plainValue("$$x"), "$x");
    assert.equal(plainValue(escapeValue("a$b$$")), "a$b$$");
  });

  test("oslo.config's own parser reads the same, or refuses the same", {
    skip: without("oslo_config.cfg", "python3-oslo.config"),
  }, async () => {
    const numRuns = roundsFrom("PROPERTY_RUNS", 800, 4000);
    const texts = fc.sample(file, { numRuns, seed: 6 });
    const answers = (await ask(
      "oslo_ini.py",
      texts.map((text) => ({ text })),
    )) as { normalized?: object; sections?: object; refused?: string }[];
    let read = 0;
    texts.forEach((text, index) => {
      const [ini, answer] = [readIni(text), answers[index] ?? {}];
      assert.equal(
        ini.problems.length > 0,
        answer.refused !== undefined,
        `${JSON.stringify(text)}: ${answer.refused}`,
      );
      if (answer.refused !== undefined) return;
      read++;
      assert.deepEqual(
        asOslo(ini, (section) => section),
        answer.sections,
        JSON.stringify(text),
      );
      assert.deepEqual(
        asOslo(ini, (section) => (section === "DEFAULT" ? section : section.toLowerCase())),
        answer.normalized,
      );
    });
    assert.ok(read > numRuns / 4, `only ${read} of the files were readable`);
  });
});

describe("editing", () => {
  test("what is set is read back, all else is read as before, and a second run changes nothing", () => {
    fc.assert(
      fc.property(readable, edit, (text, change) => {
        const before = readIni(text);
        const edited = editIni(text, [change]);
        const after = readIni(edited);
        assert.deepEqual(after.problems, []);
        if (change.kind === "remove") return;
        const values = (ini: typeof before) =>
          entriesOf(ini, change.section, change.key).map(({ value }) => value);
        const wanted =
          change.kind === "set"
            ? [...values(before).slice(0, -1), change.value]
            : [...values(before), change.value];
        assert.deepEqual(values(after), wanted);
        const others = (ini: typeof before) =>
          ini.entries
            .filter(({ section, key }) => key !== change.key || !sameSection(section, change.section))
            .map(({ section, start, end }) => [section, ini.text.slice(start, end)]);
        assert.deepEqual(others(after), others(before));
        if (change.kind === "set") assert.equal(editIni(edited, [change]), edited);
      }),
      { numRuns: runs },
    );
  });

  test("untouched bytes stay: the lines before are there still, each with its own break, and only vflag's are new", () => {
    fc.assert(
      fc.property(readable, edit, (text, change) => {
        const edited = editIni(text, [{ ...change, kind: "append" } as IniEdit]);
        // What was added is one stretch of bytes.
        let [head, tail] = [0, 0];
        while (head < text.length && text[head] === edited[head]) head++;
        while (tail < text.length - head && text.at(-1 - tail) === edited.at(-1 - tail)) tail++;
        assert.equal(head + tail, text.length);
      }),
      { numRuns: runs },
    );
  });

  test("what was appended and is removed leaves the file as it was", () => {
    fc.assert(
      fc.property(readable, (text) => {
        const appended = editIni(text, [
          { kind: "append", section: "pci", key: "mine", value: "x", comment: "why" },
        ]);
        const hadSection = readIni(text).sections.some(({ name }) => sameSection(name, "pci"));
        const removed = editIni(appended, [
          { kind: "remove", section: "pci", key: "mine", value: "x", own: true },
        ]);
        if (hadSection) assert.equal(removed, text);
        else assert.ok(removed.startsWith(text));
      }),
      { numRuns: runs },
    );
  });

  test("a value changes where it stands, with its own way of writing it", () => {
    const text =
      "[ml2]\r\n# drivers\r\nmechanism_drivers\t:  openvswitch,\r\n   l2population\r\n; end\r\n[x]\r\ny=1";
    const edited = editIni(text, [{ kind: "set", section: "ML2", key: "mechanism_drivers", value: "a,b" }]);
    assert.equal(edited, "[ml2]\r\n# drivers\r\nmechanism_drivers\t:  a,b\r\n; end\r\n[x]\r\ny=1");
  });

  test("vflag's own comment is replaced, another one is not", () => {
    const text = "[ml2]\n# mine\nkey = 1\n";
    const once = editIni(text, [{ kind: "set", section: "ml2", key: "key", value: "2", comment: "first" }]);
    assert.equal(once, "[ml2]\n# mine\n# vflag: first\nkey = 2\n");
    const twice = editIni(once, [{ kind: "set", section: "ml2", key: "key", value: "2", comment: "second" }]);
    assert.equal(twice, "[ml2]\n# mine\n# vflag: second\nkey = 2\n");
    const ini = readIni(twice);
    assert.ok(ini.entries.every((entry) => isOwn(ini, entry)));
  });

  test("a file without a final newline gets none", () => {
    assert.equal(
      editIni("[a]\nb=1", [{ kind: "append", section: "a", key: "c", value: "2" }]),
      "[a]\nb=1\nc = 2",
    );
    assert.equal(
      editIni("[a]\nb=1", [{ kind: "append", section: "n", key: "c", value: "2" }]),
      "[a]\nb=1\n\n[n]\nc = 2",
    );
    assert.equal(editIni("", [{ kind: "append", section: "n", key: "c", value: "2" }]), "[n]\nc = 2\n");
    assert.equal(editIni("[a]\nb=1", [{ kind: "remove", section: "a", key: "b" }]), "[a]");
  });

  test("a file that oslo.config refuses is not touched, and the message says where", () => {
    const append: IniEdit = { kind: "append", section: "a", key: "c", value: "2" };
    assert.throws(() => editIni("\ufeff[a]\nb = 1\n", [append]), /line 1: .*byte order mark/);
    assert.throws(() => editIni("[a]\n\n  b = 1\n", [append]), /line 3: an indented line/);
    assert.throws(() => editIni("[a]\n", [{ ...append, value: "x\n\ny" }]), IniRefusal);
    assert.throws(() => editIni("[a]\n", [{ ...append, key: "[b]" }]), IniRefusal);
  });
});

describe("templates", () => {
  const template =
    "{# kept #}\n[DEFAULT]\n{% if debug %}\ndebug = true\n{% endif %}\n[pci]\n{% raw %}\npassthrough_whitelist = [{% for dev, net in maps.items() %}{{ dev }}{% endfor %}]\n{% endraw %}\n[x]\ny = 1\n";

  test("lines of Jinja are looked through, and stay", () => {
    const ini = readIni(template, "template");
    assert.deepEqual(ini.problems, []);
    assert.deepEqual(
      ini.entries.map(({ key, templated }) => [key, templated]),
      [
        ["debug", true],
        ["passthrough_whitelist", true],
        ["y", false],
      ],
    );
    assert.notDeepEqual(readIni(template).problems, []);
    const edited = editIni(template, [{ kind: "set", section: "x", key: "y", value: "2" }], "template");
    assert.equal(edited, template.replace("y = 1", "y = 2"));
  });

  test("what Jinja decides about is not overwritten", () => {
    for (const [section, key] of [
      ["DEFAULT", "debug"],
      ["pci", "passthrough_whitelist"],
    ] as const) {
      assert.throws(
        () => editIni(template, [{ kind: "set", section, key, value: "1" }], "template"),
        /Jinja expression decides/,
      );
      assert.throws(
        () => editIni(template, [{ kind: "remove", section, key }], "template"),
        /Jinja expression decides/,
      );
    }
    assert.throws(
      () => editIni(template, [{ kind: "set", section: "x", key: "y", value: "{{ z }}" }], "template"),
      /Jinja would read/,
    );
  });

  test("a new key stands outside of conditions", () => {
    assert.match(
      editIni(template, [{ kind: "append", section: "DEFAULT", key: "k", value: "1" }], "template"),
      /\[DEFAULT\]\nk = 1\n\{% if/,
    );
    const conditional = "{% if a %}\n[pci]\nx = 1\n{% endif %}\n";
    assert.equal(
      editIni(conditional, [{ kind: "append", section: "pci", key: "k", value: "1" }], "template"),
      `${conditional}\n[pci]\nk = 1\n`,
    );
    assert.throws(
      () => editIni("{% if a %}\nx", [{ kind: "append", section: "pci", key: "k", value: "1" }], "template"),
      IniRefusal,
    );
  });

  test("an expression over several lines is one value", () => {
    const text = "[a]\nk = [{% for x in\n  y %}\n{{ x }},\n{% endfor %}]\nb = 1\n";
    const ini = readIni(text, "template");
    assert.deepEqual(
      ini.entries.map(({ key }) => key),
      ["k", "b"],
    );
  });
});
