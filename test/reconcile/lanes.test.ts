import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action } from "../../src/host/actions/action.ts";
import { pciAddress } from "../../src/host/state/values.ts";
import { type LaneState, lanesOf } from "../../src/reconcile/lanes.ts";
import { dualPort, fresh } from "../support/hosts.ts";

const ports = [pciAddress("0000:37:00.0"), pciAddress("0000:37:00.1")] as const;
const card = "0000:37:00";
const { state }: { state: LaneState } = fresh();

/** Each action by itself, one after the other. */
function inTurn(actions: readonly Action[]): Action[][] {
  return actions.map((action) => [action]);
}

function vf(port: 0 | 1, index: number) {
  return pciAddress(`0000:37:0${port + 1}.${index}`);
}

function mode(port: 0 | 1): Action {
  return { kind: "set-eswitch-mode", pf: ports[port], mode: "switchdev" };
}

function bind(port: 0 | 1, index: number): Action {
  return { kind: "bind-vf", pf: ports[port], vf: vf(port, index), driver: "mlx5_core" };
}

function unbind(port: 0 | 1, index: number): Action {
  return { kind: "unbind-vf", pf: ports[port], vf: vf(port, index), driver: "mlx5_core" };
}

test("nothing to do has no lanes", () => {
  assert.deepEqual(lanesOf([], state), []);
});

test("ports of a card change their modes together, and stop at a failure", () => {
  const actions = [mode(0), mode(1)];
  assert.deepEqual(lanesOf(actions, state), [{ groups: [actions], stopsAt: "failures", card }]);
});

test("ports change their modes one after the other where their driver may not bear more", () => {
  const actions = [mode(0), mode(1)];
  const inTurnOn = (other: LaneState) =>
    assert.deepEqual(lanesOf(actions, other), [{ groups: inTurn(actions), stopsAt: "failures", card }]);
  for (const kernel of ["6.3.13", "6.1.0-40-amd64", "5.14.0-570.el9.x86_64", "4.18.0", "custom"])
    inTurnOn({ ...state, kernel });
  for (const kernel of ["6.4.0", "6.10.3", "6.12.95+deb12-amd64", "7.0.0-rc1", "10.1"]) {
    assert.deepEqual(lanesOf(actions, { ...state, kernel })[0]?.groups, [actions], kernel);
  }
  inTurnOn({ ...state, pfs: state.pfs.map((pf) => ({ ...pf, driver: "ice" })) });
  inTurnOn({
    ...state,
    pfs: state.pfs.map((pf, port) => ({ ...pf, driver: port === 0 ? "mlx5_core" : null })),
  });
});

test("only ways into the same mode, of different ports, with nothing between them, go together", () => {
  const legacy: Action = { kind: "set-eswitch-mode", pf: ports[1], mode: "legacy" };
  const steering: Action = { kind: "set-steering", pf: ports[1], steering: "smfs" };
  for (const actions of [
    [mode(0), legacy],
    [mode(0), mode(0)],
    [mode(0), steering, mode(1)],
  ]) {
    assert.deepEqual(lanesOf(actions, state), [{ groups: inTurn(actions), stopsAt: "failures", card }]);
  }
});

test("everything that is done to the card itself is one lane, in the order in which it was asked for", () => {
  const actions: Action[] = [
    { kind: "set-vf-autoprobe", pf: ports[1], on: false },
    { kind: "set-vf-count", pf: ports[1], count: 2 },
    { kind: "set-steering", pf: ports[0], steering: "smfs" },
    { kind: "set-inline", pf: ports[0], inline: "none" },
    { kind: "set-encap", pf: ports[0], encap: true },
    mode(0),
    { kind: "activate-lag", pf: ports[0], seconds: 10 },
  ];
  for (const action of actions)
    assert.deepEqual(lanesOf([action], state), [{ groups: [[action]], stopsAt: "failures", card }]);
  assert.deepEqual(lanesOf(actions, state), [{ groups: inTurn(actions), stopsAt: "failures", card }]);
});

test("a NIC with ports on two cards has a lane for each card", () => {
  const other: Action = { kind: "set-eswitch-mode", pf: pciAddress("0000:5d:00.0"), mode: "switchdev" };
  assert.deepEqual(lanesOf([mode(0), other, mode(1)], fresh([dualPort, dualPort]).state), [
    { groups: [[mode(0), mode(1)]], stopsAt: "failures", card },
    { groups: [[other]], stopsAt: "failures", card: "0000:5d:00" },
  ]);
});

test("each VF is bound in a lane of its own, and none waits for another", () => {
  const actions = [bind(0, 0), bind(0, 1), bind(1, 0)];
  assert.deepEqual(
    lanesOf(actions, state),
    actions.map((action) => ({ groups: [[action]], stopsAt: "nothing", card: null })),
  );
});

test("VFs of one port are unbound one after the other, those of two ports at the same time; a failure stops nothing", () => {
  assert.deepEqual(lanesOf([unbind(0, 0), unbind(1, 0), unbind(0, 1)], state), [
    { groups: [[unbind(0, 0)], [unbind(0, 1)]], stopsAt: "nothing", card: null },
    { groups: [[unbind(1, 0)]], stopsAt: "nothing", card: null },
  ]);
});

test("settings of netdevs share a lane, and a failure stops none of them", () => {
  const actions: Action[] = [
    { kind: "set-tc-offload", netdev: "ens3f0", on: true },
    { kind: "set-channels", netdev: "ens3f0", combined: 63 },
    { kind: "set-vf-settings", netdev: "ens3f0", vf: 0, settings: { trust: true } },
  ];
  assert.deepEqual(lanesOf(actions, state), [{ groups: inTurn(actions), stopsAt: "nothing", card: null }]);
});

test("settings and unbindings of one requirement do not wait for each other", () => {
  const set: Action = {
    kind: "set-vf-settings",
    netdev: "ens3f0",
    vf: 0,
    settings: { mac: "02:5d:00:00:00:00" },
  };
  assert.deepEqual(lanesOf([set, unbind(0, 1)], state), [
    { groups: [[set]], stopsAt: "nothing", card: null },
    { groups: [[unbind(0, 1)]], stopsAt: "nothing", card: null },
  ]);
});

test("an unbinding that prepares a mode change stays before it, and a failure keeps the mode as it is", () => {
  const actions = [unbind(0, 0), unbind(1, 0), mode(0), unbind(1, 1), mode(1)];
  const groups = [[unbind(0, 0)], [unbind(1, 0)], [mode(0)], [unbind(1, 1)], [mode(1)]];
  assert.deepEqual(lanesOf(actions, state), [{ groups, stopsAt: "failures", card }]);
});
