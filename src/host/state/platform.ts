import * as z from "zod";
import { observed } from "./observed-schema.ts";
import { PciAddress } from "./schemas.ts";

/**
 * What a host is beneath its NICs: processor, IOMMU, kernel arguments, boot loader, and what the kernel said
 * of its BIOS.
 */

export const Cpu = z
  .strictObject({ vendor: z.string().nullable(), virtualization: z.enum(["vmx", "svm"]).nullable() })
  .meta({
    id: "Cpu",
    description:
      "vendor: as in /proc/cpuinfo (GenuineIntel, AuthenticAMD), null on other architectures than x86; " +
      "virtualization: the flag, null without one",
  });
export type Cpu = z.infer<typeof Cpu>;

export const BiosSign = z
  .strictObject({
    sign: z.enum(["mmio", "bus-number", "virtualization"]),
    device: PciAddress.nullable(),
    text: z.string(),
  })
  .meta({
    id: "BiosSign",
    description:
      "what the kernel log says that points to a setting of the BIOS, with the PF that it is about",
  });
export type BiosSign = z.infer<typeof BiosSign>;

export const BootEntry = z.strictObject({ title: z.string(), arguments: z.array(z.string()) }).meta({
  id: "BootEntry",
  description:
    "a kernel that the boot loader can start, and its arguments; entries for recovery are left out",
});
export type BootEntry = z.infer<typeof BootEntry>;

export const BootLoader = z
  .strictObject({
    kind: z.enum(["grub", "grubby", "systemd-boot", "unknown"]),
    entries: observed(z.array(BootEntry)),
    outdated: z.boolean(),
  })
  .meta({
    id: "BootLoader",
    description:
      "grub: with Debian's /etc/default/grub.d and update-grub; grubby: as on Fedora and RHEL. outdated: " +
      "vflag's drop-in was written after grub.cfg was made",
  });
export type BootLoader = z.infer<typeof BootLoader>;

export const Platform = z
  .strictObject({
    cpu: observed(Cpu),
    iommuGroups: observed(z.int().min(0)),
    arguments: observed(z.array(z.string())),
    lockdown: observed(z.string().nullable()),
    biosSigns: observed(z.array(BiosSign)),
    bootLoader: observed(BootLoader),
  })
  .meta({
    id: "Platform",
    description:
      "iommuGroups: how many there are; arguments: those of the running kernel, without quotes; lockdown: " +
      "none, integrity or confidentiality, null where the kernel has no lockdown",
  });
export type Platform = z.infer<typeof Platform>;
