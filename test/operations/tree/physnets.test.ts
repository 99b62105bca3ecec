import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readPhysnets } from "../../../src/openstack/neutron/physnet-mappings.ts";

const problem = (value: unknown, interfaces: ReadonlySet<string> | null = null) => {
  const read = readPhysnets(value, interfaces);
  return "problem" in read ? read.problem : `taken: ${JSON.stringify(read.physnets)}`;
};
const taken = (value: unknown, interfaces: ReadonlySet<string> | null = null) => {
  const read = readPhysnets(value, interfaces);
  return "physnets" in read
    ? read.physnets.map(({ device, physnet }) => `${device} on ${physnet}`)
    : read.problem;
};

describe("device: physnet is taken", () => {
  test("by names of the kernel, udev and biosdevname", () => {
    for (const device of [
      "p4p1",
      "eno6",
      "ens3f0",
      "ens3f0np0",
      "enp59s0f1",
      "eth0",
      "em2",
      "ib0",
      "ibp65s0",
      "enx0c42a1b2c3d4",
      "bond0",
      "enP2p1s0f0",
    ])
      assert.deepEqual(taken({ [device]: "storage" }), [`${device} on storage`], device);
  });
  test("by a network that is called a physnet", () =>
    assert.deepEqual(taken({ data: "physnet2" }), ["data on physnet2"]));
  test("by the interfaces that the host has", () =>
    assert.deepEqual(taken({ data: "storage" }, new Set(["data"])), ["data on storage"]));
  test("with two devices on one network, and none at all", () => {
    assert.deepEqual(taken({ ens1: "a", ens2: "a" }), ["ens1 on a", "ens2 on a"]);
    assert.deepEqual(taken({}), []);
  });
});

describe("the other direction is refused, with what to write", () => {
  test("by names", () =>
    assert.match(
      problem({ physnet1: "eth0", physnet2: "eth1" }),
      /reads as physnet: device.*write \{eth0: physnet1, eth1: physnet2\}/,
    ));
  test("by the interfaces that the host has", () =>
    assert.match(problem({ storage: "data" }, new Set(["data"])), /write \{data: storage\}/));
  test("with lists", () =>
    assert.match(
      problem({ physnet1: ["eth0", "eth1"] }),
      /list of devices.*\{eth0: physnet1, eth1: physnet1\}/,
    ));
});

describe("where nothing tells, or both do, both readings are shown", () => {
  test("neither is a device's name", () =>
    assert.match(
      problem({ data: "storage" }),
      /either the device data on the physnet storage, or the device storage on the physnet data/,
    ));
  test("both are", () => assert.match(problem({ eth0: "eth1" }), /cannot be told/));
  test("one pair this way, one that way", () =>
    assert.match(problem({ eth0: "physnet1", physnet2: "eth1" }), /cannot be told/));
});

describe("what is no mapping of names is refused", () => {
  test("a list, a text, an expression, a number", () => {
    assert.match(problem(["ens1"]), /has to be a mapping/);
    assert.match(problem("{{ mine }}"), /Jinja expression/);
    assert.match(problem({ ens1: 3 }), /has to be a string/);
    assert.match(problem(null), /has to be a mapping/);
  });
  test("names that neither the kernel nor Neutron takes, all at once", () => {
    assert.match(
      problem({ "a b": "physnet1", ens1: "phys net" }),
      /"a b" is no name.*"phys net" is no physnet/,
    );
    assert.match(problem({ "a,b": "physnet1" }), /cannot stand in a list/);
    assert.match(problem({ "{{a}}": "physnet1" }), /cannot stand in a list/);
  });
});
