import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { observeWorld } from "../../src/host/simulated/host.ts";
import { loadSpec } from "../../src/spec/load.ts";
import { proposeSpec } from "../../src/spec/propose.ts";
import { fresh } from "../support/hosts.ts";
import { payload } from "../support/payloads.ts";

test("a model's name adds nothing to the proposed spec, whatever is in it", () => {
  const state = observeWorld(fresh());
  const usual = parse(proposeSpec(state) ?? "");
  for (const model of [`x${payload}`, "x\n    vfs: 64\n    mode: sriov", 'x" # y', "x\u0085kernel: {}", "x\u2028kernel: {}"]) {
    const text = proposeSpec({ ...state, pfs: state.pfs.map((pf) => ({ ...pf, model })) }) ?? "";
    assert.deepEqual(parse(text), usual);
    assert.doesNotMatch(text, /(?!\n)\p{Cc}|\p{Cf}/u);
    loadSpec(text, "proposed");
    const [, quoted = ""] = /# (".*") at /.exec(text) ?? [];
    assert.equal(parse(quoted), model);
  }
});
