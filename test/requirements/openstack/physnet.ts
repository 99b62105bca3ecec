import type { Spec } from "../../../src/spec/schema.ts";

/** The same NICs on a physical network of Neutron's. */
export const onPhysnet = (wanted: Spec): Spec => ({
  ...wanted,
  nics: wanted.nics.map((nic) => ({ ...nic, physnet: "physnet2" })),
});
