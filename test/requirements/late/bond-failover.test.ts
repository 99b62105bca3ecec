import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bond } from "../../../src/host/state/state.ts";
import { bondFailover } from "../../../src/requirements/late/bond-failover.ts";
import { booted, vfLagSpec } from "../../support/hosts.ts";
import { check, pfOf } from "../view.ts";

/** What is found of a bond of a host that works, with these changes. */
async function found(change: Partial<Bond>): Promise<string[]> {
  const world = await booted(vfLagSpec);
  Object.assign(world.state.bonds[0] ?? assert.fail(), change);
  const lag = pfOf(world).lag;
  if (lag !== null && !("unknown" in lag)) lag.portSelection = "hash";
  return check(bondFailover, vfLagSpec, world).map(
    ({ severity, actual, bites }) => `${severity}: ${actual}${bites === undefined ? "" : ` (${bites})`}`,
  );
}

const monitoring = { miimon: 100, arpInterval: 0, updelay: 0, downdelay: 0 };

test("a bond that notices dead links at once has nothing to be warned of, and of one nobody looked at nothing is known", async () => {
  assert.deepEqual(await found({ monitoring }), []);
  assert.deepEqual(await found({ monitoring: { ...monitoring, miimon: 0, arpInterval: 1000 } }), []);
  assert.deepEqual(await found({ monitoring: { ...monitoring, updelay: 9999 } }), []);
  assert.deepEqual(
    await found({ monitoring: undefined, lacp: { ports: 2, partner: "00:1c:73:00:00:99" } }),
    [],
  );
});

test("what keeps it from failing over, or makes it late, is a warning", async () => {
  const of = (change: Partial<typeof monitoring>) => found({ monitoring: { ...monitoring, ...change } });
  assert.deepEqual(await of({ miimon: 0 }), [
    "warning: no miimon and no arp_interval: it never fails over (at the next link failure)",
  ]);
  assert.deepEqual(await of({ downdelay: 500 }), [
    "warning: downdelay 500 ms: so long VFs send into a dead port",
  ]);
  assert.deepEqual(await of({ updelay: 10_000 }), [
    "warning: updelay 10000 ms: at boot the LAG comes later than the late stage waits for it",
  ]);
  const lacp = { ports: 2, partner: "00:1c:73:00:00:99", rate: "slow" };
  assert.deepEqual(await found({ lacp }), [
    "warning: LACP rate slow: a switch that dies with its links up is noticed after 90 s",
  ]);
});

/**
 * Source: linux drivers/net/ethernet/mellanox/mlx5/core/lag/port_sel.c, set_tt_map() and
 * mlx5_lag_set_definer(): it follows each of them.
 */
test("no hash policy is warned of: a NIC that spreads packets by hash follows the bond's, whichever it is", async () => {
  for (const xmitHashPolicy of ["layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4", "vlan+srcmac"])
    assert.deepEqual(await found({ xmitHashPolicy }), []);
});
