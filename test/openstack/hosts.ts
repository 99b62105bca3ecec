import { buildHost, type CardOptions } from "../../src/host/simulated/build.ts";
import { setVfCount } from "../../src/host/simulated/card/sriov.ts";
import type { HostState } from "../../src/host/state/state.ts";
import { novaView } from "../../src/openstack/nova/nova-host.ts";
import { loadSpec } from "../../src/spec/load.ts";
import type { Spec } from "../../src/spec/schema.ts";

/**
 * A simulated host with this many VFs on each port of its cards: `ens3f0`, `ens3f1` at 0000:37:00,
 * `ens4f0`... at 0000:5d:00.
 */
export function hostWith(vfs: number, ...cards: CardOptions[]): HostState {
  const world = buildHost(cards);
  for (const pf of world.state.pfs) if (vfs > 0) setVfCount(world, pf.address, vfs);
  return world.state;
}

export const connectx5: CardOptions = { model: "ConnectX-5", ports: 2 };

/** One NIC, from YAML in braces: `name: data` and two VFs unless it says otherwise. */
export function specOf(...nics: string[]): Spec {
  return loadSpec(
    `{version: 1, nics: [${nics.map((nic, index) => `{name: nic${index}, ${nic.includes("vfs:") ? "" : "vfs: 2, "}${nic}}`).join(", ")}]}`,
    "spec.yaml",
  );
}

/** A question to nova_pci.py about a host as it will be. */
export function aboutHost(spec: Spec, state: HostState) {
  const { host, devices } = novaView(spec, state);
  return {
    host: {
      interfaces: Object.fromEntries(host.interfaces),
      physicalFunctions: Object.fromEntries(host.physicalFunctions),
    },
    devices,
  };
}
