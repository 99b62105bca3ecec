import * as z from "zod";
import { observed } from "./observed-schema.ts";
import { PciAddress } from "./schemas.ts";

/** What the kernel log says of the host's NICs, their bonds and what lies beneath them. */

/** So many lines a state has at most: what they mean is found by looking from each at those after it. */
const mostKernelLines = 4096;

export const KernelLine = z
  .strictObject({
    seconds: z.number().min(0),
    level: z.int().min(0).max(7).nullable(),
    device: PciAddress.nullable(),
    text: z.string(),
  })
  .meta({
    id: "KernelLine",
    description:
      "seconds: since the kernel started; level: 0 (emergency) to 7 (debug), null where it is not told; " +
      "device: the PCI function that it is about",
  });
export type KernelLine = z.infer<typeof KernelLine>;

export const KernelLog = z
  .strictObject({
    complete: z.boolean(),
    omitted: z.int().min(0),
    lines: z.array(KernelLine).max(mostKernelLines),
  })
  .meta({
    id: "KernelLog",
    description:
      "the lines about NICs, bonds and IOMMU, oldest first. complete: the log was read from the kernel's " +
      "start without a gap, so that what is not here was not said; omitted: how many older lines about " +
      "them are left out",
  });
export type KernelLog = z.infer<typeof KernelLog>;

/** As a state has it; one that was saved before vflag looked at the log reads as not known. */
export const observedKernelLog = observed(KernelLog).default({
  unknown: "saved by a version of vflag that did not look at it",
});
