import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CardOptions } from "../../../src/host/simulated/build.ts";
import { HostState } from "../../../src/host/state/state.ts";
import { type Hardware, hardwareKey, hardwareTraits } from "../../../src/openstack/tree/hardware-traits.ts";
import { type Declaration, HostValuesMaker } from "../../../src/openstack/tree/host-values.ts";
import { connectx5, hostWith } from "../../openstack/hosts.ts";
import { countFrom } from "../../support/count.ts";

const cards: readonly CardOptions[] = [
  connectx5,
  { model: "ConnectX-6 Dx", ports: 2 },
  { model: "ConnectX-5", ports: 1 },
];
const bases = cards.flatMap((card) => [0, 2, 5].map((vfs) => hostWith(vfs, card)));

/** Hosts that differ in what may matter: ports' names, other names, addresses of interfaces, buses. */
const host = fc
  .record({
    base: fc.constantFrom(...bases),
    name: fc.constantFrom("ens3f0", "ens3f0", "data0"),
    other: fc.constantFrom(null, "alias0", "storage"),
    mac: fc.constantFrom("24:8a:07:00:00:01", "24:8a:07:00:00:02", "0c:42:a1:00:00:01"),
    bus: fc.constantFrom("37", "37", "5d"),
  })
  .map(({ base, name, other, mac, bus }): HostState => {
    const state = HostState.parse(
      JSON.parse(
        JSON.stringify(base).replaceAll("0000:37:", `0000:${bus}:`).replaceAll('"ens3f0"', `"${name}"`),
      ),
    );
    const [first] = state.netdevs;
    if (first !== undefined)
      Object.assign(first, { mac, permanentMac: mac, altNames: other === null ? [] : [other] });
    return state;
  });

const port = fc.constantFrom(
  "ens3f0",
  "ens3f1",
  "data0",
  "alias0",
  { mac: "24:8a:07:00:00:01" },
  { mac: "24:8a:07:*" },
  { address: "0000:37:00.*" },
  { address: "0000:*:00.0" },
  { vendor: "15b3" },
  { vendor: "15b3", product: "1017" },
);
const declaration: fc.Arbitrary<Declaration> = fc.oneof(
  fc
    .record({
      ports: fc.uniqueArray(port, { minLength: 1, maxLength: 2 }),
      mode: fc.constantFrom("sriov", "switchdev"),
    })
    .map(({ ports, mode }) => ({
      variable: "vflag" as const,
      value: { version: 1, nics: [{ name: "data", mode, ports, vfs: 3, physnet: "physnet2" }] },
    })),
  fc
    .constantFrom({ ens3f0: "physnet2" }, { data0: "storage" }, { storage: "data0" }, { alias0: "storage" })
    .map((value) => ({
      variable: "sriov_physnet_mappings" as const,
      value,
    })),
);

function hardwareOf(state: HostState): Hardware {
  const traits = hardwareTraits(state);
  return { key: (text) => hardwareKey(traits, text), read: () => state };
}

test("what is kept of one host is used for another only where it would be made anew just so", () => {
  const maker = new HostValuesMaker();
  const made = new Set<unknown>();
  let asked = 0;
  fc.assert(
    fc.property(host, declaration, (state, declared) => {
      const kept = maker.make(declared, hardwareOf(state));
      assert.deepEqual(kept, new HostValuesMaker().make(declared, hardwareOf(state)));
      made.add(kept);
      asked++;
    }),
    { numRuns: countFrom("PROPERTY_RUNS", 1_000) },
  );
  // Some are alike: else nothing was held against anything.
  assert.ok(made.size < asked * 0.9, `${made.size} made of ${asked}`);
});
