import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Prepared, prepared } from "../../../src/fleet/reading/prepare.ts";
import { readReport } from "../../../src/fleet/reading/report.ts";
import { goldenNames, readGolden } from "../../support/golden.ts";

/**
 * What a host says is kept as it wrote it where that is the state and nothing else; otherwise it is written
 * again.
 */

const spec = { file: "/etc/vflag/vflag.yaml", text: 'version: 1 # ,"state":{"schema":"vflag/state/1",' };

function kept(answer: string): Omit<Prepared, "text"> & { readonly text: string } {
  const { text, ...rest } = prepared(readReport("hv1", answer, null));
  return { ...rest, text: Buffer.from(text).toString() };
}

describe("the text of a state", () => {
  for (const name of goldenNames()) {
    test(`${name}: the same, whoever wrote the host's answer and however`, () => {
      const { state } = readGolden(name);
      const { observedAt, ...timeless } = state;
      const wanted = JSON.stringify(timeless);
      const wrapped = { schema: "vflag/host/1", spec, state };
      for (const said of [state, wrapped]) {
        assert.equal(kept(JSON.stringify(said)).text, wanted, "compact");
        assert.equal(kept(`${JSON.stringify(said)}\n`).text, wanted, "with a line's end");
        assert.equal(kept(JSON.stringify(said, null, 2)).text, wanted, "with blanks");
      }
      assert.equal(
        kept(JSON.stringify({ schema: "vflag/host/1", state, spec })).text,
        wanted,
        "the spec behind it",
      );
      assert.equal(kept(JSON.stringify(wrapped)).clock, Date.parse(observedAt));
      assert.equal(kept(JSON.stringify(wrapped)).spec?.text, spec.text);
    });
  }

  test("is JSON and the state, whatever tricks the answer plays", () => {
    const { state } = readGolden("ovs-works");
    const { refused: _, ...older } = state;
    const { observedAt, ...timeless } = state;
    const text = JSON.stringify(state);
    const head = JSON.stringify({ schema: "vflag/host/1", spec });
    const other = JSON.stringify({ ...state, hostname: "other" });
    const answers = {
      "a default is missing": JSON.stringify(older),
      "the time is not where it is": JSON.stringify({ observedAt, ...timeless }),
      "the time twice": `${text.slice(0, -1)},"observedAt":${JSON.stringify(observedAt)}}`,
      "two states": `${head.slice(0, -1)},"state":${other},"state":${text}}`,
      "a state before the spec": `{"schema":"vflag/host/1","state":${text},"spec":null}`,
      "blanks in it": text.replace(',"pfs":', ' , "pfs" : '),
    };
    for (const [what, answer] of Object.entries(answers)) {
      const { text: stored } = kept(answer);
      const { observedAt: __, ...read } = JSON.parse(stored);
      assert.deepEqual(read, JSON.parse(JSON.stringify(timeless)), what);
    }
  });

  test("an answer with something behind it, or cut short, is refused", () => {
    const { state } = readGolden("ovs-works");
    const whole = JSON.stringify({ schema: "vflag/host/1", spec, state });
    for (const broken of [`${whole}}`, `${whole}{}`, whole.slice(0, -1), whole.slice(0, -2), `${whole} x`])
      assert.throws(() => kept(broken), /not valid JSON/);
    assert.throws(() => kept(whole.replace('"spec":', '"more":1,"spec":')), /"more" is no part of it/);
  });
});
