import assert from "node:assert/strict";
import type { World } from "../../../src/host/simulated/world.ts";
import type { FirmwareConfiguration, FirmwareParameter } from "../../../src/host/state/firmware.ts";
import { isUnknown } from "../../../src/host/state/observed.ts";
import { dualPort, fresh } from "../../support/hosts.ts";

/** Cards whose firmware is set to something. */

/** The first card's configuration, to be bent. */
export function configuration(world: World): FirmwareConfiguration {
  assert.ok(!isUnknown(world.state.firmware));
  const [card] = world.state.firmware;
  assert.ok(card !== undefined && !isUnknown(card.configuration));
  return card.configuration;
}

export function parameter(
  current: string | null,
  next: string | null = current,
  readOnly = false,
): FirmwareParameter {
  return { default: null, current, next, readOnly };
}

/** A host whose card offers so many VFs now, and as many as were set from the next boot on. */
export function offering(now: number, next = now, cards = [dualPort]): World {
  const world = fresh(cards);
  for (const pf of world.state.pfs) if (pf.sriov !== null) pf.sriov.total = now;
  configuration(world).parameters["NUM_OF_VFS"] = parameter(String(now), String(next));
  return world;
}
