import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import { known } from "../../src/host/state/observed.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import { afterEarly, fresh, spec } from "../support/hosts.ts";

const cards = [{ model: "ConnectX-4 Lx", ports: 2 }];
const switchdev = (option: string) =>
  spec(
    `{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 1, eswitch: {${option}}}]}`,
  );

test("a run that was killed on the way through legacy mode is gone on with: the NIC ends in switchdev mode, also where it refuses the option", async () => {
  const world = await afterEarly(switchdev(""), fresh(cards, "renames-ports"));
  const host = new SimulatedHost(world);
  // As the run left it that was killed.
  await host.perform({
    kind: "set-eswitch-mode",
    pf: world.state.pfs[0]?.address ?? assert.fail(),
    mode: "legacy",
  });
  const [outcome] = await reconcile(host, switchdev("steering: smfs"), { stages: ["early"] });
  assert.deepEqual(
    world.state.pfs.map((pf) => known(pf.eswitch)?.mode),
    ["switchdev", "switchdev"],
  );
  assert.deepEqual(
    outcome?.left
      .filter(({ requirement }) => requirement !== "pf-name")
      .map(({ requirement }) => requirement),
    ["steering", "steering"],
  );
});
