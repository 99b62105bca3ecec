import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { findGuests } from "../../../../src/host/linux/guests/guests.ts";
import { domainOf } from "../../../../src/host/linux/guests/libvirt.ts";
import { readXml } from "../../../../src/host/linux/guests/xml.ts";
import { buildHost } from "../../../../src/host/simulated/build.ts";
import type { Guest } from "../../../../src/host/state/guests.ts";
import type { Holder, PhysicalFunction } from "../../../../src/host/state/state.ts";
import { pciAddress } from "../../../../src/host/state/values.ts";
import { processorTime } from "../../../support/processor-time.ts";
import { makeTree, type Tree } from "../tree.ts";

const vfs = ["0000:37:00.2", "0000:37:00.3"].map(pciAddress);

/** A port with two VFs that are held so. */
function ports(...holders: readonly Holder[][]): PhysicalFunction[] {
  const [pf = assert.fail()] = buildHost([{ model: "ConnectX-5", ports: 1 }]).state.pfs;
  const vf = {
    vendor: "15b3",
    product: "1018",
    driver: "vfio-pci",
    driverOverride: null,
    iommuGroup: 1,
    settings: { unknown: "" },
  };
  return [
    { ...pf, vfs: vfs.map((address, index) => ({ ...vf, address, index, holders: holders[index] ?? [] })) },
  ];
}

function guests(t: Parameters<typeof makeTree>[0], tree: Tree, ...holders: readonly Holder[][]): Guest[] {
  const root = makeTree(t, { proc: {}, run: {}, ...tree });
  const found = findGuests(ports(...holders), {
    procRoot: `${root}/proc`,
    runRoot: `${root}/run`,
    filesRoot: root,
  });
  assert.ok(Array.isArray(found), JSON.stringify(found));
  return found;
}

const process = (pid: number, command: string): Holder => ({ kind: "process", pid, command });

const definition = (name: string, uuid: string, devices: string, title = "") => `<domain type='kvm' id='7'>
  <name>${name}</name>
  <uuid>${uuid}</uuid>
  <metadata>
    <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1"><nova:name>${title}</nova:name></nova:instance>
  </metadata>
  <devices>${devices}</devices>
</domain>`;
const uuid = "6d2a0c1e-52b1-4f0a-9c5d-000000000001";
/** As Nova has it: the first address is the host's, the second the guest's. */
const nic = (fn: number) => `<interface type='hostdev' managed='yes'>
  <mac address='fa:16:3e:44:44:71'/>
  <source><address type='pci' domain='0x0000' bus='0x37' slot='0x00' function='0x${fn}'/></source>
  <address type='pci' domain='0x0000' bus='0x37' slot='0x00' function='0x3'/>
</interface>`;
const hostdev =
  "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='55' slot='0' function='2'/></source></hostdev>";

describe("libvirt's domains", () => {
  const status = `<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE -->\n<domstatus state='running' reason='booted' pid='4711'>\n  <monitor path='/x' type='unix'/>\n  ${definition("instance-0000001a", uuid, nic(2), "web &amp; &lt;db&gt;")}\n</domstatus>\n`;

  test("one that runs has the VFs of its file, and is named as Nova names it", (t) => {
    const found = guests(t, { "run/libvirt/qemu/instance-0000001a.xml": status }, [
      process(4711, "qemu-system-x86"),
    ]);
    assert.deepEqual(found, [
      {
        kind: "domain",
        name: "instance-0000001a",
        uuid,
        title: "web & <db>",
        running: true,
        pid: 4711,
        vfs: [vfs[0]],
      },
    ]);
  });

  test("one that holds a VF which its file does not name has it too: by its process", (t) => {
    const text = status.replace(
      nic(2),
      "<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>",
    );
    const found = guests(t, { "run/libvirt/qemu/a.xml": text }, [], [process(4711, "qemu-kvm")]);
    assert.deepEqual(
      found.map(({ kind, vfs: own }) => [kind, own]),
      [["domain", [vfs[1]]]],
    );
  });

  test("libvirt's daemon in Kolla's container is no guest beside the one that has the VF from it", (t) => {
    const files = {
      "run/libvirt/qemu/instance-0000001a.xml": status,
      "proc/900/cgroup": `0::/system.slice/docker-${"a".repeat(64)}.scope\n`,
    };
    const found = guests(t, files, [process(900, "libvirtd"), process(4711, "qemu-kvm")]);
    assert.deepEqual(
      found.map(({ kind }) => kind),
      ["domain"],
    );
  });

  test("one that is defined and does not run is told, in Kolla's volume too", (t) => {
    const found = guests(t, {
      "etc/libvirt/qemu/a.xml": definition("a", uuid, nic(2)),
      "var/lib/docker/volumes/nova_libvirt_qemu/_data/b.xml": definition("b", uuid, nic(3)),
      "etc/libvirt/qemu/other.xml": definition("other", uuid, nic(7)),
      "etc/libvirt/qemu/networks": { "default.xml": "<network/>" },
      "etc/libvirt/qemu/broken.xml": "<domain><name>broken",
    });
    assert.deepEqual(
      found.map(
        (guest) => guest.kind === "domain" && [guest.name, guest.running, guest.pid, guest.title, guest.vfs],
      ),
      [
        ["a", false, null, null, [vfs[0]]],
        ["b", false, null, null, [vfs[1]]],
      ],
    );
  });

  test("the running one counts, not its definition; libvirt's own daemon beside it is not named", (t) => {
    const tree = {
      "run/libvirt/qemu/i.xml": status,
      "etc/libvirt/qemu/i.xml": definition("instance-0000001a", uuid, nic(3)),
    };
    const found = guests(t, tree, [process(4711, "qemu-kvm"), process(99, "virtqemud")]);
    assert.deepEqual(
      found.map(({ kind, vfs: own }) => [kind, own]),
      [["domain", [vfs[0]]]],
    );
  });

  test("addresses in hexadecimal with and without 0x", () => {
    assert.deepEqual(domainOf(definition("a", uuid, hostdev.replace("55", "0x37")))?.devices, [vfs[0]]);
    assert.deepEqual(domainOf(definition("a", uuid, hostdev))?.devices, [vfs[0]]);
    assert.deepEqual(domainOf(definition("a", uuid, nic(2).replace("0x37", "zz")))?.devices, []);
  });
});

describe("others", () => {
  const id = "0f".repeat(32);
  const qemu = (name: string) => ({
    cmdline: `/usr/bin/qemu-system-x86_64\0-name\0${name}\0-uuid\0${uuid}\0-m\x004096\0`,
    comm: "qemu-system-x86\n",
  });

  test("QEMU without libvirt, by its command line", (t) => {
    const named = (name: string) =>
      guests(t, { "proc/4711": qemu(name) }, [process(4711, "qemu-system-x86")])[0];
    assert.deepEqual(named("guest=web,,1,debug-threads=on"), {
      kind: "machine",
      name: "web,1",
      uuid,
      pid: 4711,
      vfs: [vfs[0]],
    });
    const plain = named("web");
    assert.equal(plain?.kind === "machine" && plain.name, "web");
  });

  test("a container, by its control group, with the name that Docker or podman wrote down", (t) => {
    const held = [process(52, "dpdk-testpmd")];
    const docker = guests(
      t,
      {
        "proc/52/cgroup": `0::/system.slice/docker-${id}.scope\n`,
        [`var/lib/docker/containers/${id}/config.v2.json`]: '{"Name":"/fast-path"}',
      },
      held,
    );
    assert.deepEqual(docker, [
      { kind: "container", engine: "docker", id, name: "fast-path", pid: 52, vfs: [vfs[0]] },
    ]);
    const podman = guests(
      t,
      {
        "proc/52/cgroup": `0::/machine.slice/libpod-${id}.scope/container\n`,
        "var/lib/containers/storage/overlay-containers/containers.json": `[{"id":"${id}","names":["nf"]}]`,
      },
      held,
    );
    assert.deepEqual(
      podman.map((guest) => guest.kind === "container" && [guest.engine, guest.name]),
      [["podman", "nf"]],
    );
    const engineOf = (cgroup: string) => {
      const [guest] = guests(t, { "proc/52/cgroup": cgroup }, held);
      return guest?.kind === "container" ? guest.engine : guest?.kind;
    };
    assert.equal(engineOf(`11:devices:/docker/${id}\n10:cpu:/docker/${id}\n`), "docker");
    assert.equal(
      engineOf(
        `0::/kubepods.slice/kubepods-burstable.slice/kubepods-pod1.slice/cri-containerd-${id}.scope\n`,
      ),
      "containerd",
    );
    assert.equal(engineOf(`0::/kubepods.slice/crio-${id}.scope\n`), "cri-o");
    assert.equal(engineOf("0::/lxc.payload.c1/init.scope\n"), "lxc");
    assert.equal(engineOf(`0::/libpod_parent/libpod-conmon-${id}.scope\n`), "process");
    assert.equal(engineOf("0::/user.slice\n"), "process");
  });

  test("a network namespace is its container's where a process in it has one, else itself", (t) => {
    const tree = {
      "run/netns/cni-1": "the namespace",
      "proc/52/cgroup": `0::/kubepods.slice/cri-containerd-${id}.scope\n`,
    };
    assert.deepEqual(guests(t, tree, [{ kind: "namespace", name: "cni-1" }]), [
      { kind: "namespace", name: "cni-1", vfs: [vfs[0]] },
    ]);
    const linked = { ...tree, "proc/52/ns/net": "-> ../../../run/netns/cni-1" };
    assert.deepEqual(
      guests(
        t,
        linked,
        [{ kind: "namespace", name: "cni-1" }],
        [{ kind: "namespace", name: "of process 52 (x)", pid: 52 }],
      ),
      [{ kind: "container", engine: "containerd", id, name: null, pid: 52, vfs }],
    );
  });

  test("a domain's file that is too large is named: whose the VFs are is then not known", (t) => {
    const root = makeTree(t, {
      proc: {},
      run: {},
      "etc/libvirt/qemu/large.xml": " ".repeat(4 * 1024 * 1024 + 1),
    });
    const found = findGuests(ports([]), {
      procRoot: `${root}/proc`,
      runRoot: `${root}/run`,
      filesRoot: root,
    });
    assert.match(
      "unknown" in found ? found.unknown : "",
      /etc\/libvirt\/qemu\/large\.xml: more than 4194304 bytes/,
    );
  });

  test("nobody holds anything: there are none", (t) => {
    assert.deepEqual(guests(t, {}), []);
  });
});

describe("XML", () => {
  test("what is not well-formed is none", () => {
    for (const text of [
      "",
      "<a>",
      "<a></b>",
      "text",
      "<a/><b/>",
      "<a x='></a>",
      "</a>",
      "<a><b></a></b>",
      "<a>&nosuch;</a>",
    ])
      assert.equal(readXml(text), null, text);
  });

  test("comments, CDATA, entities, both quotes", () => {
    const found = readXml(
      `<?xml version="1.0"?><!-- <x> --><a b='1 > "0"' c="&#x41;&quot;"><![CDATA[<&]]>&lt;&#66;</a>`,
    );
    assert.deepEqual(
      [found?.attributes.get("b"), found?.attributes.get("c"), found?.text],
      ['1 > "0"', 'A"', "<&<B"],
    );
  });

  test("no text stops it, or takes long", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("<", ">", "a", "/", "'", '"', "=", "&", ";", "<!--", "-->", " ")),
        (words) => readXml(words.join("")) !== undefined,
      ),
    );
    const before = processorTime();
    readXml(`<a>${"<b x='".repeat(100_000)}`);
    readXml("<a>".repeat(100_000));
    readXml(`<a ${"=".repeat(300_000)}`);
    // Each of these took a time that grows with the square of its length.
    const most = 1024 * 1024;
    for (const piece of [
      "<!-- > ",
      "<![CDATA[> ",
      "<? ",
      "<! ",
      "<a",
      "<a ",
      'a="',
      "a='b' ",
      "&",
      "&a",
      "&#1",
      " ",
      "\n",
      "x",
      "</a>",
      "<a/>",
    ])
      for (const start of ["<a>", "<a ", "<a b='", ""])
        readXml(start + piece.repeat(Math.floor(most / piece.length)));
    assert.ok(processorTime() - before < 6000);
  });
});
