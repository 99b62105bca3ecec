import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { buildHost } from "../../src/host/simulated/build.ts";
import { network } from "../../src/host/simulated/events.ts";
import { faults, inject, isFaultName } from "../../src/host/simulated/faults.ts";
import { observeWorld, SimulatedHost } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { known } from "../../src/host/state/observed.ts";
import type { HostState } from "../../src/host/state/state.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import { plain } from "../../src/report/terminal/style.ts";
import { entryJson, entryLine, startJson, startLine } from "../../src/report/text/change-text.ts";
import { stages } from "../../src/requirements/stages.ts";
import { loadSpec } from "../../src/spec/load.ts";
import { symptomById } from "../../src/symptoms/catalogue.ts";
import { verdicts } from "../../src/verdict/verdict.ts";
import { type Change, changesBetween } from "../../src/watch/changes.ts";
import { numRuns } from "../properties/arbitraries.ts";

const spec = loadSpec(
  "version: 1\nnics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 12, bond: bond0, channels: {pf: 63, representor: 18}}]\novs: {}",
  "spec",
);

let works: World;
let state: HostState;

/** A host that works, made once. */
before(async () => {
  works = buildHost([{ model: "ConnectX-5", ports: 2, bond: { name: "bond0", mode: "802.3ad" } }]);
  const host = new SimulatedHost(works);
  await reconcile(host, spec, { stages: ["platform", "firmware", "persistence", "early", "ovs"] });
  network(works);
  await reconcile(host, spec, { stages, allowed: { restartOvs: true } });
  works.hidden.clock += 10;
  state = observeWorld(works);
});

type Edit = (state: HostState) => void;

function edited(...edits: readonly Edit[]): HostState {
  const copy = structuredClone(state);
  for (const edit of edits) edit(copy);
  return copy;
}

const portDown: Edit = (host) => {
  const [pf] = host.pfs;
  for (const netdev of host.netdevs) if (netdev.name === pf?.netdev) netdev.carrier = false;
  for (const bond of host.bonds)
    for (const slave of bond.slaves) if (slave.netdev === pf?.netdev) slave.up = false;
  for (const port of host.pfs) {
    const lag = known(port.lag);
    if (lag != null) lag.mapping = ["1:2", "2:2"];
  }
};

/** What happens to a working host, apart from the faults that have names. */
const stories: Record<string, Edit> = {
  "a port loses its link, and the NIC's LAG fails over": portDown,
  "a LAG that hashes loses a port": (host) => {
    for (const port of host.pfs) {
      const lag = known(port.lag);
      if (lag != null) Object.assign(lag, { portSelection: "hash", mapping: ["2"] });
    }
  },
  "somebody switches a port off": (host) => {
    for (const netdev of host.netdevs)
      if (netdev.name === host.pfs[1]?.netdev) Object.assign(netdev, { up: false, carrier: false });
  },
  "a guest takes a VF": (host) => {
    const vf = host.pfs[0]?.vfs[3];
    if (vf === undefined) return;
    vf.driver = "vfio-pci";
    vf.holders = [{ kind: "process", pid: 4711, command: "qemu-system-x86" }];
  },
  "a VF is unbound": (host) => {
    const vf = host.pfs[1]?.vfs[10];
    if (vf !== undefined) vf.driver = null;
  },
  "the representors of a port vanish": (host) => {
    host.representors = host.representors.filter(({ pf }) => pf !== host.pfs[0]?.address);
  },
  "nobody can see the LAG any more": (host) => {
    for (const pf of host.pfs) pf.lag = { unknown: "debugfs is not mounted" };
  },
  "the switch stops speaking LACP": (host) => {
    for (const bond of host.bonds) bond.lacp = { ports: 1, partner: "00:00:00:00:00:00" };
  },
  "somebody takes the bond's miimon away": (host) => {
    for (const bond of host.bonds) bond.monitoring = { miimon: 0, arpInterval: 0, updelay: 0, downdelay: 0 };
  },
  "a port falls off the PCI bus": (host) => {
    const [, pf] = host.pfs;
    host.pfs = host.pfs.filter((port) => port !== pf);
    host.netdevs = host.netdevs.filter(({ name }) => name !== pf?.netdev);
    host.representors = host.representors.filter((representor) => representor.pf !== pf?.address);
    for (const bond of host.bonds) bond.slaves = bond.slaves.filter(({ netdev }) => netdev !== pf?.netdev);
    for (const port of host.pfs)
      port.lag = {
        state: "disabled",
        type: null,
        source: "debugfs",
        portSelection: null,
        sharedFdb: null,
        mapping: [],
        members: [],
      };
  },
  "a port takes another name": (host) => {
    const [pf] = host.pfs;
    const old = pf?.netdev;
    if (pf === undefined || old == null) return;
    pf.netdev = `${old}np0`;
    for (const netdev of host.netdevs)
      if (netdev.name === old) Object.assign(netdev, { name: `${old}np0`, portName: "p0" });
    for (const bond of host.bonds)
      for (const slave of bond.slaves) if (slave.netdev === old) slave.netdev = `${old}np0`;
  },
};

function lines(changes: readonly Change[]): string[] {
  // The time is not the changes'.
  return changes.map((change) =>
    entryLine({ kind: "change", at: new Date(0), change }, plain).slice("1970-01-01 00:00:00.000Z  ".length),
  );
}

describe("what is told of a change", () => {
  test("golden: every story, every fault that shows, and back", () => {
    const cases: [string, HostState][] = Object.entries(stories).map(([story, edit]) => [
      story,
      edited(edit),
    ]);
    for (const name of Object.keys(faults).filter(isFaultName)) {
      const world = structuredClone(works);
      inject(world, name);
      cases.push([`${name}: ${faults[name].summary}`, observeWorld(world)]);
    }
    const text = cases
      .map(([story, after]) => [story, lines(changesBetween(state, after, spec))] as const)
      .filter(([, told]) => told.length > 0)
      .map(([story, told]) => `# ${story}\n\n${told.join("\n")}\n`)
      .join("\n");
    const file = join(import.meta.dirname, "changes.txt");
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
    assert.equal(text, readFileSync(file, "utf8"), "run `npm run golden` and review what it writes");
  });

  test("that a NIC works and will not is told when the watch begins, and as a verdict when it comes and goes", () => {
    const atRisk = edited(stories["somebody takes the bond's miimon away"] ?? assert.fail());
    const [verdict] = verdicts(spec, atRisk);
    const line = startLine(new Date(0), verdict ?? assert.fail(), plain);
    assert.match(
      line,
      /data {2}works, at risk at the next link failure: bond0: no miimon and no arp_interval: it never fails over$/,
    );
    const data = JSON.parse(startJson(new Date(0), verdicts(spec, atRisk)));
    assert.deepEqual(data.nics, [
      {
        nic: "data",
        answer: "works",
        reason: null,
        risk: { when: "at risk at the next link failure", requirement: "bond-failover" },
      },
    ]);
    const told = (from: HostState, to: HostState) =>
      changesBetween(from, to, spec).filter(({ kind }) => kind === "verdict");
    assert.deepEqual(
      [...told(state, atRisk), ...told(atRisk, state)].map(({ before, after, effect }) => [
        before,
        after,
        effect,
      ]),
      [
        ["works", "works, at risk at the next link failure", "worse"],
        ["works, at risk at the next link failure", "works", "better"],
      ],
    );
  });

  test("a hundred VFs to which the same happened are one line", () => {
    const after = edited((host) => {
      for (const vf of host.pfs[0]?.vfs ?? []) vf.driver = null;
    });
    const unbound = changesBetween(state, after, spec).filter(({ kind }) => kind === "vf-driver");
    assert.equal(unbound.length, 1);
    assert.equal(unbound[0]?.subjects.length, 12);
  });

  test("under an active-backup bond all leaves by one port: another one is no worse", () => {
    const mapped = (mapping: string[]) =>
      edited((host) => {
        for (const pf of host.pfs) Object.assign(known(pf.lag) ?? {}, { mapping });
      });
    const [change] = changesBetween(mapped(["1:1", "2:1"]), mapped(["1:2", "2:2"]), spec);
    assert.deepEqual(
      [change?.kind, change?.effect, change?.meaning],
      ["lag-mapping", "neutral", "failover: all leaves by port 2"],
    );
  });

  test("a line of the kernel log is told with what it is a sign of", () => {
    const notice = { kind: "log", text: "mlx5_core 0000:37:00.0: Failed to activate VF LAG" } as const;
    assert.match(
      entryLine({ kind: "notice", at: new Date(0), notice }, plain),
      /host {2}kernel: mlx5_core .* VF LAG {2}\(.*unbind/i,
    );
    const { symptom } = JSON.parse(entryJson({ kind: "notice", at: new Date(0), notice }));
    assert.ok(symptomById(symptom)?.patterns.some((pattern) => pattern.test(notice.text)));
  });

  test("what Open vSwitch's log says newly of the NIC is told once, with its meaning", () => {
    const line = {
      module: "netdev_offload_tc",
      level: "ERR" as const,
      text: "failed to offload flow: No such file or directory: ens3f0npf0vf0",
      times: 1,
    };
    const said = edited((host) => {
      host.ovsLog = {
        from: "ovs-vswitchd.log",
        sinceStart: true,
        lines: [{ time: host.observedAt, ...line }],
      };
    });
    const told = (before: HostState, after: HostState) =>
      changesBetween(before, after, spec).filter(({ kind }) => kind === "symptom");
    assert.deepEqual(
      told(state, said).map(({ nic, after, effect }) => [nic, after, effect]),
      [["data", line.text, "worse"]],
    );
    assert.deepEqual([told(said, said), told(said, state)], [[], []]);
  });

  test("a flow that falls back to software is told, and that it is in hardware again; that there is traffic, or none, is not", () => {
    const flows = (layer: string | null) =>
      edited((host) => {
        const [one, other] = host.representors;
        if (one === undefined || other === undefined || layer === null) return;
        const tally = {
          kind: "traffic" as const,
          to: [other.netdev],
          flows: 1,
          packets: 50,
          bytes: 5000,
          idle: 0.5,
          example: "",
        };
        const offloaded = layer === "tc" ? "yes" : "no";
        host.flows = {
          tallies: [{ inPort: one.netdev, layer, offloaded, ...tally }],
          listed: 1,
          notUnderstood: 0,
          cut: null,
          tunnels: [],
        };
      });
    const told = (before: HostState, after: HostState) =>
      lines(changesBetween(before, after, spec)).filter((line) => line.startsWith("data  flows in by"));
    const [none, hardware, software] = [flows(null), flows("tc"), flows("ovs")];
    const fallen =
      "data  flows in by ens3f0npf0vf0: in hardware → in software  (the host's processors forward them; `vflag map` shows which)";
    assert.deepEqual(told(hardware, software), [fallen]);
    assert.deepEqual(told(none, software), [fallen.replace("in hardware →", "none →")]);
    assert.deepEqual(told(software, hardware), [
      "data  flows in by ens3f0npf0vf0: in software → in hardware  (the NIC forwards them again)",
    ]);
    assert.deepEqual([told(none, hardware), told(hardware, none), told(software, none)], [[], [], []]);
  });

  test("a name is shown as it is, on one line", () => {
    const after = edited((host) => {
      const vf = host.pfs[0]?.vfs[0];
      if (vf !== undefined) vf.holders = [{ kind: "process", pid: 1, command: "evil\n2026 data works\r" }];
    });
    const told = lines(changesBetween(state, after, spec));
    assert.ok(told.length > 0 && told.every((line) => !/[\r\n]/.test(line)));
  });
});

/** Changes of single things that have nothing to do with each other. */
const independent = fc.uniqueArray(
  fc.record({
    port: fc.constantFrom(0, 1),
    vf: fc.integer({ min: 0, max: 11 }),
    what: fc.constantFrom("driver", "trust", "representor", "port-channels", "bridge"),
  }),
  {
    selector: ({ port, vf, what }) =>
      `${port}/${what === "port-channels" || what === "bridge" ? "" : vf}/${what}`,
    minLength: 1,
    maxLength: 8,
  },
);
type Single = Parameters<Parameters<typeof independent.map>[0]>[0][number];

function apply({ port, vf: index, what }: Single): Edit {
  return (host) => {
    const pf = host.pfs[port];
    const vf = pf?.vfs[index];
    if (pf === undefined || vf === undefined) throw new Error("no such VF");
    const settings = known(vf.settings);
    if (what === "driver") vf.driver = "vfio-pci";
    if (what === "trust" && settings !== undefined) settings.trust = settings.trust !== true;
    if (what === "representor")
      host.representors = host.representors.filter((each) => each.pf !== pf.address || each.vf !== index);
    if (what === "port-channels")
      for (const netdev of host.netdevs)
        if (netdev.name === pf.netdev) netdev.channels = { combined: 7, max: 63 };
    if (what === "bridge") for (const bridge of known(host.ovs)?.bridges ?? []) bridge.interfaces = [];
  };
}

describe("properties", () => {
  const runs = { numRuns: Math.ceil(numRuns / 20) };

  test("from a state to itself nothing changes, however its lists are ordered", () => {
    const shuffled = (seed: number) =>
      edited((host) => {
        for (const list of [
          host.pfs,
          host.netdevs,
          host.bonds,
          host.representors,
          ...host.pfs.map(({ vfs }) => vfs),
          ...host.bonds.map(({ slaves }) => slaves),
        ])
          (list as unknown[]).sort((a, b) => hash(JSON.stringify(a), seed) - hash(JSON.stringify(b), seed));
      });
    fc.assert(
      fc.property(fc.integer(), (seed) => assert.deepEqual(changesBetween(state, shuffled(seed), spec), [])),
      runs,
    );
  });

  test("the order of independent changes does not matter, and each is told", () => {
    fc.assert(
      fc.property(independent, (singles) => {
        const forth = changesBetween(state, edited(...singles.map(apply)), spec);
        const back = changesBetween(state, edited(...singles.toReversed().map(apply)), spec);
        assert.deepEqual(forth, back);
        const alone = singles.flatMap((single) =>
          seenOnly(changesBetween(state, edited(apply(single)), spec)),
        );
        assert.deepEqual(single(seenOnly(forth)), single(alone));
      }),
      runs,
    );
  });

  test("the way back tells the same things, turned round", () => {
    fc.assert(
      fc.property(independent, (singles) => {
        const after = edited(...singles.map(apply));
        const turned = changesBetween(after, state, spec).map((change) => ({
          ...change,
          before: change.after,
          after: change.before,
        }));
        const core = (changes: readonly Change[]) =>
          single(changes.filter(({ kind }) => kind !== "requirement"));
        assert.deepEqual(core(turned), core(changesBetween(state, after, spec)));
      }),
      runs,
    );
  });
});

function seenOnly(changes: readonly Change[]): Change[] {
  return changes.filter(({ kind }) => kind !== "requirement" && kind !== "verdict");
}

/** One line a subject, sorted: as if nothing had been folded. */
function single(changes: readonly Change[]): string[] {
  return [
    ...new Set(
      changes.flatMap(({ kind, subjects, before, after }) =>
        subjects.map((subject) => `${kind} ${subject}: ${before}, ${after}`),
      ),
    ),
  ].sort();
}

function hash(text: string, seed: number): number {
  let sum = seed;
  for (let at = 0; at < text.length; at++) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0;
  return sum;
}
