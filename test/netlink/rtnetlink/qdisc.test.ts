import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeQdisc } from "../../../src/netlink/rtnetlink/qdisc.ts";
import { Rtnetlink } from "../../../src/netlink/rtnetlink/rtnetlink.ts";
import { NetlinkFormatError } from "../../../src/netlink/transport/errors.ts";
import kernel from "../captures/kernel-6.18.json" with { type: "json" };
import { fakeKernel, replay } from "../fake-kernel.ts";

/** struct tcmsg of link 5, with attributes. */
function message(...attributes: readonly (readonly [type: number, value: Buffer])[]): Buffer {
  const header = Buffer.alloc(20);
  header.writeInt32LE(5, 4);
  const parts = attributes.map(([type, value]) => {
    const attribute = Buffer.alloc((4 + value.length + 3) & ~3);
    attribute.writeUInt16LE(4 + value.length);
    attribute.writeUInt16LE(type, 2);
    value.copy(attribute, 4);
    return attribute;
  });
  return Buffer.concat([header, ...parts]);
}
const ingress = [1, Buffer.from("ingress\0")] as const;
const block = (number: number) => [13, Buffer.from(Uint32Array.of(number).buffer)] as const;

test("a real table of qdiscs is decoded: two links share a block, one has filters of its own", () => {
  const { open, requests } = fakeKernel((request) => replay(request, kernel.qdiscs));
  const found = new Rtnetlink(open).listQdiscs();
  assert.deepEqual(found, [
    { link: 1, kind: "ingress", ingressBlock: null },
    { link: 2, kind: "pfifo", ingressBlock: null },
    { link: 2, kind: "clsact", ingressBlock: null },
    { link: 3, kind: "ingress", ingressBlock: 37 },
    { link: 4, kind: "ingress", ingressBlock: 37 },
  ]);
  assert.deepEqual([requests[0]?.type, requests[0]?.payload.length], [38, 20]);
});

test("attributes that are not in use are skipped, and a block of 0 is none", () => {
  assert.deepEqual(decodeQdisc(message(ingress, [12, Buffer.from([1])], block(37))), {
    link: 5,
    kind: "ingress",
    ingressBlock: 37,
  });
  assert.deepEqual(decodeQdisc(message(ingress, block(0))), { link: 5, kind: "ingress", ingressBlock: null });
});

test("what makes no sense is an error", () => {
  for (const bytes of [Buffer.alloc(19), message(), message([13, Buffer.from([1])], ingress)])
    assert.throws(() => decodeQdisc(bytes), NetlinkFormatError);
});
