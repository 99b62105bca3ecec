import assert from "node:assert/strict";
import { test } from "node:test";
import { Ethtool } from "../../../src/netlink/ethtool/ethtool.ts";
import { encodeMessage } from "../../../src/netlink/transport/message.ts";
import kernel from "../captures/kernel-6.18.json" with { type: "json" };
import { genericKernel, PORT, replay } from "../fake-kernel.ts";

test("real features are decoded by their names", () => {
  const [names = "", ack = "", ...features] = kernel["feature names and features"];
  const { netlink } = genericKernel((command, request) =>
    replay(request, command === 1 ? [names, ack] : [...features, endOfDump]),
  );
  const devices = new Ethtool(netlink).listFeatures(["hw-tc-offload", "tx-tcp-segmentation", "nosuch"]);
  assert.deepEqual(
    devices.map(({ index, name }) => `${index} ${name}`),
    ["1 lo", "2 v1", "3 v0", "4 br0"],
  );
  assert.deepEqual(devices[2]?.features, {
    "hw-tc-offload": { active: false, wanted: false, hw: false, noChange: false, fixed: true },
    "tx-tcp-segmentation": { active: true, wanted: true, hw: true, noChange: false, fixed: false },
  });
});

test("each bit of a real bitset is its own feature", () => {
  const [names = "", ack = "", ...features] = kernel["feature names and features"];
  const { netlink } = genericKernel((command, request) =>
    replay(request, command === 1 ? [names, ack] : [...features, endOfDump]),
  );
  // As `ethtool -k lo` tells them.
  const asked = {
    "tx-scatter-gather": "on [fixed]",
    "tx-checksum-ipv6": "off [fixed]",
    highdma: "on [fixed]",
    "rx-gro": "on",
    "rx-lro": "off [fixed]",
    "tx-sctp-segmentation": "on",
    "rx-checksum": "on [fixed]",
    loopback: "on [fixed]",
    "rx-all": "off [fixed]",
  };
  const [lo] = new Ethtool(netlink).listFeatures(Object.keys(asked));
  const told = Object.entries(lo?.features ?? {}).map(([name, { active, fixed }]) => [
    name,
    `${active ? "on" : "off"}${fixed ? " [fixed]" : ""}`,
  ]);
  assert.deepEqual(Object.fromEntries(told), asked);
});

test("real channels are decoded, also of devices without combined ones", () => {
  const { netlink } = genericKernel((_command, request) => replay(request, [...kernel.channels, endOfDump]));
  const rest = { rx: { count: 1, max: 2 }, tx: { count: 1, max: 2 }, other: null, combined: null };
  assert.deepEqual(new Ethtool(netlink).listChannels(), [
    { index: 2, name: "v1", ...rest },
    { index: 3, name: "v0", ...rest },
  ]);
});

const endOfDump = encodeMessage({
  type: 3,
  flags: 2,
  sequence: 0,
  port: PORT,
  payload: Buffer.alloc(4),
}).toString("hex");

test("a real refusal tells the kernel's sentence and the attribute", () => {
  const { netlink } = genericKernel((_command, request) =>
    replay(request, kernel["refusal with a sentence"]),
  );
  assert.throws(() => new Ethtool(netlink).setCombinedChannels("v0", 100), {
    message: "set 100 combined channels on v0: EINVAL: requested channel count exceeds maximum (attribute 9)",
  });
});
