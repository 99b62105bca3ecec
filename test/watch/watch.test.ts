import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostEvent, Part, WatchableHost } from "../../src/host/events.ts";
import { buildHost } from "../../src/host/simulated/build.ts";
import { inject } from "../../src/host/simulated/faults.ts";
import { observeWorld } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { loadSpec } from "../../src/spec/load.ts";
import { type Entry, type Pace, watchHost } from "../../src/watch/watch.ts";

const spec = loadSpec(
  "version: 1\nnics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 2, bond: bond0}]",
  "spec",
);

/** A simulated host whose events are a script, and what a watch of it asked and told. */
class Script implements WatchableHost {
  readonly world: World = buildHost([
    { model: "ConnectX-5", ports: 2, bond: { name: "bond0", mode: "802.3ad" } },
  ]);
  readonly looks: Part[][] = [];

  constructor() {
    for (const netdev of this.world.state.netdevs) Object.assign(netdev, { up: true, carrier: true });
  }

  readonly told: Entry[] = [];
  readonly #ended = new AbortController();
  hear: (event: HostEvent) => void = () => {};
  heard = false;
  failures: Error[] = [];
  slowness = 0;

  async look(parts: ReadonlySet<Part>) {
    this.looks.push([...parts].sort());
    await sleep(this.slowness);
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    return observeWorld(this.world);
  }

  listen(hear: (event: HostEvent) => void): Disposable {
    this.hear = hear;
    this.heard = true;
    return {
      [Symbol.dispose]: () => {
        this.heard = false;
      },
    };
  }

  /** Watches while something happens. */
  async watch(
    act: () => Promise<void> | void,
    options: { every?: number; pace?: Partial<Pace>; tell?: (entry: Entry) => Promise<void> } = {},
  ) {
    const tell = options.tell ?? ((entry: Entry) => void this.told.push(entry));
    const pace = { quiet: 20, longest: 100, echoes: [], ...options.pace };
    const begun = Promise.withResolvers<void>();
    const { failures, slowness } = this;
    Object.assign(this, { failures: [], slowness: 0 });
    const begin = () => begun.resolve();
    const watching = watchHost({
      host: this,
      spec,
      begin,
      tell,
      signal: this.#ended.signal,
      every: options.every ?? 0,
      pace,
    });
    await begun.promise;
    assert.deepEqual(this.looks, [["everything"]]);
    this.looks.length = 0;
    Object.assign(this, { failures, slowness });
    await act();
    this.#ended.abort();
    await watching;
  }

  kinds(): string[] {
    return this.told.map((entry) =>
      entry.kind === "notice"
        ? `${entry.notice.kind}: ${entry.notice.text}`
        : `${entry.change.kind} ${entry.change.after}`,
    );
  }
}

/** Waits for what the watch does in its own time, however busy the machine is. */
async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 1000 && !holds(); n++) await sleep(10);
}

const linkDown = (script: Script) => {
  for (const netdev of script.world.state.netdevs) if (netdev.name === "ens3f0") netdev.carrier = false;
};

describe("a watch", () => {
  test("looks when something happened, at what it is about, and tells what is different", async () => {
    const script = new Script();
    await script.watch(async () => {
      linkDown(script);
      script.hear({ parts: ["nics"] });
      await until(() => script.told.length > 0);
    });
    assert.deepEqual(script.looks, [["nics"]]);
    assert.deepEqual(script.kinds(), ["link no link"]);
  });

  test("does not look, and tells nothing, while nothing happens", async () => {
    const script = new Script();
    await script.watch(() => sleep(150));
    assert.deepEqual([script.looks, script.told], [[], []]);
  });

  test("tells nothing of an event after which all is as it was", async () => {
    const script = new Script();
    await script.watch(async () => {
      script.hear({ parts: ["ovs"] });
      await until(() => script.looks.length > 0);
      await sleep(50);
    });
    assert.deepEqual([script.looks, script.told], [[["ovs"]], []]);
  });

  test("makes one look of many events that come together, at all that they are about", async () => {
    const script = new Script();
    await script.watch(async () => {
      for (let n = 0; n < 1000; n++) script.hear({ parts: [n % 2 === 0 ? "nics" : "ovs"] });
      await until(() => script.looks.length > 0);
      await sleep(50);
    });
    assert.deepEqual(script.looks, [["nics", "ovs"]]);
  });

  test("looks in the end while events go on and on, and spends a fifth of the time on it at most", async () => {
    const script = new Script();
    script.slowness = 20;
    let took = 0;
    await script.watch(async () => {
      const began = performance.now();
      // It is never quiet for 20 ms; after 100 ms there is a look all the same.
      for (let n = 0; n < 200 && script.looks.length < 5; n++) {
        script.hear({ parts: ["nics"] });
        await sleep(10);
      }
      took = performance.now() - began;
    });
    assert.ok(script.looks.length >= 5, `${script.looks.length} looks`);
    assert.ok(script.looks.length * 100 <= took + 200, `${script.looks.length} looks of 20 ms in ${took} ms`);
  });

  test("gives a change the time at which it was seen, which is never before it happened, and in order", async () => {
    const script = new Script();
    let at = 0;
    await script.watch(async () => {
      // The first event is of something else; the change comes later, and is seen by the same look.
      script.hear({ parts: ["nics"], notice: { kind: "log", text: "something else" } });
      await sleep(15);
      at = Date.now();
      linkDown(script);
      script.hear({ parts: ["nics"] });
      await until(() => script.told.length > 1);
    });
    const times = script.told.map((entry) => entry.at.getTime());
    assert.ok((times.at(-1) ?? 0) >= at, `${at - (times.at(-1) ?? 0)} ms before it`);
    assert.deepEqual(times, times.toSorted());
  });

  test("looks again later at what has no events, once, and not because of that", async () => {
    const script = new Script();
    await script.watch(
      async () => {
        linkDown(script);
        script.hear({ parts: ["nics"] });
        await until(() => script.told.length > 0);
        // The driver changes its LAG a moment after the link, and says nothing.
        inject(script.world, "third-slave");
        for (const netdev of script.world.state.netdevs) if (netdev.name === "ens3f0") netdev.up = false;
        await until(() => script.looks.length >= 3);
        await sleep(300);
      },
      { pace: { echoes: [300, 1200] } },
    );
    assert.deepEqual(script.looks, [["nics"], ["nics"], ["everything"]]);
    assert.deepEqual(script.kinds(), ["link no link", "link switched off"]);
  });

  test("looks at everything in its interval", async () => {
    const script = new Script();
    await script.watch(() => until(() => script.looks.length > 0), { every: 1 });
    assert.deepEqual(script.looks, [["everything"]]);
  });

  test("says once that messages were lost, before it tells what it finds", async () => {
    const script = new Script();
    await script.watch(async () => {
      linkDown(script);
      for (let n = 0; n < 100; n++)
        script.hear({ parts: ["everything"], notice: { kind: "lost", text: "lost" } });
      await until(() => script.told.length > 1);
    });
    assert.deepEqual(script.looks, [["everything"]]);
    assert.deepEqual(script.kinds(), ["lost: lost", "link no link"]);
  });

  test("tells a thousand lines of the kernel log as two hundred, and how many more there were", async () => {
    const script = new Script();
    await script.watch(async () => {
      for (let n = 0; n < 1000; n++) script.hear({ parts: ["nics"], notice: { kind: "log", text: `${n}` } });
      await until(() => script.looks.length > 0);
    });
    assert.equal(script.told.length, 201);
    assert.equal(script.kinds().at(-1), "lost: 800 more that were not told");
  });

  test("that a look fails is told, and it is tried again", async () => {
    const script = new Script();
    script.failures = [new Error("list links: ENOBUFS")];
    await script.watch(async () => {
      linkDown(script);
      script.hear({ parts: ["nics"] });
      await until(() => script.told.length > 1);
    });
    assert.deepEqual(script.kinds(), [
      "lost: the host cannot be looked at: list links: ENOBUFS",
      "link no link",
    ]);
  });

  test("a reader that is slow is waited for, and no event is lost", async () => {
    const script = new Script();
    const told: string[] = [];
    await script.watch(
      async () => {
        linkDown(script);
        script.hear({ parts: ["nics"] });
        await until(() => script.looks.length > 0);
        await sleep(20);
        for (const netdev of script.world.state.netdevs) if (netdev.name === "ens3f1") netdev.carrier = false;
        for (let n = 0; n < 1000; n++) script.hear({ parts: ["nics"] });
        await until(() => told.length > 1);
      },
      {
        tell: async (entry) => {
          await sleep(100);
          if (entry.kind === "change") told.push(entry.change.subjects.join());
        },
      },
    );
    assert.deepEqual(told, ["ens3f0", "ens3f1"]);
    assert.equal(script.looks.length, 2);
  });

  test("hears what happens while it looks for the first time", async () => {
    const script = new Script();
    const look = script.look.bind(script);
    let first = true;
    script.look = async (parts) => {
      const seen = await look(parts);
      if (first) {
        linkDown(script);
        script.hear({ parts: ["nics"] });
      }
      first = false;
      return seen;
    };
    await script.watch(() => until(() => script.told.length > 0));
    assert.deepEqual(script.kinds(), ["link no link"]);
  });

  test("hears nothing any more when it has ended", async () => {
    const script = new Script();
    await script.watch(() => assert.equal(script.heard, true));
    assert.equal(script.heard, false);
  });
});
