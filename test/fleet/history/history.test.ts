import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { diffSince } from "../../../src/fleet/answers/diff.ts";
import { judgedAll } from "../../../src/fleet/answers/judge.ts";
import { named, pathChanges } from "../../../src/fleet/answers/paths.ts";
import { planFleet } from "../../../src/fleet/answers/plan.ts";
import { statusOf } from "../../../src/fleet/answers/status.ts";
import { type FailureKind, failureKinds, History } from "../../../src/fleet/history/history.ts";
import { Reader } from "../../../src/fleet/reading/reader.ts";
import type { HostState } from "../../../src/host/state/state.ts";
import { roundsFrom } from "../../support/count.ts";
import { readGolden } from "../../support/golden.ts";

/** What is read back is what was stored: random histories in real databases. */

const folder = mkdtempSync(join(tmpdir(), "vflag-fleet-"));
after(() => rmSync(folder, { recursive: true }));
const reader = new Reader();
after(() => reader[Symbol.dispose]());
let serial = 0;
const fresh = () => join(folder, `${serial++}.db`);
const open = (file = fresh(), judge = "1") => History.open(file, judge);

const golden = [
  "ovs-works",
  "third-slave",
  "two-nics",
  "guests-run",
  "lag-state-unknown",
  "port-missing",
].map((name) => readGolden(name).state);
const text = (vfs: number) =>
  `version: 1\nnics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: ${vfs}, bond: bond0}]\n`;

const aState = fc
  .record({
    base: fc.constantFrom(...golden),
    kernel: fc.constantFrom("5.15.0", "6.1.0"),
    minute: fc.nat(30),
    mac: fc.nat(255),
  })
  .map(
    ({ base, kernel, minute, mac }): HostState => ({
      ...JSON.parse(
        JSON.stringify(base).replaceAll(/24:8a:07:..:/g, `24:8a:07:${mac.toString(16).padStart(2, "0")}:`),
      ),
      kernel,
      observedAt: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
    }),
  );
const aHost = fc.constantFrom("hv1", "hv2", "hv10", "<b>&'\"", "hv\u202e");
const anEvent = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("report" as const),
      host: aHost,
      state: aState,
      vfs: fc.option(fc.constantFrom(2, 4, 0)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("failure" as const),
      host: aHost,
      why: fc.constantFrom<FailureKind>(...failureKinds),
      minute: fc.nat(30),
    }),
  },
);
const minute = (number: number) => Date.UTC(2026, 0, 1, 0, number);

interface Model {
  readonly host: string;
  readonly state: HostState;
  readonly spec: string | null;
}

describe("a history", () => {
  test("what is read back is what was stored, at every moment, also after pruning and by another process", () => {
    fc.assert(
      fc.property(fc.array(anEvent, { maxLength: 14 }), fc.nat(30), (events, limit) => {
        const file = fresh();
        const model: Model[] = [];
        {
          using history = open(file);
          for (const event of events) {
            if (event.kind === "failure") {
              history.fail(event.host, event.why, "words", minute(event.minute));
              continue;
            }
            const { host, state } = event;
            const spec = event.vfs === null ? null : text(event.vfs);
            const same = model.some(
              (each) =>
                each.host === host &&
                each.spec === spec &&
                JSON.stringify(each.state) === JSON.stringify(state),
            );
            assert.equal(
              history.record({ host, state, spec: spec === null ? null : { file: "f", text: spec } }),
              same ? "known" : "stored",
            );
            if (!same) model.push({ host, state, spec });
          }
        }
        using history = open(file);
        const hosts = [...new Set(events.map(({ host }) => host))];
        assert.deepEqual(new Set(history.known().map(({ host }) => host)), new Set(hosts));
        for (const at of [0, limit, 30, 60]) asModelled(history, model, hosts, at);
        const later = [limit, 30, 60].map((at) => readAll(history, minute(at)));
        history.prune(minute(limit));
        assert.deepEqual(
          [limit, 30, 60].map((at) => readAll(history, minute(at))),
          later,
        );
        assert.deepEqual(history.problems(), []);
      }),
      { numRuns: roundsFrom("PROPERTY_RUNS", 20, 60) },
    );
  });

  /** The newest of each host until then. */
  function asModelled(history: History, model: readonly Model[], hosts: readonly string[], at: number): void {
    const known = new Map(history.known(minute(at)).map((each) => [each.host, each.observation]));
    for (const host of hosts) {
      const until = model.filter(
        (each) => each.host === host && Date.parse(each.state.observedAt) <= minute(at),
      );
      // Of two at the same moment the one that came last counts.
      const wanted = until.reduce<Model | null>(
        (best, each) => (best === null || each.state.observedAt >= best.state.observedAt ? each : best),
        null,
      );
      const found = known.get(host) ?? null;
      assert.equal(found === null, wanted === null);
      if (found === null || wanted === null) continue;
      assert.deepEqual(history.state(found), wanted.state);
      const spec = history.spec(found);
      if (wanted.spec === null || wanted.spec === text(0)) assert.ok("problem" in spec);
      else assert.ok("nics" in spec);
      assert.equal(found.outcome.problem === null, "nics" in spec);
    }
  }

  function readAll(history: History, at: number): unknown {
    return history
      .known(at)
      .map(({ host, observation }) => [
        host,
        observation === null ? null : history.state(observation),
        observation?.outcome,
      ]);
  }

  test("a state that is nearly as it was before takes little room, and one that is the same hardly any", () => {
    const state = golden[0] as HostState;
    const sizeOf = (kernel: (n: number) => string) => {
      const file = fresh();
      {
        using history = open(file);
        history.together(() => {
          for (let n = 0; n < 500; n++)
            history.record({
              host: "hv1",
              state: { ...state, observedAt: new Date(minute(n)).toISOString(), kernel: kernel(n) },
              spec: null,
            });
        });
        assert.equal(history.observations("hv1").length, 500);
      }
      return statSync(file).size;
    };
    const whole = JSON.stringify(state).length * 500;
    const same = sizeOf(() => "6.1.0");
    const nearly = sizeOf((n) => `6.1.${n}`);
    assert.ok(
      same < whole / 50 && nearly < whole / 15,
      `${whole} bytes as JSON, ${nearly} with small changes, ${same} without`,
    );
  });

  test("hosts that are forgotten leave nothing behind; one that is not known is said, and nothing is forgotten", () => {
    using history = open();
    for (const host of ["hv1", "hv2"]) history.record({ host, state: golden[0] as HostState, spec: null });
    assert.throws(() => history.forget(["hv1", "hv9"]), /no host is called hv9/);
    assert.equal(history.known().length, 2);
    history.forget(["hv1", "hv2"]);
    assert.deepEqual([history.known(), history.problems()], [[], []]);
  });

  test("a verdict of another version of vflag is made anew, once", async () => {
    const file = fresh();
    {
      using history = open(file, "1");
      history.record({ host: "hv1", state: golden[1] as HostState, spec: { file: "f", text: text(2) } });
    }
    using history = open(file, "2");
    assert.equal(history.known()[0]?.observation?.judge, "1");
    assert.equal((await judgedAll(history, reader, history.known()))[0]?.observation?.judge, "2");
    assert.equal(history.known()[0]?.observation?.judge, "2");
  });
});

describe("a file", () => {
  test("of another program, of a newer vflag, or none of SQLite is left alone", () => {
    const other = fresh();
    const sqlite = new DatabaseSync(other);
    sqlite.exec("CREATE TABLE t (a); PRAGMA user_version = 1");
    sqlite.close();
    assert.throws(() => open(other), /another program's SQLite database/);
    const newer = fresh();
    open(newer).close();
    const raised = new DatabaseSync(newer);
    raised.exec("PRAGMA user_version = 99");
    raised.close();
    assert.throws(() => open(newer), /version 99, and this vflag knows 3/);
    const none = fresh();
    writeFileSync(none, "not a database, and long enough to be one".repeat(100));
    assert.throws(() => open(none), /not a database/);
  });

  test("of an older vflag is taken over, and goes on", () => {
    const file = fresh();
    const [first, second] = [golden[0] as HostState, golden[1] as HostState];
    {
      using history = open(file);
      history.record({ host: "hv1", state: first, spec: null });
    }
    const older = new DatabaseSync(file);
    older.exec(`ALTER TABLE chunk DROP COLUMN same_start; ALTER TABLE chunk DROP COLUMN same_end;
      PRAGMA user_version = 2`);
    older.close();
    using history = open(file);
    history.record({ host: "hv2", state: second, spec: null });
    assert.deepEqual(history.problems(), []);
    assert.deepEqual(
      history.known().map(({ observation }) => observation && history.state(observation).netdevs),
      [first.netdevs, second.netdevs],
    );
  });

  test("only its owner can read it", () => {
    const file = fresh();
    using _history = open(file);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test("damage is found", () => {
    const file = fresh();
    {
      using history = open(file);
      history.record({ host: "hv1", state: golden[0] as HostState, spec: null });
      assert.deepEqual(history.problems(), []);
    }
    const sqlite = new DatabaseSync(file);
    sqlite.exec("UPDATE chunk SET hash = zeroblob(20) WHERE id = 1");
    sqlite.close();
    using history = open(file);
    assert.deepEqual(history.problems(), ["chunk 1 is not what it was"]);
  });
});

describe("what changed", () => {
  test("the changes between two states, applied to the first, make the second", () => {
    fc.assert(
      fc.property(aState, aState, (one, other) => {
        const changes = pathChanges(one, other);
        assert.deepEqual(applied(canonical(one), changes), canonical(other));
        assert.deepEqual(pathChanges(one, one), []);
      }),
      { numRuns: roundsFrom("PROPERTY_RUNS", 20, 60) },
    );
  });

  test("the verdict, the spec and the state of a host, and hosts that are new or silent", async () => {
    using history = open();
    const [works, broken] = golden as [HostState, HostState];
    const at = (state: HostState, number: number) => ({
      ...state,
      observedAt: new Date(minute(number)).toISOString(),
    });
    const spec = (vfs: number) => ({ file: "f", text: text(vfs) });
    history.record({ host: "hv1", state: at(works, 0), spec: spec(2) });
    history.record({ host: "hv1", state: at(broken, 10), spec: spec(4) });
    history.record({ host: "hv2", state: at(works, 0), spec: spec(2) });
    history.record({ host: "hv2", state: at(works, 10), spec: spec(2) });
    history.record({ host: "hv3", state: at(works, 10), spec: spec(2) });
    history.record({ host: "hv4", state: at(works, 0), spec: spec(2) });
    const diff = await diffSince(history, reader, minute(5));
    assert.deepEqual(
      [diff.hosts.map(({ host, kind }) => `${host} ${kind}`), diff.unchanged, diff.silent],
      [["hv1 changed", "hv3 new"], 1, ["hv4"]],
    );
    const [first] = diff.hosts;
    assert.deepEqual(
      first?.spec.map(({ path, before, after }) => [path, before, after]),
      [["nics[data].vfs", 2, 4]],
    );
    assert.deepEqual(
      first?.verdicts.map(({ before, after }) => [before, after]),
      [["works", "broken"]],
    );
    assert.ok(first?.state.some(({ kind }) => kind === "bonds[*].slaves[*]"));
  });
});

describe("the fleet at a glance", () => {
  test("old states, hosts that do not answer and hosts without a spec are said, and a plan leaves none out", async () => {
    using history = open();
    const at = (state: HostState, number: number) => ({
      ...state,
      observedAt: new Date(minute(number)).toISOString(),
    });
    history.record(
      { host: "hv1", state: at(golden[0] as HostState, 30), spec: { file: "f", text: text(2) } },
      minute(30),
    );
    history.record(
      { host: "hv2", state: at(golden[0] as HostState, 0), spec: { file: "f", text: text(2) } },
      minute(0),
    );
    history.record(
      { host: "hv3", state: at(golden[1] as HostState, 30), spec: { file: "f", text: text(2) } },
      minute(30),
    );
    history.record({ host: "hv4", state: at(golden[0] as HostState, 30), spec: null }, minute(30));
    history.fail("hv5", "unreachable", "no route", minute(30));
    history.fail("hv3", "failed", "earlier than the state", minute(10));
    history.fail("hv2", "no-answer", "later", minute(30));
    const status = statusOf(history.known(), minute(31), 600);
    assert.deepEqual(status.nics, { works: 2, broken: 1, unknown: 0 });
    assert.deepEqual(status.stale, ["hv2"]);
    assert.deepEqual(
      status.failures.map(({ kind, hosts }) => [kind, hosts]),
      [
        ["unreachable", ["hv5"]],
        ["no-answer", ["hv2"]],
      ],
    );
    assert.deepEqual(
      status.problems.map(({ hosts }) => hosts),
      [["hv4"], ["hv5"]],
    );
    assert.deepEqual(
      status.causes
        .filter(({ severity }) => severity === "error")
        .map(({ requirement, hosts }) => [requirement, hosts]),
      [["bond", ["hv3"]]],
    );
    const plan = await planFleet(history, reader, null, {});
    assert.deepEqual([plan.nothing + plan.hosts.length + plan.unknown.length, plan.unknown], [5, ["hv5"]]);
    assert.match(plan.hosts.find(({ host }) => host === "hv4")?.problem ?? "", /no spec/);
  });
});

/** Lists as what they say, whatever their order. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return new Map([...named(value)].map(([name, item]) => [name, canonical(item)]));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, canonical(item)]));
  return value;
}

function applied(value: unknown, changes: ReturnType<typeof pathChanges>): unknown {
  return changes.reduce((whole, { at, after: next }) => put(whole, at, canonical(next)), value);
}

function put(value: unknown, [key, ...rest]: readonly string[], next: unknown): unknown {
  if (key === undefined) return next;
  if (value instanceof Map) {
    const copy = new Map(value);
    const item = put(copy.get(key), rest, next);
    if (item === undefined) copy.delete(key);
    else copy.set(key, item);
    return copy;
  }
  const { [key]: before, ...others } = value as Record<string, unknown>;
  const item = put(before, rest, next);
  return item === undefined ? others : { ...others, [key]: item };
}
