import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Groups, type Place, placements } from "../../../src/openstack/tree/placement.ts";
import { roundsFrom } from "../../support/count.ts";
import { withoutAnsible } from "./ansible.ts";
import { effective, type PrecedenceInventory, throughAnsible } from "./precedence.ts";

const runs = roundsFrom("PROPERTY_RUNS", 300, 2_000);

interface Fleet extends PrecedenceInventory {
  readonly wanted: ReadonlyMap<string, string>;
  readonly declared: ReadonlySet<string>;
}

/** Up to eight hosts and six groups, one within another without a circle, with priorities. */
const fleet: fc.Arbitrary<Fleet> = fc
  .record({
    count: fc.integer({ min: 1, max: 8 }),
    made: fc.array(
      fc.record({
        bits: fc.integer({ min: 0, max: 255 }),
        below: fc.integer({ min: 0, max: 63 }),
        priority: fc.integer({ min: 1, max: 3 }),
        declares: fc.boolean(),
      }),
      { maxLength: 6 },
    ),
    values: fc.array(fc.constantFrom("a", "a", "a", "b", "b", "c", null), { minLength: 8, maxLength: 8 }),
    global: fc.boolean(),
  })
  .map(({ count, made, values, global }) => {
    const hosts = Array.from({ length: count }, (_, index) => `h${index}`);
    const groups = new Map<string, { hosts: string[]; children: string[] }>();
    const inside = new Set<string>();
    made.forEach(({ bits, below }, index) => {
      const children = made.flatMap((_, other) =>
        other > index && (below >> other) % 2 === 1 ? [`g${other}`] : [],
      );
      for (const child of children) inside.add(child);
      groups.set(`g${index}`, { hosts: hosts.filter((_, host) => (bits >> host) % 2 === 1), children });
    });
    const grouped = new Set([...groups.values()].flatMap((group) => group.hosts));
    const top = [...groups.keys()].filter((name) => !inside.has(name));
    groups.set("ungrouped", { hosts: hosts.filter((host) => !grouped.has(host)), children: [] });
    groups.set("all", { hosts: [], children: ["ungrouped", ...top] });
    return {
      groups,
      hosts,
      priorities: new Map(made.map(({ priority }, index) => [`g${index}`, priority])),
      wanted: new Map(
        hosts.flatMap((host, index) => (values[index] == null ? [] : [[host, values[index]] as const])),
      ),
      declared: new Set([
        ...made.flatMap(({ declares }, index) => (declares ? [`g${index}`] : [])),
        ...(global ? ["all"] : []),
      ]),
    };
  });

function placesOf({ groups, hosts, wanted, declared }: Fleet): Place<string>[] {
  return placements(groups, hosts, wanted, declared);
}

test("through Ansible's precedence each host has exactly its value, whatever the groups and their priorities", () => {
  fc.assert(
    fc.property(fleet, (one) => {
      const places = placesOf(one);
      assert.equal(new Set(places.map(({ level, name }) => `${level} ${name}`)).size, places.length);
      for (const host of one.hosts)
        assert.equal(effective(one, places, host) ?? null, one.wanted.get(host) ?? null, host);
    }),
    { numRuns: runs },
  );
});

describe("the real ansible-inventory", { skip: withoutAnsible }, () => {
  test("gives each host exactly its value, in random inventories", { timeout: 300_000 }, () => {
    const numRuns = roundsFrom("INVENTORIES", 3, 10);
    const samples = fc.sample(fleet, { numRuns, seed: 6 }).filter(({ wanted }) => wanted.size > 0);
    assert.ok(samples.length > numRuns / 2);
    for (const one of samples) {
      const found = throughAnsible(one, placesOf(one));
      for (const host of one.hosts)
        assert.equal(
          found.get(host) ?? null,
          one.wanted.get(host) ?? null,
          `${host} in ${JSON.stringify([...one.groups])}`,
        );
    }
  });

  test("says what the model of its precedence says, ties by priority too", { timeout: 300_000 }, () => {
    for (const one of fc.sample(fleet, { numRuns: roundsFrom("INVENTORIES", 2, 6), seed: 7 })) {
      // Every group has a value of its own: whose a host has is the whole question.
      const named = [...one.groups.keys()].filter((name) => name !== "ungrouped");
      const places = named.map((name): Place<string> => ({ level: "group", name, value: name }));
      const found = throughAnsible(one, places);
      for (const host of one.hosts)
        assert.equal(
          found.get(host),
          effective(one, places, host),
          `${host} in ${JSON.stringify([...one.groups])}`,
        );
    }
  });
});

describe("values stand where an operator would put them", () => {
  const groups: Groups = new Map([
    ["all", { hosts: [], children: ["compute", "ungrouped"] }],
    ["compute", { hosts: ["h1"], children: ["sriov"] }],
    ["sriov", { hosts: ["h2", "h3"], children: [] }],
  ]);
  const at = (wanted: Record<string, string>, declared: string[]) =>
    placements(groups, ["h1", "h2", "h3"], new Map(Object.entries(wanted)), new Set(declared)).map(
      ({ level, name, value }) => `${level} ${name}: ${value}`,
    );

  test("at the levels of the declarations: global, group and host", () => {
    assert.deepEqual(at({ h1: "a", h2: "b", h3: "c" }, ["all", "sriov"]).sort(), [
      "group all: a",
      "group sriov: b",
      "host h3: c",
    ]);
  });
  test("at the widest group of one mind, where nothing is known of declarations", () => {
    assert.deepEqual(at({ h1: "a", h2: "a", h3: "a" }, []), ["group all: a"]);
    assert.deepEqual(at({ h1: "a", h2: "b", h3: "b" }, []), ["group sriov: b", "host h1: a"]);
  });
  test("a host that has none inherits none", () => {
    assert.deepEqual(at({ h2: "b", h3: "b" }, []), ["group sriov: b"]);
    assert.deepEqual(at({ h1: "a", h2: "a" }, ["all"]), ["group all: a", "host h3: null"]);
  });
  test("one host of another kind does not scatter the others", () => {
    const names = Array.from({ length: 100 }, (_, index) => `x${index}`);
    const wanted = new Map(names.map((name, index) => [name, index === 7 ? "odd" : "same"]));
    assert.deepEqual(
      placements(new Map([["all", { hosts: names, children: [] }]]), names, wanted, new Set(["all"])),
      [
        { level: "group", name: "all", value: "same" },
        { level: "host", name: "x7", value: "odd" },
      ],
    );
  });
});
