import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { diffSince } from "../../src/fleet/answers/diff.ts";
import { packedMaps } from "../../src/fleet/answers/maps.ts";
import { planFleet } from "../../src/fleet/answers/plan.ts";
import { statusOf } from "../../src/fleet/answers/status.ts";
import { collect, type RunAnsible } from "../../src/fleet/collect/ansible.ts";
import { History } from "../../src/fleet/history/history.ts";
import { importFiles } from "../../src/fleet/history/import.ts";
import { Reader, type Thread } from "../../src/fleet/reading/reader.ts";
import { stateLimits } from "../../src/host/schema/state-limits.ts";
import { fleetHtml } from "../../src/report/html/fleet-html.ts";
import { plain } from "../../src/report/terminal/style.ts";
import { fleetStatusText } from "../../src/report/text/fleet/fleet-status-text.ts";
import { roundsFrom } from "../support/count.ts";
import { type Fleet, makeFleet } from "../support/fleet.ts";
import { hostileAnswers } from "../support/hostile-fleet.ts";

/**
 * One host cannot stop, hide or change what is known of the others: HOSTILE_HOSTS=10000 for a whole fleet, of
 * which 1 % are hostile.
 */

const folder = mkdtempSync(join(tmpdir(), "vflag-fleet-hostile-"));
after(() => rmSync(folder, { recursive: true }));
let fleet: Fleet;
before(async () => {
  fleet = await makeFleet();
});

describe("a fleet with hostile hosts", () => {
  const hosts = roundsFrom("HOSTILE_HOSTS", 8, 1000);

  test("each hostile host is listed with its reason, and of the others everything is known as if it were not there", {
    timeout: 300_000 + hosts * 300,
  }, async (t) => {
    /** What each command takes: docs/fleet.md has the figures of a whole fleet. */
    const taken: string[] = [];
    const timed = async <T>(name: string, work: () => T | Promise<T>): Promise<T> => {
      const [began, before] = [performance.now(), process.cpuUsage()];
      const result = await work();
      const { user, system } = process.cpuUsage(before);
      taken.push(
        `${name} ${seconds((performance.now() - began) / 1000)} s (${seconds((user + system) / 1e6)} s of a processor)`,
      );
      return result;
    };
    const seconds = (value: number) => value.toFixed(1);
    const answers = hostileAnswers(fleet.report(12, 0));
    const hostile = Math.max(answers.length, Math.floor(hosts / 100));
    const inventory = join(folder, "inventory");
    writeFileSync(inventory, "");
    const names = [
      ...Array.from({ length: hosts }, (_, host) => fleet.name(host)),
      ...Array.from({ length: hostile }, (_, number) => `bad${number}`),
    ];
    const ansible: RunAnsible = async (_argv, env) => {
      for (const [index, host] of names.entries()) {
        const text =
          index < hosts ? fleet.report(index, 0) : (answers[(index - hosts) % answers.length]?.text ?? "");
        answered(env["VFLAG_FLEET_SPOOL"] ?? "", index, host, text);
      }
      return "";
    };
    const run = async ([program]: readonly string[]) => {
      const list = `  hosts (${names.length}):\n${names.map((name) => `    ${name}\n`).join("")}`;
      return {
        code: 0,
        stderr: "",
        stdout: program === "ansible" ? list : JSON.stringify({ _meta: { hostvars: {} } }),
      };
    };
    const options = {
      inventories: [inventory],
      pattern: "all",
      forks: 50,
      connectSeconds: 1,
      taskSeconds: 1,
      become: false,
      program: "vflag",
    };
    const spool = join(folder, "fleet.db.spool");
    using history = History.open(join(folder, "fleet.db"), "1");
    using reader = new Reader();
    const collected = await timed("collect", () =>
      collect(history, reader, { ...options, spool }, { run, ansible }),
    );

    const refused = names.filter(
      (_, index) => index >= hosts && answers[(index - hosts) % answers.length]?.refused,
    );
    assert.deepEqual(collected.failures.map(({ host }) => host).sort(), refused.toSorted());
    assert.ok(collected.failures.every(({ kind, message }) => kind === "invalid" && message !== ""));
    assert.deepEqual(readdirSync(spool), [], "nothing is left for the next run");

    using alone = History.open(join(folder, "alone.db"), "1");
    writeStates("fine", hosts);
    await importFiles(alone, reader, [join(folder, "fine")]);
    const known = history.known();
    const ofFine = (all: History) => all.known().filter(({ host }) => host.startsWith("hv"));
    assert.deepEqual(
      ofFine(history).map(({ host, observation }) => [host, observation?.outcome, observation?.digest]),
      ofFine(alone).map(({ host, observation }) => [host, observation?.outcome, observation?.digest]),
    );

    const status = await timed("status", () => statusOf(history.known(), Date.now(), 86_400));
    const text = fleetStatusText(status, plain, { full: false });
    assert.match(text, /Not answering[\s\S]*too much for one host: it has more than 300000 values/);
    assert.match(
      text,
      /Clocks\n.*up to \d+ d ahead of this machine's[\s\S]*up to \d+ d behind this machine's/,
    );
    assert.deepEqual(
      new Set(status.clocks.filter(({ host }) => host.startsWith("bad")).map(({ seconds }) => seconds > 0)),
      new Set([true, false]),
    );
    assert.ok(Buffer.byteLength(JSON.stringify(status)) < names.length * 4000 + hostile * 400_000);

    const planned = await timed("plan", () => planFleet(history, reader, null, {}));
    const planAlone = await planFleet(alone, reader, null, {});
    const steps = ({ hosts: all }: typeof planned) =>
      all.filter(({ host }) => host.startsWith("hv")).map(({ observedAt: _, ...plan }) => plan);
    assert.deepEqual(steps(planned), steps(planAlone));
    assert.ok(
      planned.hosts
        .filter(({ host }) => host.startsWith("bad"))
        .every(({ problem, phases }) => problem !== null || phases.length > 0),
    );

    const [maps, page] = await timed("report", async () => {
      const packed = await packedMaps(history, reader, known);
      return [packed, fleetHtml(status, packed, "1")] as const;
    });
    assert.equal(
      maps.places.size + maps.refused.size,
      known.filter(({ observation }) => observation !== null).length,
    );
    assert.ok(!page.includes("<script>document.title"), "what a host says is no script");
    assert.ok(page.length < names.length * 20_000 + hostile * 1_000_000, `${page.length} characters`);
    const diff = await diffSince(history, reader, Date.now() + 1000);
    assert.deepEqual(diff.hosts, []);
    const peak = Math.round(process.resourceUsage().maxRSS / 1024);
    t.diagnostic(
      `${names.length} hosts, ${hostile} of them hostile: ${taken.join(", ")}; at most ${peak} MiB`,
    );
  });

  test("a clock that is wrong hides nothing that comes later, and dates nothing", async () => {
    using history = History.open(join(folder, "clocks.db"), "1");
    using reader = new Reader();
    const states = join(folder, "clocks.json");
    const take = async (at: string, kernel: string) => {
      const report = JSON.parse(fleet.report(1, 0));
      writeFileSync(
        states,
        JSON.stringify({ ...report, state: { ...report.state, observedAt: at, kernel } }),
      );
      const { stored } = await importFiles(history, reader, [states]);
      assert.equal(stored, 1);
    };
    await take("2126-01-01T00:00:00.000Z", "6.1.0-future");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await take(new Date().toISOString(), "6.1.0-now");
    const [last] = history.known();
    assert.equal(last?.observation && history.state(last.observation).kernel, "6.1.0-now");
    const [first] = history.observations("clocks");
    assert.ok(first && first.at <= Date.now() && new Date(first.clock).getUTCFullYear() === 2126);
    assert.equal(history.state(first).observedAt, "2126-01-01T00:00:00.000Z");
    // The same file again is the same observation.
    assert.deepEqual((await importFiles(history, reader, [states])).known, 1);
  });

  function writeStates(name: string, many: number): void {
    const { mkdirSync } = process.getBuiltinModule("node:fs");
    mkdirSync(join(folder, name));
    for (let host = 0; host < many; host++)
      writeFileSync(join(folder, name, `${fleet.name(host)}.json`), fleet.report(host, 0));
  }
});

/** What the plugin writes. */
function answered(spool: string, index: number, host: string, text: string): void {
  const excess = Buffer.byteLength(text) > stateLimits.bytes;
  if (text !== "" && !excess) writeFileSync(join(spool, `1-${index}.out`), text);
  writeFileSync(
    join(spool, `1-${index}.json`),
    JSON.stringify({ host, status: "ok", rc: 0, ...(excess && { excess: Buffer.byteLength(text) }) }),
  );
}

describe("a thread that reads", () => {
  /** Does what the host's name says, and answers several jobs at a time, as the real one. */
  const script = `
    const { parentPort, workerData } = require("node:worker_threads");
    let ready = [];
    parentPort.postMessage([]);
    parentPort.on("message", (jobs) => {
      for (const { host } of jobs) {
        if (host === "hang") for (;;);
        if (host === "grow") for (const list = []; ; ) list.push(new Array(100_000).fill(0));
        if (host === "throw") throw new Error("it has thrown");
        ready.push({ refused: "read " + host });
        Atomics.add(workerData, 0, 1);
        if (ready.length === 3) parentPort.postMessage(ready.splice(0));
      }
      parentPort.postMessage(ready.splice(0));
    });`;
  let threads = 0;
  const start = ({ mebibytes }: { readonly mebibytes: number }): Thread => {
    threads += 1;
    const done = new Int32Array(new SharedArrayBuffer(4));
    const resourceLimits = { maxOldGenerationSizeMb: mebibytes, maxYoungGenerationSizeMb: 8 };
    return { done, worker: new Worker(script, { eval: true, workerData: done, resourceLimits }) };
  };

  test("what takes too much time or memory is given up with its reason; nobody else is, whatever the order", {
    timeout: 120_000,
  }, async () => {
    using reader = new Reader({ milliseconds: 3000, mebibytes: 24 }, start);
    const jobs = ["a", "hang", "b", "c", "d", "e", "grow", "f", "throw", "g", "hang"];
    const results = await Promise.all(
      jobs.map((host) =>
        reader.run({ kind: "report", host, file: "", flags: 0, spec: null, specFile: null }),
      ),
    );
    assert.deepEqual(
      results.map((result) => ("refused" in result ? result.refused : "")),
      jobs.map((host) => {
        if (host === "hang") return "reading it takes more than 3 s";
        if (host === "grow") return "reading it takes more than 24 MiB of memory";
        return host === "throw" ? "it has thrown" : `read ${host}`;
      }),
    );
    assert.ok(threads >= 4, "one to begin with, and one after each but the last");
  });

  test("what was given up once is not tried again, by this version of vflag", async () => {
    const file = join(folder, "aside.db");
    const report = JSON.parse(fleet.report(1, 0));
    const state = { ...report.state, pfs: [] };
    {
      using history = History.open(file, "1");
      history.record({ host: "hv1", state, spec: { file: "f", text: report.spec.text } });
      using hanging = new Reader({ milliseconds: 300, mebibytes: 64 }, () => {
        const worker = new Worker(
          "const { parentPort } = require('node:worker_threads'); parentPort.postMessage([]); parentPort.on('message', () => { for (;;); })",
          { eval: true },
        );
        return { done: new Int32Array(new SharedArrayBuffer(4)), worker };
      });
      const [plan] = (await planFleet(history, hanging, null, {})).hosts;
      assert.equal(plan?.problem, "reading it takes more than 0.3 s");
    }
    using reader = new Reader();
    {
      using history = History.open(file, "1");
      const [plan] = (await planFleet(history, reader, null, {})).hosts;
      assert.equal(plan?.problem, "reading it takes more than 0.3 s");
    }
    using history = History.open(file, "2");
    const [plan] = (await planFleet(history, reader, null, {})).hosts;
    assert.equal(plan?.problem, null);
  });
});
