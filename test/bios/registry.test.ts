import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assess } from "../../src/bios/assess.ts";
import { lockOf } from "../../src/bios/dependencies.ts";
import { planOf } from "../../src/bios/plan.ts";
import { readRegistry } from "../../src/bios/registry.ts";
import { roundsFrom } from "../support/count.ts";
import { choice, dell, hpe, registryData, registryOf, surveyOf } from "./machines.ts";

test("what is no registry is refused in words; an entry that is not as it should be is left out alone", () => {
  for (const wrong of [
    null,
    7,
    "x",
    [],
    {},
    { RegistryEntries: {} },
    { RegistryEntries: { Attributes: "all" } },
  ])
    assert.ok("problem" in readRegistry(wrong));
  const registry = readRegistry({
    RegistryEntries: { Attributes: [null, { AttributeName: 7 }, choice("A", "a"), { AttributeName: "B" }] },
  });
  assert.ok("attributes" in registry);
  assert.deepEqual([...registry.attributes.keys()], ["A", "B"]);
  assert.equal(registry.attributes.get("B")?.type, "");
});

test("conditions join from the first to the last, and compare as the standard says", () => {
  const at = (
    terms: readonly [string | undefined, string, string, unknown][],
    values: Record<string, unknown>,
  ) => {
    const conditions = terms.map(([term, name, condition, value]) => ({
      ...(term === undefined ? {} : { MapTerms: term }),
      ...{
        MapFromAttribute: name,
        MapFromProperty: "CurrentValue",
        MapFromCondition: condition,
        MapFromValue: value,
      },
    }));
    const dependency = {
      MapFrom: conditions,
      MapToAttribute: "X",
      MapToProperty: "ReadOnly",
      MapToValue: true,
    };
    const machine = { ...dell, entries: [choice("X", "x")], dependencies: [{ Dependency: dependency }] };
    return lockOf(registryOf(machine), "X", new Map(Object.entries(values))) !== null;
  };
  assert.equal(at([[undefined, "A", "EQU", "on"]], { A: "on" }), true);
  assert.equal(at([[undefined, "A", "NEQ", "on"]], { A: "on" }), false);
  assert.equal(at([[undefined, "N", "GTR", 4]], { N: 4 }), false);
  assert.equal(at([[undefined, "N", "GEQ", 4]], { N: 4 }), true);
  assert.equal(at([[undefined, "N", "LSS", 4]], { N: 3 }), true);
  assert.equal(at([[undefined, "N", "LEQ", 4]], { N: 5 }), false);
  assert.equal(at([[undefined, "N", "GTR", 4]], { N: "9" }), false);
  const terms: [string | undefined, string, string, unknown][] = [
    [undefined, "A", "EQU", 1],
    ["OR", "B", "EQU", 1],
    ["AND", "C", "EQU", 1],
  ];
  assert.equal(at(terms, { A: 1, B: 0, C: 0 }), false);
  assert.equal(at(terms, { A: 1, B: 0, C: 1 }), true);
  assert.equal(at([[undefined, "gone", "EQU", 1]], {}), false);
});

test("an attribute that a dependency makes read-only names what it depends on", () => {
  const registry = registryOf(hpe);
  const values = new Map<string, unknown>(
    Object.entries({ ...hpe.attributes, ProcAmdVirtualization: "Disabled" }),
  );
  assert.match(lockOf(registry, "ProcAmdIOMMU", values) ?? "", /ProcAmdVirtualization is Disabled/);
  assert.equal(lockOf(registry, "Sriov", values), null);
});

test("a value that is neither text, number nor truth is shown as the service sent it, and not known", () => {
  const attributes = new Map<string, unknown>([["ProcVirtualization", JSON.parse('{"toString":{}}')]]);
  const { features } = assess(surveyOf(dell, {}, { attributes }));
  const settings = features.flatMap(({ feature, settings }) =>
    settings.map(({ value, standing }) => [feature, value, standing]),
  );
  assert.deepEqual(settings, [
    ["virtualization", '{"toString":{}}', "unknown"],
    ["iommu", '{"toString":{}}', "unknown"],
  ]);
});

test("whatever a service sends, it is judged in words, and only what its registry lists is set", () => {
  const anEntry = fc.record({
    AttributeName: fc.constantFrom(...Object.keys(dell.attributes), "", "__proto__"),
    Type: fc.constantFrom("Enumeration", "Boolean", "Password", 7),
    Value: fc.oneof(
      fc.jsonValue(),
      fc.array(fc.record({ ValueName: fc.constantFrom("Enabled", "Disabled", "Auto", "") })),
    ),
    ReadOnly: fc.oneof(fc.boolean(), fc.jsonValue()),
  });
  const registry = fc.oneof(
    fc.jsonValue(),
    fc.record({
      RegistryEntries: fc.record({ Attributes: fc.array(anEntry), Dependencies: fc.jsonValue() }),
    }),
  );
  fc.assert(
    fc.property(
      registry,
      fc.dictionary(fc.constantFrom(...Object.keys(dell.attributes)), fc.jsonValue()),
      (data, values) => {
        const read = readRegistry(data);
        const survey = surveyOf(dell, {}, { registry: read, attributes: new Map(Object.entries(values)) });
        const { request } = planOf(assess(survey), survey);
        for (const [name, value] of Object.entries(request?.body.Attributes ?? {})) {
          assert.ok("attributes" in read);
          const attribute = read.attributes.get(name);
          assert.ok(attribute?.readOnly === false);
          assert.ok(attribute.type === "Boolean" ? value === true : attribute.values.includes(String(value)));
        }
      },
    ),
    { numRuns: roundsFrom("REGISTRY_ROUNDS", 20, 2000) },
  );
  assert.ok("attributes" in readRegistry(registryData(dell)));
});
