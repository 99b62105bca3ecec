import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { kernelLinesOf } from "../../../../src/host/linux/log/kernel-lines.ts";
import { joined, KernelLogReader } from "../../../../src/host/linux/log/kernel-log.ts";
import { parseJournal, parseKmsg } from "../../../../src/host/linux/log/kernel-records.ts";
import { ProgramError } from "../../../../src/host/linux/system/program.ts";
import { isUnknown } from "../../../../src/host/state/observed.ts";
import { HostState } from "../../../../src/host/state/state.ts";
import { symptoms } from "../../../../src/symptoms/catalogue.ts";
import { fresh } from "../../../support/hosts.ts";
import { processorTime } from "../../../support/processor-time.ts";
import { makeTree } from "../tree.ts";

const journalLine = (micros: number, text: unknown, more: object = {}) =>
  JSON.stringify({
    MESSAGE: text,
    PRIORITY: "6",
    _TRANSPORT: "kernel",
    _SOURCE_MONOTONIC_TIMESTAMP: String(micros),
    ...more,
  });
const noJournal = () => Promise.reject(new ProgramError("ENOENT", "journalctl: no such program"));

test("a record's level, time, device and text", () => {
  const { records } = parseKmsg(
    "5,0,0,-;Linux version 6.12.0\n" +
      "3,1,12345678,-,caller=T71;mlx5_core 0000:37:00.0: mlx5_activate_lag:620:(pid 71): Failed to activate VF LAG\\x0aMake sure all VFs are unbound\n" +
      " SUBSYSTEM=pci\n DEVICE=+pci:0000:37:00.0\n" +
      "30,2,12345679,-;systemd[1]: hello\n" +
      "not a record\n",
  );
  assert.deepEqual(
    records.map(({ seconds, level, device, gap }) => [seconds, level, device, gap]),
    [
      [0, 5, null, false],
      [12.345678, 3, "0000:37:00.0", false],
      [12.345679, 6, null, false],
    ],
  );
  assert.match(records[1]?.text ?? "", /Failed to activate VF LAG Make sure all VFs are unbound$/);
});

test("what was overwritten before it could be read is a gap, at the beginning too", () => {
  const { records } = parseKmsg("6,40,1,-;a\n6,41,2,-;b\n6,50,3,-;c\n");
  assert.deepEqual(
    records.map(({ gap }) => gap),
    [true, false, true],
  );
});

test("a line that older kernels give in parts is one line", () => {
  const { records } = parseKmsg("6,0,1,c;pci 0000:37:00.0: one\n6,1,2,+;two\n6,2,3,-;three\n");
  assert.deepEqual(
    records.map(({ text }) => text),
    ["pci 0000:37:00.0: one two", "three"],
  );
});

test("escaped bytes are text again, and what a terminal would obey is not", () => {
  const { records } = parseKmsg("6,0,1,-;caf\\xc3\\xa9 \\x5c \\x1b[31mred\\xe2\\x80\\xae \\xff end\n");
  assert.equal(records[0]?.text, "café \\ {1b}[31mred{202e} \ufffd end");
});

test("the journal's records, and its gaps", () => {
  const text = [
    journalLine(0, "Linux version 6.12.0", { PRIORITY: "5" }),
    journalLine(5_000_000, "Failed to activate VF LAG\nMake sure", {
      PRIORITY: "3",
      _KERNEL_DEVICE: "+pci:0000:37:00.0",
    }),
    journalLine(6_000_000, [0x62, 0xff, 0x1b]),
    JSON.stringify({ MESSAGE: "Missed 12 kernel messages", _TRANSPORT: "driver" }),
    journalLine(7_000_000, "after"),
    journalLine(8_000_000, null),
    journalLine(9_000_000, "later", { PRIORITY: "x" }),
    "{ broken",
    "",
  ].join("\n");
  assert.deepEqual(
    parseJournal(text).map(({ seconds, level, device, text: said, gap }) => [
      seconds,
      level,
      device,
      said,
      gap,
    ]),
    [
      [0, 5, null, "Linux version 6.12.0", false],
      [5, 3, "0000:37:00.0", "Failed to activate VF LAG Make sure", false],
      [6, 6, null, "b\ufffd{1b}", false],
      [7, 6, null, "after", true],
      [9, null, null, "later", true],
    ],
  );
  assert.equal(parseJournal(journalLine(5, "in the middle"))[0]?.gap, true);
});

test("where the ring has lost its beginning the journal gives it, if it reaches up to the ring", async (t) => {
  const devRoot = makeTree(t, { kmsg: "6,900,7000000,-;ring\n" });
  const journal = [
    journalLine(0, "Linux version 6.12.0"),
    journalLine(5_000_000, "old"),
    journalLine(7_000_000, "ring"),
  ];
  const run = (lines: string[]) => async () => ({ stdout: lines.join("\n"), stderr: "", code: 0 });
  const whole = await new KernelLogReader({ devRoot, run: run(journal) }).read();
  assert.deepEqual(isUnknown(whole) ? whole : whole.map(({ text, gap }) => [text, gap]), [
    ["Linux version 6.12.0", false],
    ["old", false],
    ["ring", false],
  ]);
  const short = await new KernelLogReader({ devRoot, run: run(journal.slice(0, 2)) }).read();
  assert.deepEqual(isUnknown(short) ? short : short.map(({ gap }) => gap), [false, false, true]);
  const none = await new KernelLogReader({ devRoot, run: noJournal }).read();
  assert.deepEqual(isUnknown(none) ? none : none.map(({ gap }) => gap), [true]);
});

test("the journal is asked once, the ring each time", async (t) => {
  const devRoot = makeTree(t, { kmsg: "6,900,7000000,-;ring\n" });
  let asked = 0;
  const journal = [journalLine(0, "Linux version 6.12.0"), journalLine(7_000_000, "ring")].join("\n");
  const reader = new KernelLogReader({
    devRoot,
    run: async () => ({ stdout: journal, stderr: String(asked++), code: 0 }),
  });
  const texts = (log: Awaited<ReturnType<KernelLogReader["read"]>>) =>
    isUnknown(log) ? [] : log.map(({ text }) => text);
  assert.deepEqual(texts(reader.readNow()), ["ring"]);
  assert.deepEqual(texts(await reader.read()), ["Linux version 6.12.0", "ring"]);
  writeFileSync(join(devRoot, "kmsg"), "6,900,7000000,-;ring\n6,901,8000000,-;more\n");
  assert.deepEqual(texts(await reader.read()), ["Linux version 6.12.0", "ring", "more"]);
  assert.deepEqual([asked, texts(reader.readNow())], [1, ["Linux version 6.12.0", "ring", "more"]]);
});

test("a ring that is whole is enough; without ring and journal nothing is known", async (t) => {
  const devRoot = makeTree(t, { kmsg: "5,0,0,-;Linux version 6.12.0\n" });
  const whole = await new KernelLogReader({
    devRoot,
    run: () => assert.fail("the journal was asked"),
  }).read();
  assert.equal(isUnknown(whole) ? 0 : whole.length, 1);
  const nothing = await new KernelLogReader({ devRoot: makeTree(t, {}), run: noJournal }).read();
  assert.match(isUnknown(nothing) ? nothing.unknown : "", /kmsg.*; there is no journalctl$/);
});

test("records of the ring that the journal has too are not told twice", () => {
  const { records: ring } = parseKmsg("6,9,5000000,-;a\n6,10,6000000,-;b\n");
  const journal = parseJournal(
    [journalLine(4_000_000, "z"), journalLine(5_000_000, "a"), journalLine(6_000_000, "b")].join("\n"),
  );
  assert.deepEqual(
    joined(journal, ring).map(({ text }) => text),
    ["z", "a", "b"],
  );
});

test("a state has what concerns the NICs, without the talk, and bounded", () => {
  const { state } = fresh();
  const about = [
    "6,0,0,-;Linux version 6.12.0",
    "6,1,1,-;mlx5_core 0000:37:00.0: firmware version: 16.35.2000",
    "6,2,2,-;mlx5_core 0000:37:00.2: firmware version: 16.35.2000",
    "6,3,3,-;mlx5_core 0000:37:00.0: MLX5E: StrdRq(1) RqSz(8) StrdSz(2048) RxCqeCmprss(0)",
    "3,4,4,-;nvme 0000:01:00.0: I/O error",
    "6,5,5,-;mlx5_core 0000:37:00.0: lag map port 1:1 port 2:2",
    "3,6,6,-;mlx5_core 0000:37:00.3: probe failed",
    "3,7,7,-;DMAR: [DMA Read] Request device [37:00.0] fault addr 0",
    "3,8,8,-;kvm: disabled by bios",
  ];
  const log = kernelLinesOf(parseKmsg(about.join("\n")).records, state);
  assert.deepEqual(
    isUnknown(log)
      ? log
      : [log.complete, log.omitted, log.lines.map(({ seconds }) => Math.round(seconds * 1e6))],
    [true, 0, [1, 5, 6, 7, 8]],
  );
  const flood = Array.from(
    { length: 9000 },
    (_, at) => `3,${at},${at},-;mlx5_core 0000:37:00.0: ${"x".repeat(at % 700)}`,
  ).join("\n");
  const bounded = kernelLinesOf(parseKmsg(flood).records, state);
  assert.ok(
    !isUnknown(bounded) &&
      bounded.lines.length <= 300 &&
      JSON.stringify(bounded).length < 80_000 &&
      bounded.omitted > 8000,
  );
  assert.ok(!isUnknown(bounded) && bounded.lines.at(-1)?.seconds === 0.008999);
});

test("every line that a symptom is known by is kept, at the level that the kernel gives it", () => {
  const { state } = fresh();
  state.bonds.push({
    name: "bond0",
    mode: "802.3ad",
    xmitHashPolicy: null,
    up: true,
    slaves: [],
    lacp: null,
  });
  const levels: Readonly<Record<string, number>> = {
    "bond-link-down": 6,
    "mirred-to-down-device": 5,
    "vfs-by-module-only": 6,
    "no-lacp-partner": 4,
  };
  for (const { id, shows, looks } of symptoms) {
    if (shows !== "kernel-log") continue;
    const own = looks.replace(/^(\w+) [\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.\d\b/, "$1 0000:37:00.0");
    const log = kernelLinesOf(parseKmsg(`${levels[id] ?? 3},0,5,-;${own}`).records, state);
    assert.equal(isUnknown(log) ? null : log.lines.length, 1, `${id}: ${own}`);
  }
});

test("a state that was saved before the log was looked at is read, with the log not known", () => {
  const { kernelLog: _, ...older } = fresh().state;
  const read = HostState.parse(JSON.parse(JSON.stringify(older)));
  assert.ok(isUnknown(read.kernelLog));
});

test("no line takes long, whatever is in it", () => {
  const began = processorTime();
  for (const piece of [" ", "\t", " \n", "\r", "1,", "\\x20", "\u202e", "0000:", "a"]) {
    const text = piece.repeat(128 * 1024);
    parseKmsg(`1,2,3,${text}`);
    parseKmsg(`1,2,3,-;${text}x`);
    parseJournal(JSON.stringify({ MESSAGE: `${text}x`, __MONOTONIC_TIMESTAMP: "1" }));
  }
  const taken = processorTime() - began;
  assert.ok(taken < 10_000, `${taken.toFixed(0)} ms`);
});
