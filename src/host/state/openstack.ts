import * as z from "zod";
import { observed } from "./observed-schema.ts";

/**
 * What the host's own configuration of Nova and Neutron says of PFs and VFs; nothing else of those files is
 * kept.
 */

export const PhysnetDevice = z.strictObject({ physnet: z.string(), device: z.string() });
export const SriovAgent = z
  .strictObject({ file: z.string(), mappings: z.array(PhysnetDevice) })
  .meta({ id: "SriovAgent", description: "physical_device_mappings of Neutron's SR-IOV agent" });
export type SriovAgent = z.infer<typeof SriovAgent>;

export const NovaPci = z.strictObject({ file: z.string(), rules: z.array(z.string()) }).meta({
  id: "NovaPci",
  description:
    "rules: the values of Nova's [pci] device_spec, and of its older names, as they stand in the file",
});
export type NovaPci = z.infer<typeof NovaPci>;

export const OpenStack = z
  .strictObject({ sriovAgent: observed(SriovAgent.nullable()), nova: observed(NovaPci.nullable()) })
  .meta({ id: "OpenStack", description: "null: there is no such file on this host" });
export type OpenStack = z.infer<typeof OpenStack>;

/** As a state has it; one that was saved before vflag looked reads as not known. */
export const observedOpenStack = observed(OpenStack).default({
  unknown: "saved by a version of vflag that did not look at it",
});
