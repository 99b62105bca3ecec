import assert from "node:assert/strict";
import { test } from "node:test";
import { valuesWithoutGuests, withoutGuests } from "../../../src/fleet/reading/quiet.ts";
import type { HostState } from "../../../src/host/state/state.ts";
import { goldenNames, readGolden } from "../../support/golden.ts";
import { kindOf, type Place, placesOf } from "../../support/places.ts";

/** What a digest is made of is what a diff compares: one that forgot a value would hide its changes. */

/** A state with one thing gone, or come in its place. */
function changed(state: HostState, place: Place, value: unknown): HostState {
  const copy = structuredClone(state);
  const holder = place.slice(0, -1).reduce<object>((object, key) => Reflect.get(object, key), copy);
  Reflect.set(holder, place.at(-1) ?? "", value);
  return copy;
}

test("a change in any place is one of both, or of none", () => {
  const seen = new Set<string>();
  let [noticed, quiet] = [0, 0];
  for (const name of goldenNames()) {
    const { state } = readGolden(name);
    const text = (of: (state: HostState) => unknown, one: HostState) => JSON.stringify(of(one));
    const [objects, values] = [text(withoutGuests, state), text(valuesWithoutGuests, state)];
    const vfs = new Set(state.pfs.flatMap((pf) => pf.vfs.map(({ address }) => String(address))));
    const representors = new Set(state.representors.map(({ netdev }) => String(netdev)));
    for (const place of placesOf(state)) {
      // A netdev is another thing as a representor's, a VF's or the host's own.
      const [top, index] = place;
      const netdev = top === "netdevs" && typeof index === "number" ? state.netdevs[index] : undefined;
      const role = representors.has(netdev?.name ?? "") ? "r" : vfs.has(netdev?.device ?? "") ? "v" : "";
      const kind = `${role}${kindOf(place)}`;
      // Lists that everything else hangs on, and what has no place of its own.
      if (place.length < 2 || seen.has(kind) || /^(pfs|netdevs|representors)\.\*$/.test(kind)) continue;
      seen.add(kind);
      for (const value of [null, "other", 4711, true, []]) {
        const other = changed(state, place, value);
        const [one, two] = [withoutGuests, valuesWithoutGuests].map((of) => {
          try {
            return text(of, other);
          } catch {
            return "no state any more";
          }
        });
        assert.equal(two === values, one === objects, `${name}: ${kind} ${JSON.stringify(value)}`);
        if (one === objects) quiet += 1;
        else noticed += 1;
      }
    }
  }
  assert.ok(noticed > 500 && quiet > 100, `${noticed} noticed and ${quiet} quiet of ${seen.size} places`);
});
