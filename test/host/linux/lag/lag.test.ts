import assert from "node:assert/strict";
import { test } from "node:test";
import { observeLag } from "../../../../src/host/linux/lag/lag.ts";
import { pciAddress } from "../../../../src/host/state/values.ts";
import { makeTree, type Tree } from "../tree.ts";

const pf = pciAddress("0000:37:00.0");
const kernel = "6.12.95+deb12-amd64";

function observe(
  test: Parameters<typeof makeTree>[0],
  debug: Tree,
  release = kernel,
  driver: string | null = "mlx5_core",
) {
  const root = makeTree(test, { "kernel/debug": debug });
  return { root, lag: observeLag(root, release, pf, driver) };
}

const active = {
  state: "active\n",
  type: "switchdev\n",
  port_sel_mode: "queue_affinity\n",
  flags: "shared_fdb:on\nfdb_selection_mode:native\n",
  mapping: "1:1\n2:2\n",
  members: "0000:37:00.0\n0000:37:00.1\n",
};

test("an active LAG is told with its type, its ports and what goes where", (t) => {
  assert.deepEqual(observe(t, { mlx5: { [pf]: { lag: active } } }).lag, {
    state: "active",
    type: "switchdev",
    source: "debugfs",
    portSelection: "queue_affinity",
    sharedFdb: true,
    mapping: ["1:1", "2:2"],
    members: ["0000:37:00.0", "0000:37:00.1"],
  });
});

test("a LAG that selects by hash shows its active ports", (t) => {
  const lag = { ...active, port_sel_mode: "hash\n", flags: "shared_fdb:off\n", mapping: "1\n2\n" };
  const found = observe(t, { mlx5: { [pf]: { lag } } }).lag;
  assert.deepEqual(
    found !== null && "mapping" in found && [found.mapping, found.sharedFdb, found.portSelection],
    [["1", "2"], false, "hash"],
  );
});

test("of a LAG that is disabled only its members are known", (t) => {
  // The kernel answers EINVAL for the rest; here the rest is from before, as when the LAG goes down between
  // two reads.
  assert.deepEqual(observe(t, { mlx5: { [pf]: { lag: { ...active, state: "disabled\n" } } } }).lag, {
    state: "disabled",
    type: null,
    source: "debugfs",
    portSelection: null,
    sharedFdb: null,
    mapping: [],
    members: ["0000:37:00.0", "0000:37:00.1"],
  });
});

test("a LAG that goes down while it is read has no type", (t) => {
  const found = observe(t, { mlx5: { [pf]: { lag: { state: "active\n", members: active.members } } } }).lag;
  assert.deepEqual(found !== null && "type" in found && [found.type, found.sharedFdb, found.mapping], [
    null,
    null,
    [],
  ]);
});

test("a driver other than mlx5 has no LAG", (t) => {
  assert.equal(observe(t, {}, kernel, "ice").lag, null);
  assert.equal(observe(t, {}, kernel, null).lag, null);
});

test("mlx5 shows no LAG directory for a card that can have none", (t) => {
  assert.equal(observe(t, { mlx5: { [pf]: { pages: {} } } }).lag, null);
});

test("a kernel before 5.19 cannot show it, unless its distribution has taught it to", (t) => {
  const old = "5.14.0-70.13.1.el9_0.x86_64";
  assert.deepEqual(observe(t, { mlx5: { [pf]: {} } }, old).lag, {
    unknown: `kernel ${old} does not show the LAG in debugfs (5.19 and later do)`,
  });
  const taught = observe(t, { mlx5: { [pf]: { lag: active } } }, old).lag;
  assert.equal(taught !== null && "state" in taught && taught.state, "active");
  assert.equal(observe(t, { mlx5: { [pf]: {} } }, "5.19.0").lag, null);
});

test("without debugfs nobody knows", (t) => {
  const { root, lag } = observe(t, {});
  assert.deepEqual(lag, { unknown: `debugfs is not mounted at ${root}/kernel/debug` });
  const other = observe(t, { sched: {} });
  assert.deepEqual(other.lag, { unknown: `debugfs has no directory ${other.root}/kernel/debug/mlx5/${pf}` });
});

test("a state or type that is new to vflag is unknown, never taken for another", (t) => {
  const odd = observe(t, { mlx5: { [pf]: { lag: { ...active, state: "warming up\n" } } } });
  assert.deepEqual(odd.lag, { unknown: `${odd.root}/kernel/debug/mlx5/${pf}/lag/state says "warming up"` });
  const type = observe(t, { mlx5: { [pf]: { lag: { ...active, type: "ring\n" } } } });
  assert.deepEqual(type.lag, { unknown: "the LAG has a type that is new to vflag: ring" });
});
