import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { ansibleCore, openstackClient, type Result, Workplace, without } from "./collection.ts";
import type { Fate, Scenario } from "./nova-api.ts";

/**
 * vflag.vflag.nova_host through the real openstack client, against a service that answers as Nova's API does,
 * and writes down what it is asked.
 */

const skip = without(ansibleCore, openstackClient);
const workplace = new Workplace();
after(() => workplace.remove());

const services: Scenario["services"] = [
  { host: "h1", status: "enabled", state: "up", disabled_reason: null },
  { host: "h2", status: "enabled", state: "up", disabled_reason: null },
];
const guest = (id: string, fate?: Fate) => ({
  id,
  name: `vm-${id}`,
  host: "h1",
  status: "ACTIVE",
  ...(fate === undefined ? {} : { fate }),
});

describe("nova_host", { skip, concurrency: 4, timeout: 900_000 }, () => {
  it("empties a host page by page, leaves what is switched off, and gives the host back; a second time, nothing changes", async () => {
    const nova = await workplace.nova({
      services,
      servers: [guest("a"), { ...guest("b"), status: "SHUTOFF" }, guest("c"), { ...guest("e"), host: "h2" }],
      migrations: [{ id: 1, server: "a", status: "error", from: "h1", to: "h2" }],
    });
    const ask = (parameters: object) =>
      workplace.module(
        "nova_host",
        { name: "h1", interval: 0.1, ...parameters },
        { extra: nova.environment },
      );
    const drained = await ask({ reason: "new spec" });
    assert.equal(drained.failed, false, drained.output);
    assert.deepEqual([drained["changed"], drained["moved"]], [true, ["guest vm-a (a)", "guest vm-c (c)"]]);
    assert.deepEqual(drained["resting"], ["guest vm-b (b)"]);
    assert.deepEqual(drained["service"], { status: "disabled", state: "up", reason: "vflag: new spec" });
    assert.deepEqual(nova.changes(), [
      "disabled 0: vflag: new spec",
      ...["a", "c"].map((id) => `os-migrateLive ${id}`),
    ]);
    assert.equal((await ask({ reason: "another word" }))["changed"], false);
    assert.equal((await ask({ state: "enabled" }))["changed"], true);
    assert.equal((await ask({ state: "enabled" }))["changed"], false);
    assert.deepEqual(nova.changes().slice(3), ["enabled 0"]);
  });

  it("changes nothing in check mode, and names the guests that would move", async () => {
    const nova = await workplace.nova({ services, servers: [guest("a")] });
    const planned = await workplace.module(
      "nova_host",
      { name: "h1" },
      { check: true, extra: nova.environment },
    );
    assert.deepEqual([planned["changed"], planned["moved"], nova.changes()], [true, ["guest vm-a (a)"], []]);
  });

  it("begins nothing where a guest holds a VF or is in a status without a way out, and names all of them", async () => {
    const nova = await workplace.nova({
      services,
      servers: [guest("a"), guest("b"), { ...guest("c"), status: "ERROR" }],
    });
    const refused = await workplace.module(
      "nova_host",
      { name: "h1", vf_guests: ["b", "f"] },
      { extra: nova.environment },
    );
    fails(refused, [
      "h1 is left as it is: guest vm-b (b) holds a virtual function of the host, and cannot be live-migrated",
      "guest vm-c (c) is in status ERROR",
      "f holds a virtual function of the host, and is none of Nova's",
    ]);
    assert.deepEqual(nova.changes(), []);
  });

  const refusals: readonly (readonly [what: string, fate: Fate, said: string])[] = [
    ["Nova refuses a guest's migration (409)", "409", "while it is in task_state powering-off (HTTP 409)"],
    [
      "Nova's policy does not allow it (403)",
      "403",
      "Policy doesn't allow os_compute_api:os-migrate-server:migrate_live to be performed. (HTTP 403)",
    ],
    ["a migration fails", "error", "guest vm-b (b): its live migration ended in status error"],
    ["a migration does not end", "never", "guest vm-b (b) is there still after 20 s, in status"],
  ];
  for (const [what, fate, said] of refusals) {
    it(`stops and leaves the host disabled when ${what}`, async () => {
      const nova = await workplace.nova({ services, servers: [guest("b", fate)] });
      const timeout = fate === "never" ? 20 : 600;
      const refused = await workplace.module(
        "nova_host",
        { name: "h1", interval: 0.1, timeout },
        { extra: nova.environment },
      );
      fails(refused, ["h1 is left disabled, and not empty: guest vm-b (b)", said]);
      assert.equal(nova.changes()[0], "disabled 0: vflag: roll-out");
      assert.ok(!nova.changes().includes("enabled 0"));
    });
  }

  it("takes a guest that was switched off when its turn came for one that rests", async () => {
    const nova = await workplace.nova({ services, servers: [guest("a", "goes-when-asked")] });
    const drained = await workplace.module(
      "nova_host",
      { name: "h1", interval: 0.1 },
      { extra: nova.environment },
    );
    assert.deepEqual(
      [drained.failed, drained["resting"], drained["moved"]],
      [false, ["guest vm-a (a)"], []],
      drained.output,
    );
  });

  it("migrates nobody when the service cannot be disabled", async () => {
    const nova = await workplace.nova({ services, servers: [guest("a")], forbidden: ["services"] });
    fails(await workplace.module("nova_host", { name: "h1" }, { extra: nova.environment }), [
      "Compute service nova-compute of host h1 failed to set.",
    ]);
    assert.deepEqual(nova.changes(), ["disabled 0: vflag: roll-out"]);
  });

  it("believes no list of guests without their host: other hosts' guests are nobody's to move", async () => {
    const nova = await workplace.nova({ services, servers: [guest("a")], forbidden: ["hosts"] });
    fails(await workplace.module("nova_host", { name: "h1" }, { extra: nova.environment }), [
      "the rights of an administrator",
    ]);
    assert.deepEqual(nova.changes(), []);
  });

  it("waits for no answer longer than it was told", async () => {
    const nova = await workplace.nova({ services, servers: [guest("a")], silent: "servers/detail" });
    const refused = await workplace.module(
      "nova_host",
      { name: "h1", call_timeout: 30 },
      { extra: nova.environment },
    );
    fails(refused, ["openstack server list --all-projects: no answer within 30 s"]);
    assert.deepEqual(nova.changes(), []);
  });

  it("keeps somebody else's reason, and does not enable what they have disabled", async () => {
    const [first, second] = services as [Scenario["services"][number], Scenario["services"][number]];
    const nova = await workplace.nova({
      services: [{ ...first, status: "disabled", disabled_reason: "broken fan" }, second],
      servers: [guest("a")],
    });
    const ask = (state: string) =>
      workplace.module("nova_host", { name: "h1", state, interval: 0.1 }, { extra: nova.environment });
    assert.deepEqual((await ask("drained"))["moved"], ["guest vm-a (a)"]);
    const left = await ask("enabled");
    assert.deepEqual(
      [left["changed"], left["service"]],
      [false, { status: "disabled", state: "up", reason: "broken fan" }],
    );
    assert.deepEqual(nova.changes(), ["os-migrateLive a"]);
  });

  it("waits until guests are gone, where it is told to wait", async () => {
    const nova = await workplace.nova({ services, servers: [{ ...guest("a"), leavesAfter: 2 }] });
    const parameters = { name: "h1", guests: "wait", vf_guests: ["a"], interval: 0.1 };
    const drained = await workplace.module("nova_host", parameters, { extra: nova.environment });
    assert.deepEqual([drained.failed, drained["resting"]], [false, ["guest vm-a (a)"]], drained.output);
    assert.deepEqual(nova.changes(), ["disabled 0: vflag: roll-out"]);
  });

  it("enables a host when its nova-compute is up, and not before", async () => {
    const off = {
      host: "h1",
      status: "disabled",
      state: "down",
      disabled_reason: "vflag: roll-out",
    } as const;
    const late = await workplace.nova({ services: [{ ...off, upAfter: 2 }], servers: [] });
    const never = await workplace.nova({ services: [off], servers: [] });
    const parameters = { name: "h1", state: "enabled", interval: 0.1 };
    assert.equal(
      (await workplace.module("nova_host", parameters, { extra: late.environment }))["changed"],
      true,
    );
    assert.deepEqual(late.changes(), ["enabled 0"]);
    fails(await workplace.module("nova_host", { ...parameters, timeout: 1 }, { extra: never.environment }), [
      "is not up after 1 s: it stays disabled",
    ]);
    assert.deepEqual(never.changes(), []);
  });

  it("names the hosts that Nova knows when it does not know this one", async () => {
    const nova = await workplace.nova({ services, servers: [] });
    const ask = (parameters: object) =>
      workplace.module("nova_host", { name: "h7", ...parameters }, { extra: nova.environment });
    fails(await ask({}), ["Nova knows no nova-compute on h7. It knows h1, h2"]);
    assert.equal((await ask({ missing_ok: true })).failed, false);
  });
});

function fails(result: Result, said: readonly string[]): void {
  assert.equal(result.failed, true, result.output);
  for (const text of said) assert.ok(result.msg?.includes(text), `${text}\nis not in\n${result.msg}`);
  assert.ok(!result.output.includes("made-up-password"), "a password is in the output");
}
