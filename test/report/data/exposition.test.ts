import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import fc from "fast-check";
import { exposition } from "../../../src/report/data/exposition.ts";
import { noPromtool, parseExposition } from "../../support/promtool.ts";

describe("Prometheus' text format", () => {
  test("whatever a label's value is, a reader gets it back, without control characters", () => {
    const value = fc.string({
      unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
    });
    fc.assert(
      fc.property(value, value, (one, other) => {
        const text = exposition([
          { name: "x", help: one, type: "gauge", samples: [{ labels: { a: one, b: other }, value: 1 }] },
        ]);
        const [sample] = parseExposition(text).samples;
        const kept = (from: string) =>
          from.toWellFormed().replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]/g, "\ufffd");
        assert.deepEqual(
          sample?.labels,
          Object.fromEntries(
            Object.entries({ a: kept(one), b: kept(other) }).filter(([, each]) => each !== ""),
          ),
        );
      }),
    );
  });

  test("promtool reads what is hard to write", { skip: noPromtool() }, () => {
    const labels = { a: 'back\\slash "quoted"\nnext', b: "nul\0 esc\x1b[2J \ud800 half", c: "\\n" };
    const input = exposition([
      { name: "vflag_x", help: "A \\ and\na line.", type: "gauge", samples: [{ labels, value: 0.5 }] },
    ]);
    const { status, stderr } = spawnSync("promtool", ["check", "metrics"], { input, encoding: "utf8" });
    assert.deepEqual([status, stderr], [0, ""]);
  });

  test("the same series twice is written once; without samples nothing is", () => {
    const samples = [1, 2].map((value) => ({ labels: { a: "b", empty: "" }, value }));
    const text = exposition([
      { name: "x", help: "X.", type: "gauge", samples },
      { name: "y", help: "Y.", type: "gauge", samples: [] },
    ]);
    assert.equal(text, '# HELP x X.\n# TYPE x gauge\nx{a="b"} 1\n');
  });
});
