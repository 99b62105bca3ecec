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

const uuid = "ea0f0f5c-1111-4222-8333-444444444444";
const domain = { kind: "domain", uuid, title: "web1", running: true, pid: 4711 };

test("a guest of Nova's is told as OpenStack knows it, with OpenStack's command", async () => {
  assert.deepEqual(await told({ ...domain, name: "instance-0000001a" }), [
    `in use by instance web1 (${uuid}, domain instance-0000001a)`,
    `openstack server stop ${uuid}, or migrate it`,
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

test("several that have one VF are all told, and how each lets go", async () => {
  const container = { kind: "container", engine: "docker", id: "abc", name: "dpdk", pid: 4712 };
  assert.deepEqual(await told({ ...domain, name: "db" }, container), [
    "in use by domain db, docker's container dpdk",
    "virsh shutdown db; docker stop dpdk",
  ]);
  assert.deepEqual(
    await told({ ...domain, name: "db" }, { kind: "process", pid: 4713, command: "testpmd" }),
    ["in use by domain db, process 4713 (testpmd)", "virsh shutdown db; stop what else uses it"],
  );
});

test("what is no UUID stands in no command", async () => {
  const [name, way] = await told({ ...domain, name: "instance-0000001a", uuid: "x; reboot" });
  assert.equal(name, "in use by domain instance-0000001a");
  assert.equal(way, "virsh shutdown instance-0000001a");
});

test("an engine that has no command of its name to stop one with has another, or none", async () => {
  const container = { kind: "container", id: "0123456789abcdef", name: null, pid: 4711 };
  const way = async (engine: string) => (await told({ ...container, engine }))[1];
  assert.equal(await way("cri-o"), "delete its pod, or move it away (crictl ps --id 0123456789ab)");
  assert.match(String(await way("lxc")), /^lxc-stop -n 0123456789abcdef /);
  assert.equal(await way("garden"), "stop what uses it, or move the guest away");
});
