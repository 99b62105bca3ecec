import assert from "node:assert/strict";
import { test } from "node:test";
import { OvsdbFormatError, type OvsdbRow, parseTables } from "../../../../src/host/linux/ovs/ovsdb.ts";

/** Answers as ovs-vsctl 3.1 prints them, and the other shapes that RFC 7047 allows. */

const uuids = ["33bcf9f5-c7d8-4dde-bcb9-4f1d614ab8a9", "342cb507-f6ad-422b-87d4-99525a3cc199"] as const;

/** The first row of a table of one row. */
function row(cells: Readonly<Record<string, unknown>>): OvsdbRow {
  const table = { data: [Object.values(cells)], headings: Object.keys(cells) };
  const [[first] = []] = parseTables(`${JSON.stringify(table)}\n`, 1);
  assert.ok(first !== undefined);
  return first;
}

test("an interface that failed and one that works are told apart", () => {
  const line =
    '{"data":[[["uuid","8d998784-5328-40ab-8ec7-3e701ee95604"],"p1","dummy",1,["set",[]],["map",[["iface-id","a b"]]]],' +
    '[["uuid","ded66186-4247-478f-8c4e-74f7761b8e11"],"nosuch0","",-1,"could not open network device nosuch0 (No such device)",["map",[]]]],' +
    '"headings":["_uuid","name","type","ofport","error","external_ids"]}\n';
  const [[works, failed] = []] = parseTables(line, 1);
  assert.ok(works !== undefined && failed !== undefined);
  assert.deepEqual(
    [works.text("name"), works.optionalInteger("ofport"), works.optionalText("error")],
    ["p1", 1, null],
  );
  assert.equal(works.map("external_ids").get("iface-id"), "a b");
  assert.deepEqual(
    [failed.text("type"), failed.optionalInteger("ofport"), failed.optionalText("error")],
    ["", -1, "could not open network device nosuch0 (No such device)"],
  );
  assert.deepEqual(failed.uuids("_uuid"), ["ded66186-4247-478f-8c4e-74f7761b8e11"]);
});

test("a set of none, one and two; one may stand without its set", () => {
  const [a, b] = uuids;
  assert.deepEqual(row({ ports: ["set", []] }).uuids("ports"), []);
  assert.deepEqual(row({ ports: ["uuid", a] }).uuids("ports"), [a]);
  assert.deepEqual(row({ ports: ["set", [["uuid", a]]] }).uuids("ports"), [a]);
  const both = [
    "set",
    [
      ["uuid", a],
      ["uuid", b],
    ],
  ] as const;
  assert.deepEqual(row({ ports: both }).uuids("ports"), [a, b]);
  assert.equal(row({ ofport: ["set", []] }).optionalInteger("ofport"), null);
  assert.equal(row({ version: ["set", ["3.1.0"]] }).text("version"), "3.1.0");
});

test("a map's values are strings, with whatever is in them", () => {
  const config = row({
    other_config: [
      "map",
      [
        ["hw-offload", "true"],
        ["tc-policy", "skip_sw"],
        ["x", '{"y": "=,\\n"}'],
      ],
    ],
  });
  assert.deepEqual(
    [...config.map("other_config")],
    [
      ["hw-offload", "true"],
      ["tc-policy", "skip_sw"],
      ["x", '{"y": "=,\\n"}'],
    ],
  );
});

test("several tables are told by their order, and columns by their names", () => {
  const tables = [
    '{"headings":["b","a"],"data":[["2","1"]],"caption":"first"}',
    '{"data":[],"headings":[]}',
  ].join("\n");
  const [[first] = [], second] = parseTables(tables, 2);
  assert.deepEqual([first?.text("a"), first?.text("b"), second], ["1", "2", []]);
});

test("what is not understood is said, not guessed", () => {
  const wrong: readonly (() => unknown)[] = [
    () => parseTables("", 1),
    () => parseTables("{}\n", 1),
    () => parseTables("ovs-vsctl: no such table\n", 1),
    () => parseTables('{"data":[[1,2]],"headings":["a"]}\n', 1),
    () => parseTables('{"data":[1],"headings":["a"]}\n', 1),
    () => parseTables('{"data":[],"headings":[]}\n', 2),
    () => row({ a: "x" }).text("b"),
    () => row({ a: ["set", []] }).text("a"),
    () => row({ a: ["set", ["x", "y"]] }).optionalText("a"),
    () => row({ a: 1 }).text("a"),
    () => row({ a: 1.5 }).optionalInteger("a"),
    () => row({ a: "x" }).uuids("a"),
    () => row({ a: ["named-uuid", "x"] }).uuids("a"),
    () => row({ a: ["set", []] }).map("a"),
    () => row({ a: ["map", [["k", 1]]] }).map("a"),
    () =>
      row({
        a: [
          "map",
          [
            ["k", "1"],
            ["k", "2"],
          ],
        ],
      }).map("a"),
  ];
  for (const call of wrong) assert.throws(call, OvsdbFormatError);
});
