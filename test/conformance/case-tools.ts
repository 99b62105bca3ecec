import assert from "node:assert/strict";
import type { Action } from "../../src/host/actions/action.ts";
import { ActionError, type Host } from "../../src/host/host.ts";
import type { PhysicalFunction } from "../../src/host/state/state.ts";
import { portsOf as portsIn, type Testbed } from "./testbed.ts";

/** What the cases are made of. */

/**
 * What a host must allow, refuse and answer. One case is one behaviour of the kernel or of the NIC's driver.
 */
export interface Case {
  readonly title: string;
  readonly needs:
    | "sriov"
    | "eswitch"
    | "rules"
    | "no-rules"
    | "encap"
    | "steering"
    | "smfs"
    | "no-smfs"
    | "lag";
  readonly run: (host: Host, bed: Testbed) => Promise<void>;
}

/** The NIC under test: the PFs of the first card. */
export async function portsOf(host: Host): Promise<PhysicalFunction[]> {
  return portsIn(await host.observe());
}

export async function port(host: Host): Promise<PhysicalFunction> {
  return first(await portsOf(host));
}

export async function portNames(host: Host): Promise<string[]> {
  return (await portsOf(host)).map(nameOf);
}

export async function createVfs(host: Host, count: number, pf?: PhysicalFunction): Promise<void> {
  const { address } = pf ?? (await port(host));
  await host.perform({ kind: "set-vf-autoprobe", pf: address, on: false });
  await host.perform({ kind: "set-vf-count", pf: address, count });
}

export async function switchdev(host: Host): Promise<void> {
  await host.perform({ kind: "set-eswitch-mode", pf: (await port(host)).address, mode: "switchdev" });
}

export async function bothSwitchdev(host: Host): Promise<void> {
  for (const pf of await portsOf(host)) {
    await createVfs(host, 1, pf);
    await host.perform({ kind: "set-eswitch-mode", pf: pf.address, mode: "switchdev" });
  }
}

export async function refused(host: Host, action: Action, code: string, words = /(?:)/): Promise<void> {
  await assert.rejects(host.perform(action), (error: unknown) => {
    assert.ok(error instanceof ActionError, `${String(error)} is no ActionError`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  });
}

/** Waits for what udev or a driver does on its own, 10 s at most. */
export async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await condition()) return;
    await pause(100);
  }
  assert.fail("it did not come about within 10 s");
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export function nameOf(pf: PhysicalFunction): string {
  assert.ok(pf.netdev !== null, `${pf.address} has no netdev`);
  return pf.netdev;
}

export function first<T>(list: readonly T[]): T {
  const [value] = list;
  assert.ok(value !== undefined, "an empty list");
  return value;
}
