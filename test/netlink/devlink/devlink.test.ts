import assert from "node:assert/strict";
import { test } from "node:test";
import { Devlink } from "../../../src/netlink/devlink/devlink.ts";
import { NetlinkFormatError } from "../../../src/netlink/transport/errors.ts";
import { GenericNetlink } from "../../../src/netlink/transport/generic.ts";
import fromHeaders from "../captures/from-headers.json" with { type: "json" };
import kernel from "../captures/kernel-6.18.json" with { type: "json" };
import { acknowledge, done, fakeKernel, genericKernel, isDump, replay, reply } from "../fake-kernel.ts";

const made = (name: keyof typeof fromHeaders) => Buffer.from(fromHeaders[name], "hex");

function devlink(...names: (keyof typeof fromHeaders)[]) {
  const { netlink, sent } = genericKernel((_command, request) => [
    ...names.map((name) => reply(request, 99, made(name), isDump(request) ? 2 : 0)),
    isDump(request) ? done(request) : acknowledge(request),
  ]);
  return { devlink: new Devlink(netlink), sent };
}

test("the family id is asked once per socket", () => {
  const { devlink: client, sent } = devlink("devlink device");
  client.listDevices();
  client.listDevices();
  assert.deepEqual(
    sent.map(({ type }) => type),
    [0x10, 99, 99],
  );
});

test("a real family id is decoded", () => {
  const { open } = fakeKernel((request) => replay(request, kernel.family));
  assert.equal(new GenericNetlink(open).familyId("ethtool"), 21);
});

test("a kernel without devlink is told apart from one without devices", () => {
  const { open } = fakeKernel((request) => [acknowledge(request, 2)]);
  const client = new Devlink(new GenericNetlink(open));
  assert.equal(client.isAvailable(), false);
  assert.throws(() => client.listDevices(), {
    code: "ENOENT",
    message: "list devlink devices: ENOENT: this kernel has no devlink netlink family",
  });
});

test("devlink devices are decoded", () => {
  assert.deepEqual(devlink("devlink device", "devlink device").devlink.listDevices(), [
    "pci/0000:37:00.0",
    "pci/0000:37:00.0",
  ]);
});

test("an eSwitch is decoded; a newer mode keeps its number; a device without a mode has none", () => {
  const eswitch = (name: keyof typeof fromHeaders) => devlink(name).devlink.getEswitch("pci/0000:37:00.0");
  assert.deepEqual(eswitch("devlink eswitch"), { mode: "switchdev", inline: "transport", encap: "basic" });
  assert.deepEqual(eswitch("devlink eswitch in a newer mode"), {
    mode: "unknown (2)",
    inline: null,
    encap: null,
  });
  assert.equal(eswitch("devlink eswitch without a mode"), null);
});

test("a device that does not know eSwitches has none; any other refusal is an error", () => {
  const refusing = (errno: number) =>
    new Devlink(genericKernel((_command, request) => [acknowledge(request, errno)]).netlink);
  assert.equal(refusing(95).getEswitch("pci/0000:37:00.0"), null);
  assert.throws(() => refusing(1).getEswitch("pci/0000:37:00.0"), { code: "EPERM" });
});

test("devlink ports are decoded by flavour", () => {
  const common = {
    handle: "pci/0000:37:00.0",
    number: null,
    pf: null,
    vf: null,
    sf: null,
    controller: null,
    external: null,
  };
  assert.deepEqual(
    devlink("devlink port: uplink", "devlink port: VF representor", "devlink port: SF").devlink.listPorts(),
    [
      {
        ...common,
        index: 65535,
        type: "eth",
        flavour: "physical",
        netdev: "ens3f0np0",
        ifindex: 5,
        number: 0,
      },
      {
        ...common,
        index: 4,
        type: "eth",
        flavour: "pcivf",
        netdev: "ens3f0npf0vf3",
        ifindex: 12,
        pf: 0,
        vf: 3,
        controller: 1,
        external: true,
      },
      {
        ...common,
        index: 32768,
        type: "notset",
        flavour: "pcisf",
        netdev: null,
        ifindex: null,
        pf: 0,
        sf: 88,
        controller: 0,
      },
    ],
  );
});

test("devlink parameters are decoded by type", () => {
  const params = devlink(
    "devlink param: string",
    "devlink param: no values",
    "devlink param: flag",
    "devlink param: u8",
    "devlink param: u16",
    "devlink param: u32",
    "devlink param: u64",
  ).devlink.listParams();
  const handle = "pci/0000:37:00.0";
  assert.deepEqual(params, [
    { handle, name: "flow_steering_mode", type: "string", generic: false, values: { runtime: "smfs" } },
    { handle, name: "flow_steering_mode", type: "string", generic: false, values: {} },
    {
      handle,
      name: "enable_roce",
      type: "flag",
      generic: true,
      values: { runtime: false, driverinit: true },
    },
    { handle, name: "small", type: "u8", generic: false, values: { permanent: 200 } },
    { handle, name: "medium", type: "u16", generic: false, values: { permanent: 60_000 } },
    { handle, name: "large", type: "u32", generic: false, values: { permanent: 4_000_000_000 } },
    { handle, name: "huge", type: "u64", generic: false, values: { permanent: 18_000_000_000_000_000_000n } },
  ]);
});

test("devlink information is decoded with its versions", () => {
  assert.deepEqual(devlink("devlink info").devlink.getInfo("pci/0000:37:00.0"), {
    handle: "pci/0000:37:00.0",
    driver: "mlx5_core",
    serial: "MT2011X01234",
    boardSerial: "MT2011X01234MLNXS0D0F0",
    versions: {
      fixed: { "fw.psid": "MT_0000000080" },
      running: { "fw.version": "16.35.2000", fw: "16.35.2000" },
      stored: { "fw.version": "16.35.4030" },
    },
  });
});

test("an eSwitch is set with the bytes that the headers prescribe", () => {
  const { devlink: client, sent } = devlink();
  client.setEswitch("pci/0000:37:00.0", { mode: "switchdev", inline: "link", encap: "none" });
  assert.deepEqual(sent[1]?.payload, made("request: devlink eswitch set"));
});

test("a parameter is set with its own type and the bytes that the headers prescribe", () => {
  const text = devlink("devlink param: string");
  text.devlink.setParam("pci/0000:37:00.0", "flow_steering_mode", "dmfs");
  assert.deepEqual(sorted(text.sent[2]), sorted({ payload: made("request: devlink param set string") }));
  const off = devlink("devlink param: flag");
  off.devlink.setParam("pci/0000:37:00.0", "enable_roce", false, "driverinit");
  assert.deepEqual(sorted(off.sent[2]), sorted({ payload: made("request: devlink param set flag off") }));
});

/** The attributes of a request in an order of their own: the kernel does not mind the order. */
function sorted(request: { readonly payload: Buffer } | undefined): string[] {
  const payload = request?.payload ?? Buffer.alloc(0);
  const found = [payload.toString("hex", 0, 4)];
  for (let at = 4; at < payload.length; at += (payload.readUInt16LE(at) + 3) & ~3) {
    found.push(payload.toString("hex", at, at + payload.readUInt16LE(at)));
  }
  return found.sort();
}

test("a parameter is not set to a value of another type, nor one that the device does not have", () => {
  const { devlink: client, sent } = devlink("devlink param: u8");
  for (const value of [256, -1, 1.5, "1", true, 1n]) {
    assert.throws(() => client.setParam("pci/0000:37:00.0", "small", value), {
      code: "EINVAL",
      extack: "the parameter is of type u8",
    });
  }
  assert.ok(sent.slice(1).every(({ payload }) => payload.readUInt8(0) === 38));
  const none = new Devlink(genericKernel((_command, request) => [acknowledge(request, 22)]).netlink);
  assert.throws(() => none.setParam("pci/0000:37:00.0", "nosuch", 1), { code: "ENOENT" });
});

test("what is no devlink handle is refused before anything is sent", () => {
  const { devlink: client, sent } = devlink();
  assert.throws(() => client.setEswitch("0000:37:00.0", { mode: "switchdev" }), NetlinkFormatError);
  assert.equal(sent.length, 0);
});

test("an auxiliary device is addressed by bus and device", () => {
  const { devlink: client, sent } = devlink("devlink eswitch");
  client.getEswitch("auxiliary/mlx5_core.eth.0");
  // DEVLINK_ATTR_BUS_NAME and DEVLINK_ATTR_DEV_NAME: linux include/uapi/linux/devlink.h.
  const attribute = (type: number, text: string) =>
    Buffer.from([text.length + 5, 0, type, 0, ...Buffer.from(`${text}\0`)]).toString("hex");
  assert.deepEqual(
    sorted(sent[1]).filter((each) => each.length > 8),
    [attribute(1, "auxiliary"), attribute(2, "mlx5_core.eth.0")].toSorted(),
  );
});
