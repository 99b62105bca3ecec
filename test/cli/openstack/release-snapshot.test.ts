import assert from "node:assert/strict";
import { test } from "node:test";
import { snapshotPlace } from "../../../src/cli/openstack/release-snapshot.ts";

const maps = `00400000-0082e000 r--p 00000000 fd:00 1234                               /usr/bin/vflag
0082e000-03489000 r-xp 0042e000 fd:00 1234                               /usr/bin/vflag
03489000-072a7000 r--p 03089000 fd:00 1234                               /usr/bin/vflag
072a7000-072dc000 r--p 06ea7000 fd:00 1234                               /usr/bin/vflag
072dc000-07307000 rw-p 06edc000 fd:00 1234                               /usr/bin/vflag
0ef5b000-0fb12000 r--p 06f5b000 fd:00 1234                               /usr/bin/vflag
31fc4000-327d0000 rw-p 00000000 00:00 0                                  [heap]
7f2f78644000-7f2f7879a000 r-xp 00026000 fd:00 99                         /usr/lib/libc.so.6
`;

test("the snapshot is in the last part of the executable's own file", () => {
  assert.deepEqual(snapshotPlace(maps, "/usr/bin/vflag"), {
    start: 0x0ef5b000n,
    end: 0x0fb12000n,
    offset: 0x6f5b000,
  });
});

test("of an executable that ends otherwise, or of none, nothing is given back", () => {
  const without = maps.split("\n").toSpliced(5, 1).join("\n");
  for (const [text, program] of [
    [without, "/usr/bin/vflag"],
    [maps, "/usr/bin/other"],
    ["nonsense", "/usr/bin/vflag"],
  ] as const)
    assert.equal(snapshotPlace(text, program), null);
});
