import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { pythonRegex } from "../../../src/openstack/files/python-regex.ts";
import {
  matches,
  matchesEverything,
  type NovaDevice,
  type NovaHost,
  parseRules,
  ruleFor,
} from "../../../src/openstack/nova/pci-rule.ts";
import { NovaRefusal, UnreadRule } from "../../../src/openstack/nova/rule-errors.ts";
import { roundsFrom } from "../../support/count.ts";
import { ask, without } from "../python.ts";

const pf = { vendor: "15b3", product: "1017", vfProduct: "1018" };
const addresses = ["0000:3b:00.0", "0000:3b:00.1", "0001:3b:00.0", "0000:5e:1f.0"];
/**
 * Two ports of a ConnectX-5, one in another domain, an Intel card, a disk, and a NIC of a virtual machine.
 */
const host: NovaHost = {
  interfaces: new Map([
    ["p4p1", { device: "../../../0000:3b:00.0", totalVfs: 8 }],
    ["p4p2", { device: "../../../0000:3b:00.1", totalVfs: 8 }],
    ["vf0", { device: "../../../0000:3b:00.2", totalVfs: null }],
    ["eno1", { device: "../../../0000:01:00.0", totalVfs: 0 }],
    ["virt", { device: "../../../virtio0", totalVfs: null }],
  ]),
  physicalFunctions: new Map(
    addresses.map((address, index) => [
      address,
      index < 3 ? pf : { vendor: "8086", product: "1572", vfProduct: null },
    ]),
  ),
};
const device = (
  address: string,
  vendor: string,
  product: string,
  parent: string | null = null,
): NovaDevice => {
  return { address, vendor, product, parent };
};
const devices: NovaDevice[] = [
  ...addresses.slice(0, 3).map((address) => device(address, "15b3", "1017")),
  device("0000:5e:1f.0", "8086", "1572"),
  ...[2, 3].map((func) => device(`0000:3b:00.${func}`, "15b3", "1018", "0000:3b:00.0")),
  device("0000:3b:08.3", "15b3", "1018", "0000:3b:00.1"),
  { ...device("0001:3b:00.2", "15b3", "1018", "0001:3b:00.0"), serial: "MT1" },
  device("0000:5e:02.0", "8086", "154c", "0000:5e:1f.0"),
  device("0000:01:00.0", "8086", "1521"),
  device("0000:af:00.0", "144d", "a808"),
];
const matching = (rule: unknown) =>
  devices
    .filter((one) => ruleFor(parseRules([JSON.stringify(rule)], host), one, host))
    .map((one) => one.address);

describe("a rule is about", () => {
  test("a PF and all its VFs, by the PF's name or whole address, and the VFs alone with their product id too", () => {
    const all = ["0000:3b:00.0", "0000:3b:00.2", "0000:3b:00.3"];
    assert.deepEqual(matching({ devname: "p4p1" }), all);
    assert.deepEqual(matching({ address: "0000:3b:00.0" }), all);
    assert.deepEqual(matching({ address: { domain: "0000", bus: "3b", slot: "00", function: "0" } }), all);
    assert.deepEqual(matching({ devname: "p4p1", product_id: "1018" }), all.slice(1));
    assert.deepEqual(matching({ devname: "gone" }), []);
  });

  test("what stands at that address only, where it is not whole", () => {
    assert.deepEqual(matching({ address: "3b:00.0" }), ["0000:3b:00.0", "0001:3b:00.0"]);
    assert.deepEqual(matching({ address: "0000:3b:00.*" }), [
      "0000:3b:00.0",
      "0000:3b:00.1",
      "0000:3b:00.2",
      "0000:3b:00.3",
    ]);
    assert.deepEqual(matching({ address: { bus: "3B" } }), []);
    assert.deepEqual(matching({ address: { bus: "3", function: "[23]", domain: "0000" } }), [
      "0000:3b:00.2",
      "0000:3b:00.3",
      "0000:3b:08.3",
    ]);
  });

  test("PFs, when the ids are those of the PF", () => {
    assert.deepEqual(matching({ vendor_id: "15B3", product_id: " 0x1017" }), addresses.slice(0, 3));
  });

  test("every device, when nothing chooses", () => {
    for (const rule of [
      {},
      { physical_network: "a" },
      { devname: "" },
      { address: "" },
      { address: null },
      { address: {} },
      { mac_address: "98:03:9b:*:*:*" },
      { address: "*:*:*.*" },
      { vendor_id: "*" },
      { address: { bus: ".*" } },
      { address: { slot: "[01].", function: "[0-7]$" } },
    ]) {
      assert.equal(matching(rule).length, devices.length, JSON.stringify(rule));
      assert.ok(parseRules([JSON.stringify(rule)], host).every(matchesEverything), JSON.stringify(rule));
    }
    assert.ok(parseRules(['{"address": "0000:*:*.*"}'], host).every(matchesEverything));
    for (const rule of [
      { devname: "p4p1" },
      { address: "3b:00.0" },
      { vendor_id: "15b3" },
      { address: { bus: "3." } },
    ]) {
      assert.ok(!parseRules([JSON.stringify(rule)], host).some(matchesEverything), JSON.stringify(rule));
    }
  });

  test("the first that matches gives the tags", () => {
    const rules = parseRules(
      [
        '[{"address": "0000:3b:00.2", "physical_network": "a"}, {"devname": "p4p1", "physical_network": "b"}]',
      ],
      host,
    );
    assert.deepEqual(
      devices.slice(4, 6).map((one) => ruleFor(rules, one, host)?.tags),
      [{ physical_network: "a" }, { physical_network: "b" }],
    );
  });
});

test("what Nova refuses is refused", () => {
  const bad = [
    "",
    "[1]",
    "x",
    "{'a': 1}",
    "[{},]",
    '{"vendor_id": 1}',
    '{"product_id": "15b*"}',
    '{"address": "98:03:9b:*:*:*"}',
    '{"address": "0*:00.0"}',
    '{"address": ["a"]}',
    '{"devname": "p4p1", "address": "00.0"}',
    '{"devname": "virt"}',
    '{"address": {"bus": "["}}',
    '{"address": "20.0"}',
  ];
  for (const value of bad) assert.throws(() => parseRules([value], host), NovaRefusal, value);
  assert.deepEqual(parseRules(["[]"], host), []);
});

test("a regular expression that is beyond vflag is said to be so", () => {
  assert.throws(() => parseRules(['{"address": {"bus": "(?i)3B"}}'], host), UnreadRule);
  for (const pattern of ["(?=3)", "\\1", "\\x33", "3*+"])
    assert.ok("unknown" in pythonRegex(pattern), pattern);
});

describe("beside Nova's own code", { skip: without("nova.pci.whitelist", "python3-nova") }, () => {
  const odd = <T>(usual: fc.Arbitrary<T>, unusual: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 14, arbitrary: usual }, { weight: 1, arbitrary: unusual });
  const field = (...usual: string[]) =>
    odd(
      fc.constantFrom(...usual, "*", ""),
      fc.constantFrom("0*", "g", "-1", "3_b", "+3b", "10000", "  ", "20", "8", "0x3b", " 3b "),
    );
  const glob = fc.oneof(
    fc.constantFrom(
      ...devices.map((one) => one.address),
      "0000:3b:00",
      "3b:00.0",
      ".0",
      ":00.",
      "00.2",
      "*:3b:*.*",
      "0000:3b:00.*",
    ),
    odd(
      fc
        .tuple(
          field("0000", "0", "1"),
          field("3b", "3B", "5e", "1"),
          field("00", "0", "8", "1f", "2"),
          field("0", "1", "2", "3"),
        )
        .map(([a, b, c, d]) => `${a}:${b}:${c}.${d}`),
      fc.constantFrom("98:03:9b:*:*:*", "..", ":::", "1:2:3:4.5", "0000:3B:00.0"),
    ),
  );
  const atom = odd(
    fc.constantFrom(
      "0",
      "3",
      "b",
      "[0-3]",
      "[^0]",
      "[0-9a-f]",
      "[]b]",
      "[a-]",
      "\\d",
      "\\w",
      ".",
      "(3b)",
      "(?:3|5e)",
      "\\.",
      "0000",
      "3b",
      "[\\d]",
      "|",
      "B",
      "a{1,",
    ),
    fc.constantFrom("^", "$", "\\Z", "-", "[b-a]", "(", ")", "[", "\\q", "{", "{2}", "[\\d-a]"),
  );
  const quantifier = odd(
    fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{,3}", "*?", "{1,}"),
    fc.constantFrom("{3,1}", "**"),
  );
  const regex = fc.oneof(
    fc.constantFrom(".*", "3b", "00", "0", "0000", "[0-2]", "3", "5e", "", "B"),
    fc.array(fc.tuple(atom, quantifier), { maxLength: 4 }).map((parts) => parts.flat().join("")),
  );
  const part = fc.oneof(
    { weight: 20, arbitrary: regex },
    { weight: 1, arbitrary: fc.constantFrom(null, 3, []) },
  );
  const regexes = fc.record({ domain: part, bus: part, slot: part, function: part }, { requiredKeys: [] });
  const ids = odd<string | number | null | boolean>(
    fc.constantFrom("15b3", "15B3", "0x15b3", "*", "1017", "1018", "8086", "154c"),
    fc.constantFrom(" 15b3 ", "", "15b*", " * ", "1 0", "fffff", "144d", null, 15, true),
  );
  const rule = fc.record(
    {
      vendor_id: ids,
      product_id: ids,
      devname: fc.constantFrom("p4p1", "p4p2", "vf0", "eno1", "virt", "gone", "", null, 5, "P4P1"),
      address: fc.oneof(
        { weight: 6, arbitrary: glob },
        { weight: 6, arbitrary: regexes },
        { weight: 1, arbitrary: fc.constantFrom(null, "", {}, [], ["a"], 0, 5, true) },
      ),
      physical_network: fc.constantFrom("physnet2", null, "a"),
      remote_managed: fc.constantFrom("true", "yes", "false", true, false, "", 1, null),
      unheard_of: fc.constantFrom("x"),
    },
    { requiredKeys: [] },
  );
  /** Most rules choose by a thing or two, as people write them. */
  const chosen = fc.oneof(
    { weight: 3, arbitrary: fc.record({ address: glob, physical_network: fc.constant("a") }) },
    { weight: 3, arbitrary: fc.record({ address: regexes, vendor_id: ids }, { requiredKeys: ["address"] }) },
    { weight: 2, arbitrary: fc.record({ vendor_id: ids, product_id: ids }) },
    {
      weight: 2,
      arbitrary: fc.record(
        {
          devname: fc.constantFrom("p4p1", "vf0", "eno1", "gone"),
          product_id: ids,
          remote_managed: fc.constantFrom("true", "no"),
        },
        { requiredKeys: ["devname"] },
      ),
    },
    { weight: 2, arbitrary: rule },
  );
  const value = fc.oneof(
    { weight: 20, arbitrary: chosen.map((one) => JSON.stringify(one)) },
    { weight: 4, arbitrary: fc.array(chosen, { maxLength: 3 }).map((list) => JSON.stringify(list, null, 1)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "",
        "[]",
        "1",
        "null",
        '"x"',
        "{'a': 1}",
        '[{"a": 1},]',
        "[[]]",
        "{} ; comment",
      ),
    },
  );
  const otherHost: NovaHost = {
    interfaces: new Map([["p4p1", { device: "../../../0000:01:00.0", totalVfs: null }]]),
    physicalFunctions: new Map(),
  };

  test("no difference in random rules on 11 devices, refusals too", async (t) => {
    const numRuns = roundsFrom("PROPERTY_RUNS", 1500, 8000);
    const questions = fc.sample(
      fc.record({
        values: fc.array(value, { minLength: 1, maxLength: 2 }),
        host: fc.constantFrom(host, host, host, otherHost),
      }),
      { numRuns, seed: 6 },
    );
    const answers = await ask(
      "nova_pci.py",
      questions.map(({ values, host: on }) => ({
        values,
        host: {
          interfaces: Object.fromEntries(on.interfaces),
          physicalFunctions: Object.fromEntries(on.physicalFunctions),
        },
        devices,
      })),
    );
    const seen = { refused: 0, matched: 0, unmatched: 0, unread: 0 };
    for (const [index, { values, host: on }] of questions.entries()) {
      const mine = answer(values, on);
      const theirs = answers[index] as { refused?: string };
      const about = `${values.join(" and ")}\nNova: ${JSON.stringify(theirs)}\nvflag: ${JSON.stringify(mine)}`;
      if ("unread" in mine) {
        seen.unread++;
      } else if (theirs.refused !== undefined || "refused" in mine) {
        assert.ok(theirs.refused !== undefined && "refused" in mine, about);
        seen.refused++;
      } else {
        assert.deepEqual(mine, theirs, about);
        seen[mine.tags.some((tags) => tags !== null) ? "matched" : "unmatched"]++;
      }
    }
    t.diagnostic(JSON.stringify(seen));
    assert.ok(
      Math.min(seen.refused, seen.matched, seen.unmatched) > numRuns / 16 && seen.unread < numRuns / 100,
      JSON.stringify(seen),
    );
  });
});

function answer(values: string[], on: NovaHost) {
  try {
    const rules = parseRules(values, on);
    return {
      matches: devices.map((one) => rules.map((rule) => matches(rule, one, on))),
      tags: devices.map((one) => ruleFor(rules, one, on)?.tags ?? null),
    };
  } catch (error) {
    if (error instanceof NovaRefusal) return { refused: error.message };
    if (error instanceof UnreadRule) return { unread: error.message };
    throw error;
  }
}
