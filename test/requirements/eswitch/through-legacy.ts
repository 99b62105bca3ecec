import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action } from "../../../src/host/actions/action.ts";
import type { Requirement } from "../../../src/requirements/requirement.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { booted, fresh, spec } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, check, hold, pfOf, vfOf, whyNotAsked } from "../view.ts";

/**
 * Options of an eSwitch that take effect on the way to switchdev only: a port that is there goes back to
 * legacy first.
 */

export function switchdevWith(option: string): Spec {
  return spec(
    `{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0], vfs: 3, eswitch: {${option}}}]}`,
  );
}

export const plain = switchdevWith("");
export const pf = pfOf(fresh()).address;

/** What such options have in common. @param set what sets the one of the spec in legacy mode */
export function testWayThroughLegacy(
  option: string,
  requirement: Requirement,
  wanted: Spec,
  set: Action,
): void {
  test("it is asked where the spec declares it", () => {
    assert.equal(whyNotAsked(requirement, plain, fresh()), `the spec declares no eswitch.${option}`);
    assert.equal(whyNotAsked(requirement, wanted, fresh()), null);
  });

  test("what is not declared, or is so already, needs nothing", async () => {
    const world = await booted(plain);
    assert.deepEqual(check(requirement, plain, world), []);
    const asItIs = switchdevWith("steering: smfs, encap: true, inline: none");
    assert.deepEqual(check(requirement, asItIs, world), []);
  });

  test("of an eSwitch that could not be looked at nothing is said: `model` and `eswitch-mode` do", () => {
    const world = fresh();
    pfOf(world).eswitch = { unknown: "devlink gave no answer" };
    assert.deepEqual(check(requirement, wanted, world), []);
  });

  test("in legacy mode it is set as it stands", () => {
    assert.deepEqual(actionsOf(check(requirement, wanted, fresh())), [set]);
  });

  test("in switchdev mode VFs are unbound, the mode goes to legacy, and then it is set", async () => {
    const world = await booted(plain);
    assert.deepEqual(actionsOf(check(requirement, wanted, world)), [
      { kind: "ask-eswitch-mode", pf, mode: "switchdev" },
      ...[0, 1, 2].map((index) => ({
        kind: "unbind-vf",
        pf,
        vf: vfOf(world, 0, index).address,
        driver: "mlx5_core",
      })),
      { kind: "set-eswitch-mode", pf, mode: "legacy" },
      set,
    ]);
  });

  test("only VFs that have the NIC's own driver are unbound", async () => {
    const world = await booted(plain);
    vfOf(world, 0, 0).driver = null;
    vfOf(world, 0, 1).driver = "vfio-pci";
    assert.deepEqual(
      actionsOf(check(requirement, wanted, world)).flatMap((action) =>
        action.kind === "unbind-vf" ? [action.vf] : [],
      ),
      [vfOf(world, 0, 2).address],
    );
  });

  const errors = (world: Parameters<typeof check>[2]) =>
    brief(check(requirement, wanted, world)).map(({ severity, remedy }) => [severity, remedy]);

  test("a VF in use is in the way, and a person is told which", async () => {
    const world = await booted(plain);
    hold(vfOf(world, 0, 1));
    assert.deepEqual(errors(world), [["error", "person"]]);
    assert.equal(
      adviceOf(check(requirement, wanted, world)),
      "the eSwitch must go through legacy mode for this, which cuts off VFs in use: " +
        `VF 1 (${vfOf(world, 0, 1).address}) in use by process 4711 (qemu-kvm)`,
    );
  });

  test("so is the host's own traffic on the port", async () => {
    const world = await booted(plain);
    pfOf(world).users = [{ kind: "netdev", name: "storage", type: "vlan" }];
    assert.deepEqual(errors(world), [["error", "person"]]);
    assert.match(
      adviceOf(check(requirement, wanted, world)),
      /takes the host's own traffic off this port: vlan storage$/,
    );
  });
}
