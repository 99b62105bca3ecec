import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { readXml } from "../../src/host/linux/guests/xml.ts";
import { inject } from "../../src/host/simulated/faults.ts";
import { observeWorld } from "../../src/host/simulated/host.ts";
import { startGuests } from "../../src/host/simulated/machine/guests.ts";
import { HostState } from "../../src/host/state/state.ts";
import { mapOf, onlyNic } from "../../src/map/map.ts";
import { HostMap, type MapVf } from "../../src/map/schema.ts";
import { mapSvg } from "../../src/report/map/map-svg.ts";
import { groupName, groupsOf } from "../../src/report/map/map-words.ts";
import { markup } from "../../src/report/terminal/escape.ts";
import { coloured, plain } from "../../src/report/terminal/style.ts";
import { mapText } from "../../src/report/text/map-text.ts";
import { shortNumber } from "../../src/report/text/traffic-text.ts";
import { booted, fresh, spec } from "../support/hosts.ts";
import { mapSpec, talkingHost } from "../support/maps.ts";
import { processorTime } from "../support/processor-time.ts";

describe("the map", () => {
  test("says who is who, as its schema has it", async () => {
    const map = mapOf(mapSpec, await talkingHost());
    assert.deepEqual(HostMap.parse(structuredClone(map)), map);
    const [nic = assert.fail()] = map.nics;
    assert.deepEqual(
      [nic.name, nic.mode, nic.physnet, nic.lag],
      ["data", "vf-lag", "physnet2", { state: "active", type: "switchdev" }],
    );
    assert.equal(nic.bond?.bridgePort?.bridge, "br-ex");
    assert.deepEqual(
      nic.ports.map(({ lag }) => lag),
      [
        { port: 1, leavesBy: [1] },
        { port: 2, leavesBy: [2] },
      ],
    );
    const [vf = assert.fail(), free = assert.fail()] = nic.ports[0]?.vfs ?? [];
    assert.equal(vf.representor?.netdev, "ens3f0npf0vf0");
    assert.equal(vf.representor?.bridgePort?.bridge, "br-int");
    assert.equal(vf.representor?.flows?.in.hardware.flows, 1);
    assert.equal(vf.guests[0]?.kind === "domain" && vf.guests[0].title, "web-1");
    assert.deepEqual([free.guests, free.representor?.bridgePort], [[], null]);
    assert.deepEqual(map.notes, []);
  });

  test("without a spec each card is shown under its address, with the bond that its ports are in", async () => {
    const map = mapOf(null, await talkingHost());
    assert.deepEqual(
      map.nics.map(({ name, mode, bond, ports }) => [name, mode, bond?.name, ports.length]),
      [["0000:37:00", null, "bond0", 2]],
    );
    assert.equal(map.nics[0]?.ports[0]?.vfs[0]?.representor?.flows?.in.hardware.flows, 1);
  });

  test("only one NIC, and none of a name that is not there", async () => {
    const map = mapOf(mapSpec, await talkingHost());
    assert.deepEqual(onlyNic(map, "data"), map);
    assert.equal(onlyNic(map, "nosuch"), null);
  });

  test("a NIC whose ports are not there is shown with the reason", async () => {
    const state = await talkingHost();
    const map = mapOf(
      spec("version: 1\nnics: [{name: gone, mode: sriov, ports: [ens9f0], vfs: 1}]\n"),
      state,
    );
    assert.match(map.nics[0]?.problem ?? "", /ens9f0 matches no port/);
    for (const text of [mapText(map, plain), mapSvg(map)]) assert.match(text, /ens9f0 matches no port/);
  });

  test("a saved state of an older version has a map, which says what it cannot show", async () => {
    const { guests: _, flows: __, ...old } = await talkingHost();
    const state = HostState.parse(old);
    const map = mapOf(mapSpec, state);
    assert.deepEqual(map.notes, [
      "guests: the version of vflag that saved this state did not look at it",
      "flows: the version of vflag that saved this state did not look at it",
    ]);
    assert.equal(map.nics[0]?.bond?.flows, null);
    assert.match(mapText(map, plain), /in use by process 4711 \(qemu-system-x86\)/);
    for (const text of [mapText(map, plain), mapSvg(map)]) assert.match(text, /\? flows: the version/);
  });

  test("flows that were not all read, or not understood, are told", async () => {
    const state = await talkingHost();
    assert.ok(state.flows !== null && !("unknown" in state.flows));
    state.flows = { ...state.flows, cut: "the first 3 were read", notUnderstood: 2 };
    assert.deepEqual(mapOf(mapSpec, state).notes, [
      "flows: not all of them: the first 3 were read",
      "flows: 2 lines of Open vSwitch's list are not understood",
    ]);
  });

  test("a host without such a port has a map, and so has one after power-on", () => {
    const empty = { ...observeWorld(fresh()), pfs: [] };
    for (const state of [empty, observeWorld(fresh())]) {
      const map = mapOf(null, state);
      assert.notEqual(readXml(mapSvg(map)), null);
      assert.match(mapText(map, plain), /kernel/);
    }
    assert.match(mapText(mapOf(null, empty), plain), /no SR-IOV capable/);
  });

  test("a stale port, a port without a link and a LAG in which VFs leave by the other port are seen", async () => {
    const state = await talkingHost();
    for (const pf of state.pfs)
      if (pf.lag !== null && !("unknown" in pf.lag)) pf.lag.mapping = ["1:2", "2:2"];
    const netdev = state.netdevs.find(({ name }) => name === "ens3f0");
    if (netdev !== undefined) netdev.carrier = false;
    const bridges = state.ovs === null || "unknown" in state.ovs ? [] : state.ovs.bridges;
    for (const port of bridges.flatMap(({ interfaces }) => interfaces))
      if (port.name === "ens3f0npf0vf0") port.error = "could not open it";
    const map = mapOf(mapSpec, state);
    for (const text of [mapText(map, plain), mapSvg(map)]) {
      assert.match(text, /LAG port 1, VFs leave by 2/);
      assert.match(text, /no link/);
      assert.match(text, /could not open it/);
    }
  });

  test("a LAG by hash leaves by its active ports", async () => {
    const state = await talkingHost();
    for (const pf of state.pfs)
      if (pf.lag !== null && !("unknown" in pf.lag)) pf.lag.mapping = ["1", "2", "something new"];
    assert.deepEqual(mapOf(mapSpec, state).nics[0]?.ports[1]?.lag, { port: 2, leavesBy: [1, 2] });
  });

  test("flows in software are painted as such", async () => {
    const world = await booted(mapSpec);
    startGuests(world);
    inject(world, "flows-in-software");
    const map = mapOf(mapSpec, observeWorld(world));
    assert.match(mapSvg(map), /class="edge software"/);
    assert.doesNotMatch(mapSvg(map), /class="edge hardware" d="M\d+ [^"]*"\/>\n<path/);
    assert.match(mapText(map, plain), /flows in {2}1 flow in software \(448k packets\)/);
  });
});

describe("many VFs", () => {
  const many = async (inUse: (index: number) => boolean) => {
    const map = structuredClone(mapOf(mapSpec, await talkingHost()));
    for (const port of map.nics[0]?.ports ?? []) {
      const [used, free] = port.vfs;
      assert.ok(used !== undefined && free !== undefined);
      port.vfs = Array.from(
        { length: 127 },
        (_, index): MapVf => ({ ...structuredClone(inUse(index) ? used : free), index }),
      );
    }
    return map;
  };
  const heightOf = (svg: string) => Number(/ height="(\d+)"/.exec(svg)?.[1]);

  test("those that nobody has are put together, in a tree and in a picture of a page's height", async () => {
    const map = await many((index) => index % 10 === 0);
    const [port = assert.fail()] = map.nics[0]?.ports ?? [];
    assert.deepEqual(
      groupsOf(port).map((group) => (group.free ? "free" : groupName(group))),
      [...Array.from({ length: 13 }, (_, at) => `VF ${at * 10}`), "free"],
    );
    assert.ok(mapText(map, plain).split("\n").length < 130);
    assert.ok(heightOf(mapSvg(map)) < 1600);
  });

  test("254 guests are all on it, a line each, and it is made at once", async () => {
    const map = await many(() => true);
    const before = processorTime();
    const svg = mapSvg(map);
    assert.ok(processorTime() - before < 500);
    assert.equal(svg.match(/class="box user"/g)?.length, 254);
    assert.ok(heightOf(svg) < 9000);
    assert.ok(svg.length < 400_000);
  });

  test("names of groups", () => {
    const named = (...indices: number[]) => {
      const [first = assert.fail(), ...more] = indices.map((index) => ({ index }) as MapVf);
      return groupName({ vfs: [first, ...more], free: true });
    };
    assert.equal(named(3), "VF 3");
    assert.equal(named(0, 1), "VF 0, 1");
    assert.equal(named(0, 2, 3, 4, 9), "VF 0, 2 to 4, 9");
  });
});

describe("names that mean harm", () => {
  /** Whatever a guest, a bridge, a container or a file may be called. */
  const name = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string(),
    fc.constantFrom(
      "</text><script>alert(1)</script>",
      '" onload="alert(1)',
      "' x='",
      "&amp;&#x3c;",
      "]]>",
      "\u001b]0;x\u0007",
      "a\nb\r\tc",
      "\u202e",
      "\ud800",
      "-->",
    ),
  );

  test("stay text in the picture, and reach no terminal as control characters", async () => {
    const state = await talkingHost();
    fc.assert(
      fc.property(fc.array(name, { minLength: 8, maxLength: 8 }), (names) => {
        const map = mapOf(mapSpec, hostile(state, names));
        const svg = mapSvg(map);
        const top = readXml(svg);
        assert.ok(top !== null, svg);
        const elements = [...(svg.match(/<[a-z]+/g) ?? [])];
        assert.ok(
          elements.every((element) =>
            ["<svg", "<title", "<style", "<rect", "<text", "<path", "<g"].includes(element),
          ),
          elements.join(),
        );
        assert.doesNotMatch(svg, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]/u);
        // Between tags stands no bare mark; quotes stand in attributes and in the style only.
        const words = svg.replace(/<style>.*?<\/style>/s, "").replace(/<[^<>]*>/g, "");
        assert.doesNotMatch(words, /[<>"']|&(?!#\d+;)/);
        for (const attributes of svg.matchAll(/<(?:rect|text|path|g)\b([^>]*)>/g))
          assert.doesNotMatch(attributes[1] ?? "", /\bon\w+=|href/);
        for (const style of [plain, coloured])
          assert.doesNotMatch(
            mapText(map, style),
            /\x1b(?!\[\d+m)|[\x00-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202e]/,
          );
        // A name makes no line of its own.
        assert.equal(
          mapText(map, plain).split("\n").length,
          mapText(mapOf(mapSpec, hostile(state, Array(8).fill("x"))), plain).split("\n").length,
        );
      }),
      { numRuns: 150 },
    );
  });

  function hostile(state: HostState, names: readonly string[]): HostState {
    const [host = "", title = "", domain = "", bridge = "", id = "", kernel = "", error = "", cut = ""] =
      names;
    const copy = structuredClone(state);
    copy.hostname = host;
    copy.kernel = kernel;
    const own = copy.pfs.flatMap((pf) => pf.vfs.map(({ address }) => address));
    copy.guests = [
      { kind: "domain", name: domain, uuid: null, title, running: true, pid: 1, vfs: own.slice(0, 1) },
      { kind: "container", engine: title, id: `x${domain}`, name: title, pid: null, vfs: own.slice(0, 2) },
      { kind: "machine", name: title, uuid: null, pid: 1, vfs: own.slice(2, 3) },
      { kind: "namespace", name: title, vfs: own.slice(3, 4) },
      { kind: "process", pid: 1, command: title, vfs: own.slice(4, 5) },
    ];
    if (copy.ovs !== null && !("unknown" in copy.ovs))
      for (const each of copy.ovs.bridges) {
        each.name = bridge;
        for (const port of each.interfaces) {
          port.ifaceId = id;
          port.error = port.name === "ens3f0npf0vf0" ? error : null;
        }
      }
    if (copy.flows !== null && !("unknown" in copy.flows)) copy.flows.cut = cut;
    return copy;
  }

  test("text for XML", () => {
    assert.equal(markup(`<a b="c" d='e'>&</a>`), "&#60;a b=&#34;c&#34; d=&#39;e&#39;&#62;&#38;&#60;/a&#62;");
    assert.equal(markup("a\u0000b\ud800c\u202ed\u{1f600}"), "a\ufffdb\ufffdc\ufffdd\u{1f600}");
  });
});

test("numbers in four characters or so, never more than was seen", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0"],
    [999, "999"],
    [1000, "1.0k"],
    [1999, "1.9k"],
    [9999, "9.9k"],
    [448444, "448k"],
    [999_999, "999k"],
    [1_000_000, "1.0M"],
    [54_114_480, "54M"],
    [Number.MAX_SAFE_INTEGER, "9.0P"],
  ];
  for (const [number, text] of cases) assert.equal(shortNumber(number), text);
});
