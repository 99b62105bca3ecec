import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Devlink } from "../../src/netlink/devlink/devlink.ts";
import { Ethtool } from "../../src/netlink/ethtool/ethtool.ts";
import { decodeLink } from "../../src/netlink/rtnetlink/link.ts";
import { NetlinkFormatError } from "../../src/netlink/transport/errors.ts";
import { decodeMessages } from "../../src/netlink/transport/message.ts";
import { processorTime } from "../support/processor-time.ts";
import fromHeaders from "./captures/from-headers.json" with { type: "json" };
import kernel from "./captures/kernel-6.18.json" with { type: "json" };
import { done, genericKernel, replay, reply } from "./fake-kernel.ts";

test("damaged real datagrams give a value or a NetlinkFormatError, nothing else, in bounded time", () => {
  const datagrams = [...Object.values(kernel).flat(), ...Object.values(fromHeaders)];
  fc.assert(
    fc.property(
      fc.constantFrom(...datagrams),
      fc.array(fc.nat(), { maxLength: 4 }),
      fc.nat(),
      (datagram, flips, cut) => {
        const bytes = Buffer.from(datagram, "hex");
        for (const flip of flips) {
          const bit = flip % (bytes.length * 8);
          bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        }
        const damaged = bytes.subarray(0, bytes.length - (cut % 3 === 0 ? cut % bytes.length : 0));
        const start = processorTime();
        for (const read of readers) {
          try {
            read(damaged);
          } catch (error) {
            assert.ok(error instanceof NetlinkFormatError, String(error));
          }
        }
        assert.ok(processorTime() - start < 1000);
      },
    ),
    { numRuns: 2000 },
  );
});

/** Every way in which bytes of the kernel are read. */
const readers: readonly ((bytes: Buffer) => unknown)[] = [
  decodeMessages,
  decodeLink,
  (bytes) => decodeMessages(bytes).map(({ payload }) => decodeLink(payload)),
  ...(["listDevices", "listPorts", "listParams", "listInfo"] as const).map((list) => (bytes: Buffer) => {
    const { netlink } = genericKernel((_command, request) => [reply(request, 99, bytes), done(request)]);
    return new Devlink(netlink)[list]();
  }),
  (bytes) => {
    const { netlink } = genericKernel((_command, request) => [reply(request, 99, bytes), done(request)]);
    return new Ethtool(netlink).listChannels();
  },
  (bytes) => {
    const [names = "", ack = ""] = kernel["feature names and features"];
    const { netlink } = genericKernel((command, request) =>
      command === 1 ? replay(request, [names, ack]) : [reply(request, 99, bytes), done(request)],
    );
    return new Ethtool(netlink).listFeatures(["hw-tc-offload"]);
  },
];
