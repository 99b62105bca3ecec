import assert from "node:assert/strict";
import { test } from "node:test";
import type { Guest } from "../../src/host/state/guests.ts";
import { freeingText, heldVf } from "../../src/requirements/held-vfs.ts";
import { booted, vfLagSpec } from "../support/hosts.ts";
import { hold, vfOf } from "./view.ts";

/** What is said of a VF that a process holds, where it is known whose that process is. */
async function told(...guests: readonly Record<string, unknown>[]) {
  const world = await booted(vfLagSpec);
  const vf = vfOf(world, 0, 0);
  hold(vf);
  const known = { guests: guests.map((guest) => ({ ...guest, vfs: [vf.address] }) as Guest) };
  return [heldVf(vf, known)?.replace(/^VF 0 \(\S+\) /, ""), freeingText(vf, known)];
}

const domain = { kind: "domain", uuid: "ea0f0f5c", title: "web1", running: true, pid: 4711 };

test("a guest of Nova's is told as OpenStack knows it, with OpenStack's command", async () => {
  assert.deepEqual(await told({ ...domain, name: "instance-0000001a" }), [
    "in use by instance web1 (ea0f0f5c, domain instance-0000001a)",
    "openstack server stop ea0f0f5c, or migrate it",
  ]);
});

test("a domain of somebody else's, a container, QEMU alone", async () => {
  assert.deepEqual(await told({ ...domain, name: "db's guest" }), [
    "in use by domain db's guest",
    "virsh shutdown 'db'\\''s guest'",
  ]);
  assert.deepEqual(await told({ kind: "container", engine: "podman", id: "abc", name: "dpdk", pid: 4711 }), [
    "in use by podman's container dpdk",
    "podman stop dpdk",
  ]);
  assert.equal(
    (await told({ kind: "machine", name: "lab", uuid: null, pid: 4711 }))[0],
    "in use by QEMU lab (process 4711)",
  );
});

test("where nobody knows the guest, or it does not run, what holds the VF is told", async () => {
  const plain = ["in use by process 4711 (qemu-kvm)", "stop what uses it, or move the guest away"];
  assert.deepEqual(await told(), plain);
  assert.deepEqual(await told({ ...domain, name: "instance-0000001a", running: false }), plain);
});
