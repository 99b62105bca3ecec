import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { JsonStream, monitorOvsdb } from "../../../../src/host/linux/ovs/ovsdb-monitor.ts";

const pauses = { first: 20, longest: 50 };

describe("a stream of JSON values", () => {
  test("whole values come out, wherever the stream is cut", () => {
    const object = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()));
    fc.assert(
      fc.property(fc.array(object, { maxLength: 5 }), fc.array(fc.nat(60)), (values, cuts) => {
        const stream = new JsonStream(1_000_000);
        let text = values.map((value) => JSON.stringify(value)).join("");
        const found: unknown[] = [];
        for (const cut of cuts) {
          found.push(...stream.read(text.slice(0, cut)));
          text = text.slice(cut);
        }
        found.push(...stream.read(text));
        assert.deepEqual(
          found,
          values.map((value) => JSON.parse(JSON.stringify(value))),
        );
      }),
    );
  });

  test("a value without an end is an error before it fills the memory", () => {
    const stream = new JsonStream(1000);
    assert.throws(() => {
      for (let n = 0; n < 1000; n++) stream.read('["xxxxxxxxxxxxxxxxxxxxxxxxxxxx",');
    }, RangeError);
  });

  test("what is no JSON is an error", () => {
    for (const text of ["}", "[}", "{]", '{"a":}'])
      assert.throws(() => new JsonStream(1000).read(text), SyntaxError);
  });
});

describe("a monitor of Open vSwitch's database", () => {
  let folder = "";
  let server: Server | null = null;
  const clients = new Set<Socket>();
  const received: string[] = [];
  const seen: string[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vflag-monitor-"));
    received.length = 0;
    seen.length = 0;
  });

  afterEach(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function serve(answer = '{"id":"monitor","result":{},"error":null}'): Promise<void> {
    server = createServer((client) => {
      clients.add(client);
      client.on("error", () => {});
      client.on("data", (bytes) => {
        received.push(bytes.toString());
        if (bytes.toString().includes('"method":"monitor"')) client.write(answer);
      });
    });
    await new Promise<void>((resolve) => server?.listen(join(folder, "db.sock"), resolve));
  }

  async function stop(): Promise<void> {
    for (const client of clients) client.destroy();
    clients.clear();
    const stopped = server;
    server = null;
    if (stopped?.listening === true) await new Promise((resolve) => stopped.close(resolve));
  }

  /** Waits for what the monitor does in its own time, however busy the machine is. */
  async function until(holds: () => boolean): Promise<void> {
    for (let n = 0; n < 1000 && !holds(); n++) await sleep(10);
  }

  const monitor = () =>
    monitorOvsdb({
      path: join(folder, "db.sock"),
      changed: (tables) => seen.push(`changed ${tables.join()}`),
      reachable: (now) => seen.push(now ? "there" : "gone"),
      pauses,
    });

  test("updates are heard by the tables that they are about, and echo is answered", async () => {
    await serve();
    using _monitor = monitor();
    await until(() => seen.length > 0);
    for (const client of clients) {
      client.write(
        '{"id":"echo","method":"echo","params":["x"]}{"id":null,"method":"update","params":[null,{"Port":{},"Bri',
      );
      client.write('dge":{}}]}');
    }
    await until(() => seen.length > 1 && received.length > 1);
    assert.deepEqual(seen, ["there", "changed Port,Bridge"]);
    assert.ok(received.some((text) => text.includes('{"id":"echo","result":["x"],"error":null}')));
  });

  test("a server that comes late, goes, and comes again is found again", async () => {
    using _monitor = monitor();
    await sleep(60);
    assert.deepEqual(seen, []);
    await serve();
    await until(() => seen.length > 0);
    assert.deepEqual(seen, ["there"]);
    await stop();
    await until(() => seen.length > 1);
    assert.deepEqual(seen, ["there", "gone"]);
    await serve();
    await until(() => seen.length > 2);
    assert.deepEqual(seen, ["there", "gone", "there"]);
  });

  test("a server that refuses, or talks nonsense, is left and asked again, quietly", async () => {
    await serve('{"id":"monitor","result":null,"error":"unknown database"}');
    using _monitor = monitor();
    await until(() => received.length >= 2);
    assert.deepEqual(seen, []);
    assert.ok(received.length >= 2, `asked ${received.length} times`);
    await stop();
    await serve("HTTP/1.1 400 Bad Request}}");
    await sleep(150);
    assert.deepEqual(seen, []);
  });
});
