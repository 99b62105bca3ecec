import { observeWorld } from "../../src/host/simulated/host.ts";
import { startGuests } from "../../src/host/simulated/machine/guests.ts";
import type { HostState } from "../../src/host/state/state.ts";
import { booted, spec } from "./hosts.ts";

/** Hosts for maps. */

export const mapSpec = spec(`
version: 1
nics:
  - name: data
    mode: vf-lag
    ports: [ens3f0, ens3f1]
    vfs: 4
    bond: bond0
    physnet: physnet2
ovs: {}
`);

/** A host on which a guest of each port talks. */
export async function talkingHost(): Promise<HostState> {
  const world = await booted(mapSpec);
  startGuests(world);
  return observeWorld(world);
}
