import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import * as z from "zod";
import { compiled } from "../../../src/host/schema/compiled-schema.ts";
import { HostState } from "../../../src/host/state/state.ts";
import { roundsFrom } from "../../support/count.ts";
import { goldenNames, readGolden } from "../../support/golden.ts";
import { kindOf, placesOf } from "../../support/places.ts";

/** The compiled schema takes what zod takes, and makes the same of it. */

const names = goldenNames();
const read = compiled(HostState, 20);
const copy = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const others: readonly unknown[] = [
  ...[
    null,
    true,
    0,
    -1,
    1.5,
    1e300,
    2 ** 53,
    "",
    "x",
    "0000:37:00.0",
    "24:8a:07:b4:30:8a",
    "legacy",
    "a name",
    "ünïcödé".repeat(4),
  ],
  ...[
    [],
    [null],
    {},
    { unknown: "why" },
    { unknown: 1 },
    { unknown: "why", more: 1 },
    { kind: "process" },
    "2026-01-01T00:00:00Z",
  ],
];
const other = fc.constantFrom<unknown>(...others);

/** One change to a state: another value, one less, one more, or the keys of an object the other way round. */
const change = fc.record({
  at: fc.nat(1_000_000),
  how: fc.constantFrom("set", "remove", "add", "turn" as const),
  value: other,
});

function changed(state: unknown, changes: readonly { at: number; how: string; value: unknown }[]): unknown {
  const whole = { state: copy(state) };
  for (const { at, how, value } of changes) {
    const places = placesOf(whole.state);
    const place = ["state", ...(places[at % places.length] ?? [])];
    const holder = place.slice(0, -1).reduce<object>((object, key) => Reflect.get(object, key), whole);
    const last = place.at(-1) ?? "";
    const inner: unknown = Reflect.get(holder, last);
    if (how === "set") Reflect.set(holder, last, copy(value));
    else if (how === "remove" && Array.isArray(holder)) holder.splice(Number(last), 1);
    else if (how === "remove" && holder !== whole) Reflect.deleteProperty(holder, last);
    else if (typeof inner !== "object" || inner === null) continue;
    else if (how === "turn" && !Array.isArray(inner))
      Reflect.set(holder, last, Object.fromEntries(Object.entries(inner).reverse()));
    else if (how === "add" && Array.isArray(inner)) inner.push(copy(value));
    else if (how === "add") Reflect.set(inner, "more", copy(value));
  }
  return whole.state;
}

describe("the compiled schema of a state", () => {
  test("every golden state reads as zod reads it, whatever the order of its keys", () => {
    for (const name of names) {
      const { state } = readGolden(name);
      for (const data of [copy(state), changed(state, [{ at: 0, how: "turn", value: null }])]) {
        const wanted = HostState.parse(copy(data));
        const found = read(data);
        assert.ok("data" in found, name);
        assert.deepEqual(found.data, wanted, name);
      }
    }
  });

  test("a changed state is taken or refused as zod does", () => {
    const numRuns = roundsFrom("PROPERTY_RUNS", 100, 400);
    let refused = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (name, changes) => {
          const data = changed(readGolden(name).state, changes);
          const wanted = HostState.safeParse(copy(data));
          const before = copy(data);
          const found = read(data);
          assert.equal(
            "data" in found,
            wanted.success,
            "problems" in found ? found.problems.join("\n") : "it was taken",
          );
          if ("data" in found) {
            assert.deepEqual(found.data, wanted.data);
            assert.equal(
              found.filled,
              !isDeepStrictEqual(before, wanted.data),
              "it says whether something was missing",
            );
          } else {
            refused += 1;
            assert.ok(found.problems.length > 0 && found.problems.length <= 20);
            assert.ok(found.problems.every((problem) => problem.startsWith("✖ ")));
          }
        },
      ),
      { numRuns },
    );
    assert.ok(refused > numRuns / 8, `${refused} refused`);
  });

  test("in every place of a state that differs from others, any other value is taken or refused as zod does", () => {
    // Each place has some of the values, where somebody waits: another place has the others.
    const share = roundsFrom("VALUES", 5, others.length);
    const seen = new Set<string>();
    for (const name of names) {
      const { state } = readGolden(name);
      for (const place of placesOf(state)) {
        const kind = kindOf(place);
        if (place.length < 2 || seen.has(kind)) continue;
        seen.add(kind);
        // The part of the state that it is in, for speed; the whole is what the other test is for.
        const [top = ""] = place;
        const from = (seen.size * share) % others.length;
        for (const value of [...others, ...others].slice(from, from + share)) {
          const part = {
            ...state,
            pfs: [],
            netdevs: [],
            representors: [],
            [top]: copy(Reflect.get(state, top)),
          };
          const holder = place.slice(0, -1).reduce<object>((object, key) => Reflect.get(object, key), part);
          Reflect.set(holder, place.at(-1) ?? "", copy(value));
          const wanted = HostState.safeParse(copy(part)).success;
          assert.equal("data" in read(part), wanted, `${kind}: ${JSON.stringify(value)}`);
        }
      }
    }
    assert.ok(seen.size > 150, `${seen.size} kinds of places`);
  });

  test("what is wrong is named with its place; of very much that is wrong, the first of it", () => {
    const { state } = readGolden("ovs-works");
    const one = read({
      ...state,
      kernel: 5,
      netdevs: state.netdevs.map((netdev, index) => (index === 1 ? { ...netdev, mtu: "x" } : netdev)),
    });
    assert.deepEqual("problems" in one && one.problems, [
      "✖ Invalid input: expected string, received number\n  → at kernel",
      "✖ Invalid input: expected number, received string\n  → at netdevs[1].mtu",
    ]);
    const many = read({ ...state, netdevs: Array.from({ length: 100_000 }, () => ({})) });
    assert.equal("problems" in many && many.problems.length, 20);
    const unknown = read({ ...state, guests: { unknown: 5 }, more: 1 });
    assert.deepEqual("problems" in unknown && unknown.problems, ['✖ Unrecognized key: "more"']);
  });

  test("a schema with something else in it is refused when it is compiled", () => {
    assert.throws(() => compiled(z.strictObject({ when: z.date() }), 1), /does not know it/);
    assert.throws(() => compiled(z.object({ any: z.string() }), 1), /strict objects only/);
  });
});
