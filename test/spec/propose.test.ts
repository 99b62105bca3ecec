import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { observeWorld } from "../../src/host/simulated/host.ts";
import { isUnknown } from "../../src/host/state/observed.ts";
import type { HostState } from "../../src/host/state/state.ts";
import { loadSpec } from "../../src/spec/load.ts";
import { proposeSpec } from "../../src/spec/propose.ts";
import { fresh } from "../support/hosts.ts";
import { payload } from "../support/payloads.ts";

test("a model's name adds nothing to the proposed spec, whatever is in it", () => {
  const state = observeWorld(fresh());
  const usual = parse(proposeSpec(state) ?? "");
  for (const model of [
    `x${payload}`,
    "x\n    vfs: 64\n    mode: sriov",
    'x" # y',
    "x\u0085kernel: {}",
    "x\u2028kernel: {}",
  ]) {
    const text = proposeSpec({ ...state, pfs: state.pfs.map((pf) => ({ ...pf, model })) }) ?? "";
    assert.deepEqual(parse(text), usual);
    assert.doesNotMatch(text, /(?!\n)\p{Cc}|\p{Cf}/u);
    loadSpec(text, "proposed");
    const [, quoted = ""] = /# (".*") at /.exec(text) ?? [];
    assert.equal(parse(quoted), model);
  }
});

test("what is no port for VFs of Ethernet is not proposed, and named with the reason", () => {
  const state = observeWorld(fresh());
  const [first, second] = state.pfs;
  assert.ok(first !== undefined && second !== undefined);
  const proposed = (change: Partial<HostState>) => proposeSpec({ ...state, ...change }) ?? "";
  const ib = state.netdevs.map((netdev) =>
    netdev.name === first.netdev ? { ...netdev, mac: null, infiniband: true as const } : netdev,
  );
  assert.match(
    proposed({ netdevs: ib }),
    /^# Not proposed: ens3f0 \(0000:37:00\.0\): InfiniBand\. .*link: infiniband$/m,
  );
  assert.match(proposed({ netdevs: ib }), /ports: \[ens3f1\]/);
  assert.ok(!isUnknown(state.devlinkPorts));
  const host = { index: 7, flavour: "pcipf", netdev: null, port: null, pf: 0, vf: null, controller: 1 };
  const dpu = state.pfs.map(({ address }) => ({ ...host, handle: `pci/${address}` }));
  assert.equal(proposeSpec({ ...state, devlinkPorts: [...state.devlinkPorts, ...dpu] }), null);
  const pfs = [first, { ...second, driver: null }];
  assert.match(proposed({ pfs }), /^# Not proposed: ens3f1 .*: no driver is bound to it$/m);
  const none = { ...second, driver: "ixgbe", sriov: { ...(second.sriov ?? assert.fail()), total: 0 } };
  assert.match(proposed({ pfs: [first, none] }), /: it offers no VF$/m);
  loadSpec(proposed({ netdevs: ib }), "proposed");
});
