import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action } from "../../src/host/actions/action.ts";
import { ActionError } from "../../src/host/host.ts";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { known } from "../../src/host/state/observed.ts";
import { pciAddress } from "../../src/host/state/values.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { afterEarly, dualPort, fresh, spec } from "../support/hosts.ts";

/** What a failure stops, and what it does not: DESIGN 6, a bad card leaves the others alone. */

const both = { stages: ["early", "late"] } as const;
const firstPort = pciAddress("0000:37:00.0");
const sriov = spec("{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0, ens3f1], vfs: 3}]}");
const twoCards = spec(`
version: 1
nics:
  - {name: left, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 2}
  - {name: right, mode: switchdev, ports: [ens4f0, ens4f1], vfs: 2}
`);
const halves = spec(`
version: 1
nics:
  - {name: left, mode: switchdev, ports: [ens3f0], vfs: 2}
  - {name: right, mode: switchdev, ports: [ens3f1], vfs: 2}
`);

interface UnderWay {
  readonly action: Action;
  /** Whether nothing else was under way from its beginning to its end. */
  isAlone: boolean;
}

/** A host that refuses some actions, takes its time for the others, and notes what was under way at once. */
class SlowHost extends SimulatedHost {
  readonly asked: Action[] = [];
  readonly #together: string[][] = [];
  readonly #underWay = new Set<UnderWay>();
  readonly #refuses: (action: Action, isAlone: boolean) => boolean;
  readonly #code: string | null;
  readonly #reason: string;

  constructor(
    world: World,
    refuses: (action: Action, isAlone: boolean) => boolean = () => false,
    code: string | null = "EIO",
    reason = "it is broken",
  ) {
    super(world);
    this.#refuses = refuses;
    this.#code = code;
    this.#reason = reason;
  }

  override async perform(action: Action): Promise<void> {
    const mine: UnderWay = { action, isAlone: this.#underWay.size === 0 };
    this.asked.push(action);
    for (const other of this.#underWay) other.isAlone = false;
    this.#underWay.add(mine);
    this.#together.push([...this.#underWay].map((under) => under.action.kind));
    await new Promise((resolve) => setImmediate(resolve));
    this.#underWay.delete(mine);
    if (this.#refuses(action, mine.isAlone)) throw new ActionError(action, this.#code, this.#reason);
    return super.perform(action);
  }

  /** How many actions of such kinds were under way at once, at most. */
  atOnce(isMeant: (kind: string) => boolean = () => true): number {
    return Math.max(...this.#together.map((kinds) => kinds.filter(isMeant).length));
  }

  kinds(): string[] {
    return this.asked.map(({ kind }) => kind);
  }
}

test("a failure in the card's lane stops the rest of it, for the other port too", async () => {
  const host = new SlowHost(fresh(), ({ kind }) => kind === "set-vf-autoprobe");
  const [outcome] = await reconcile(host, sriov, { stages: ["early"] });
  assert.deepEqual(host.asked, [{ kind: "set-vf-autoprobe", pf: firstPort, on: false }]);
  assert.equal(outcome?.status, "stopped");
  assert.equal(outcome.failures.length, 1);
});

test("a VF that cannot be bound keeps no other from being bound", async () => {
  const world = await afterEarly(sriov);
  const [bad] = world.state.pfs[0]?.vfs ?? [];
  const host = new SlowHost(world, (action) => action.kind === "bind-vf" && action.vf === bad?.address);
  const [outcome] = await reconcile(host, sriov, both);
  assert.deepEqual(
    world.state.pfs.map((pf) => pf.vfs.map((vf) => vf.driver)),
    [
      [null, "mlx5_core", "mlx5_core"],
      ["mlx5_core", "mlx5_core", "mlx5_core"],
    ],
  );
  assert.equal(outcome?.status, "settled");
  // It is tried once more, because the others made progress.
  assert.deepEqual(
    outcome.failures.map(({ action }) => action.kind),
    ["bind-vf", "bind-vf"],
  );
});

test("a VF that cannot be unbound keeps no other of its port from being unbound", async () => {
  const world = fresh();
  const plain = new SimulatedHost(world);
  for (const { address } of world.state.pfs)
    await plain.perform({ kind: "set-vf-count", pf: address, count: 3 });
  const [bad] = world.state.pfs[0]?.vfs ?? [];
  const host = new SlowHost(world, (action) => action.kind === "unbind-vf" && action.vf === bad?.address);
  const switchdev = spec(
    "{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 3}]}",
  );
  const [outcome] = await reconcile(host, switchdev, { stages: ["early"] });
  assert.deepEqual(
    host.kinds().filter((kind) => kind !== "ask-eswitch-mode"),
    Array(7).fill("unbind-vf"),
  );
  assert.deepEqual(
    world.state.pfs.map((pf) => pf.vfs.filter((vf) => vf.driver !== null).length),
    [1, 0],
  );
  assert.equal(outcome?.status, "stopped");
});

test("a card that fails leaves the other card to be set up", async () => {
  const world = fresh([dualPort, dualPort]);
  const host = new SlowHost(world, (action) => action.kind === "set-eswitch-mode" && action.pf === firstPort);
  const outcomes = await reconcile(host, twoCards, { stages: ["early"] });
  assert.deepEqual(
    outcomes.map(({ nic, status, failures }) => [nic, status, failures.length]),
    [
      // Together with the other port, then alone.
      ["left", "stopped", 2],
      ["right", "settled", 0],
    ],
  );
  assert.deepEqual(
    world.state.pfs.map((pf) => known(pf.eswitch)?.mode),
    ["legacy", "switchdev", "switchdev", "switchdev"],
  );
});

test("ports that refuse to change their modes together are asked one after the other", async () => {
  const world = fresh();
  const host = new SlowHost(world, ({ kind }, isAlone) => kind === "set-eswitch-mode" && !isAlone, "EBUSY");
  const switchdev = spec(
    "{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 3}]}",
  );
  const [outcome] = await reconcile(host, switchdev, { stages: ["early"] });
  assert.equal(outcome?.status, "settled");
  assert.equal(host.kinds().filter((kind) => kind === "set-eswitch-mode").length, 4);
  // The journal has what was refused together; in the end nothing was.
  assert.deepEqual(outcome.failures, []);
  assert.deepEqual(
    world.state.pfs.map((pf) => known(pf.eswitch)?.mode),
    ["switchdev", "switchdev"],
  );
});

test("ports that refuse to change their modes at all are asked together, then the first alone", async () => {
  const host = new SlowHost(fresh(), ({ kind }) => kind === "set-eswitch-mode", "EINVAL");
  const switchdev = spec(
    "{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 3}]}",
  );
  const [outcome] = await reconcile(host, switchdev, { stages: ["early"] });
  assert.equal(outcome?.status, "stopped");
  assert.equal(host.kinds().filter((kind) => kind === "set-eswitch-mode").length, 3);
  assert.equal(outcome.failures.length, 1);
});

test("no port is asked again after silence, or where vflag itself would not do it", async () => {
  const switchdev = spec(
    "{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 3}]}",
  );
  for (const [code, reason] of [
    ["ETIMEDOUT", "no answer within 120000 ms; the kernel may still be at work"],
    ["EBUSY", "not done: VF 0 (0000:37:00.2) is in use by process 4711 (qemu-kvm)"],
    [null, "it reads back as legacy"],
    ["ENOMEM", "Failed setting eswitch to offloads: the driver may be half-way"],
  ] as const) {
    const host = new SlowHost(fresh(), ({ kind }) => kind === "set-eswitch-mode", code, reason);
    const [outcome] = await reconcile(host, switchdev, { stages: ["early"] });
    assert.equal(host.kinds().filter((kind) => kind === "set-eswitch-mode").length, 2, reason);
    assert.equal(outcome?.failures.length, 2);
  }
});

test("what is done to one card is done one after the other, but for its ports' modes; to two cards at the same time", async () => {
  const [left] = twoCards.nics;
  assert.ok(left !== undefined);
  const isMode = (kind: string) => kind === "set-eswitch-mode";
  const oneCard = { ...twoCards, nics: [left] };
  const cases: [wanted: Spec, kernel: string, atOnce: number, modesAtOnce: number][] = [
    [oneCard, "6.1.0-40-amd64", 1, 1],
    [twoCards, "6.1.0-40-amd64", 2, 2],
    [oneCard, "6.12.0", 1, 2],
    [twoCards, "6.12.0", 2, 4],
  ];
  for (const [wanted, kernel, atOnce, modesAtOnce] of cases) {
    const world = fresh([dualPort, dualPort]);
    world.state.kernel = kernel;
    const host = new SlowHost(world);
    await reconcile(host, wanted, { stages: ["early"] });
    assert.deepEqual(
      [host.atOnce((kind) => !isMode(kind)), host.atOnce(isMode)],
      [atOnce, modesAtOnce],
      kernel,
    );
  }
});

test("two NICs of the spec on one card wait for each other", async () => {
  const host = new SlowHost(fresh());
  const outcomes = await reconcile(host, halves, { stages: ["early"] });
  assert.equal(host.atOnce(), 1);
  assert.deepEqual(
    outcomes.map(({ status, left }) => [status, left.length]),
    [
      ["settled", 0],
      ["settled", 0],
    ],
  );
});

test("VFs are bound at the same time", async () => {
  const host = new SlowHost(await afterEarly(sriov));
  await reconcile(host, sriov, both);
  assert.equal(host.atOnce(), 6);
});

test("a guest that starts after the look keeps its VF: the action is not done, and the reason is told", async () => {
  const world = await afterEarly(sriov);
  const [vf] = world.state.pfs[0]?.vfs ?? [];
  assert.ok(vf !== undefined);
  vf.driver = "mlx5_core";
  const toSwitchdev = spec("{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0], vfs: 3}]}");
  const host = new SlowHost(world);
  const observer = {
    actionBegins: () => {
      vf.holders = [{ kind: "process", pid: 4711, command: "qemu-kvm" }];
    },
  };
  const [outcome] = await reconcile(host, toSwitchdev, { stages: ["early"], observer });
  assert.deepEqual(
    host.asked.map(({ kind }) => kind),
    ["ask-eswitch-mode", "unbind-vf"],
  );
  assert.equal(vf.driver, "mlx5_core");
  assert.deepEqual(
    outcome?.failures.map(({ code, reason }) => [code, reason]),
    [["EBUSY", `not done: VF 0 (${vf.address}) is in use by process 4711 (qemu-kvm)`]],
  );
});

test("an error that is no refusal ends the run, when all that is under way has ended", async () => {
  const world = await afterEarly(sriov);
  const bug = new TypeError("a defect of vflag");
  const host = new SlowHost(world, (action) => {
    if (action.kind === "bind-vf" && action.vf === world.state.pfs[0]?.vfs[0]?.address) throw bug;
    return false;
  });
  await assert.rejects(reconcile(host, sriov, both), bug);
  assert.equal(world.state.pfs.flatMap((pf) => pf.vfs).filter((vf) => vf.driver === "mlx5_core").length, 5);
});

test("an error that is no refusal ends its own NIC, and the other one on the same card has its turn", async () => {
  const world = fresh();
  const host = new SlowHost(world, (action) => {
    if (action.kind === "set-vf-autoprobe" && action.pf === firstPort)
      throw new TypeError("a defect of vflag");
    return false;
  });
  await assert.rejects(reconcile(host, halves, { stages: ["early"] }), TypeError);
  assert.deepEqual(
    world.state.pfs.map((pf) => known(pf.eswitch)?.mode),
    ["legacy", "switchdev"],
  );
});
