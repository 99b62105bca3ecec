import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeAddress } from "../../../src/netlink/rtnetlink/address.ts";
import { decodeLink } from "../../../src/netlink/rtnetlink/link.ts";
import { Rtnetlink } from "../../../src/netlink/rtnetlink/rtnetlink.ts";
import { NetlinkFormatError } from "../../../src/netlink/transport/errors.ts";
import fromHeaders from "../captures/from-headers.json" with { type: "json" };
import kernel from "../captures/kernel-6.18.json" with { type: "json" };
import { acknowledge, fakeKernel, replay } from "../fake-kernel.ts";

/*
 * captures/kernel-6.18.json: datagrams of a real kernel (a namespace with lo, a veth pair and a bridge).
 * captures/from-headers.json: answers that from-headers.c makes from the kernel's headers, for NICs and bonds
 * that the test machine does not have.
 */

const made = (name: keyof typeof fromHeaders) => Buffer.from(fromHeaders[name], "hex");
const route = (recorded: readonly string[]) =>
  new Rtnetlink(fakeKernel((request) => replay(request, recorded)).open);

test("a real link table is decoded", () => {
  const links = route(kernel.links).listLinks();
  assert.deepEqual(
    links.map(({ index, name, kind, link, master, slaveKind, up }) => ({
      index,
      name,
      kind,
      link,
      master,
      slaveKind,
      up,
    })),
    [
      { index: 1, name: "lo", kind: null, link: null, master: null, slaveKind: null, up: false },
      { index: 2, name: "v1", kind: "veth", link: 3, master: 4, slaveKind: "bridge", up: false },
      { index: 3, name: "v0", kind: "veth", link: 2, master: null, slaveKind: null, up: true },
      { index: 4, name: "br0", kind: "bridge", link: null, master: null, slaveKind: null, up: false },
    ],
  );
  assert.deepEqual(links[2]?.altNames, ["enp0s1", "a-long-alternative-name"]);
  assert.equal(links[2]?.mtu, 1500);
  assert.match(links[2]?.mac ?? "", /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
  assert.equal(links[2]?.operstate, "lowerlayerdown");
});

test("a bonded PF in switchdev mode is decoded with its VFs", () => {
  const { vfs, bondSlave, ...link } = decodeLink(made("link: bonded PF with two VFs"));
  assert.deepEqual(link, {
    index: 5,
    name: "ens3f0np0",
    altNames: ["enp55s0f0np0", "data0"],
    mac: "02:bb:bb:bb:bb:bb",
    permanentMac: "24:8a:07:ad:77:ca",
    infiniband: false,
    mtu: 9000,
    up: true,
    lowerUp: true,
    operstate: "up",
    master: 7,
    link: null,
    linkNetnsId: null,
    kind: null,
    bond: null,
    slaveKind: "bond",
    switchId: "ca77ad0003078a24",
    portName: "p0",
    parent: { bus: "pci", device: "0000:37:00.0" },
    vfCount: 2,
  });
  assert.deepEqual(bondSlave, {
    state: "backup",
    miiStatus: "up",
    permanentMac: "24:8a:07:ad:77:ca",
    aggregator: 2,
  });
  const common = { minRate: 100, maxRate: 1000 };
  assert.deepEqual(vfs, [
    {
      ...common,
      index: 0,
      mac: "02:00:00:00:00:00",
      vlan: 0,
      qos: 0,
      spoofCheck: true,
      trust: false,
      linkState: "auto",
    },
    {
      ...common,
      index: 1,
      mac: "02:00:00:00:00:01",
      vlan: 100,
      qos: 5,
      spoofCheck: null,
      trust: null,
      linkState: "disable",
    },
  ]);
});

test("an LACP bond is decoded with its partner", () => {
  assert.deepEqual(decodeLink(made("link: LACP bond")).bond, {
    mode: "802.3ad",
    miimon: 100,
    updelay: 0,
    downdelay: 0,
    arpInterval: 0,
    lacpRate: null,
    xmitHashPolicy: "layer3+4",
    activeSlave: null,
    lacp: { aggregator: 2, ports: 2, partnerMac: "00:1c:73:01:02:03" },
  });
});

test("an active-backup bond is decoded with its active slave", () => {
  assert.deepEqual(decodeLink(made("link: active-backup bond")).bond, {
    mode: "active-backup",
    miimon: 100,
    updelay: 0,
    downdelay: 0,
    arpInterval: 0,
    lacpRate: null,
    xmitHashPolicy: "layer2",
    activeSlave: 5,
    lacp: null,
  });
});

test("a real refusal without a sentence tells the errno", () => {
  assert.throws(() => route(kernel["refusal without a sentence"]).setVfMac("v0", 0, "02:00:00:00:00:01"), {
    message: "set MAC 02:00:00:00:00:01 of VF 0 on v0: EOPNOTSUPP: operation not supported",
  });
});

test("VF settings are sent with the attributes that iproute2 6.1 sends", () => {
  // strace -e write=3 ip link set dev v0 vf 3 ...; what follows nlmsghdr and ifinfomsg
  const prefix = "14001600100001000c00";
  const sent = (act: (route: Rtnetlink) => void) => {
    const kernel = fakeKernel((request) => [acknowledge(request)]);
    act(new Rtnetlink(kernel.open));
    const [request] = kernel.requests;
    assert.equal(request?.payload.readInt32LE(4), 3);
    // Ours have NLA_F_NESTED, which iproute2 leaves out here.
    return request.payload.subarray(16).toString("hex").replace("1680", "1600").replace("0180", "0100");
  };
  assert.equal(
    sent((route) => route.setVfMac(3, 3, "02:00:00:00:00:2a")),
    `300016002c0001002800010003000000${"02000000002a".padEnd(64, "0")}`,
  );
  assert.equal(
    sent((route) => route.setVfTrust(3, 3, true)),
    `${prefix}09000300000001000000`,
  );
  assert.equal(
    sent((route) => route.setVfSpoofCheck(3, 3, false)),
    `${prefix}04000300000000000000`,
  );
  assert.equal(
    sent((route) => route.setVfLinkState(3, 3, "enable")),
    `${prefix}05000300000001000000`,
  );
});

test("what is no MAC is refused before anything is sent", () => {
  const kernel = fakeKernel((request) => [acknowledge(request)]);
  for (const mac of ["02:00", "02:00:00:00:00:01:02", "", "; reboot"]) {
    assert.throws(() => new Rtnetlink(kernel.open).setVfMac("v0", 0, mac), NetlinkFormatError, mac);
  }
  assert.equal(kernel.requests.length, 0);
});

test("a link is addressed by index, by name, or by a name too long for a name", () => {
  const payload = (link: number | string) => {
    const kernel = fakeKernel((request) => [acknowledge(request)]);
    new Rtnetlink(kernel.open).setLinkUp(link, true);
    return kernel.requests[0]?.payload ?? Buffer.alloc(0);
  };
  assert.equal(payload(5).toString("hex"), "00000000050000000100000001000000");
  assert.equal(payload("v0").toString("hex", 16), "0700030076300000");
  assert.equal(payload("a-long-alternative-name").readUInt16LE(18), 53);
});

test("addresses are decoded: a point-to-point link's own, and what IPv6 gives to every link", () => {
  // struct ifaddrmsg and IFA_*, by linux/if_addr.h.
  const v4 = "02180000" + "04000000" + "08000100c0000201" + "08000200c0000207";
  const v6 = "0a4000fd" + "04000000" + "14000100fe80000000000000268a07fffe000001";
  assert.deepEqual(decodeAddress(Buffer.from(v4, "hex")), { link: 4, text: "192.0.2.7/24", isLocal: false });
  assert.deepEqual(decodeAddress(Buffer.from(v6, "hex")), {
    link: 4,
    text: "fe80:0:0:0:268a:7ff:fe00:1/64",
    isLocal: true,
  });
  assert.throws(() => decodeAddress(Buffer.from("0218", "hex")), NetlinkFormatError);
});
