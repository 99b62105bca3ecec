import * as z from "zod";
import { isPlainArgument } from "../host/kernel-arguments.ts";
import { NetdevName } from "../host/schemas.ts";

/** What an operator declares of a host (DESIGN 4). Defaults are filled in by parsing, so a `Spec` has no holes. */

const hex = "[0-9a-fA-F]";

const PortByName = NetdevName;
const PortByAddress = z.strictObject({
  address: z.string().regex(new RegExp(`^(${hex}{4,8}|\\*):(${hex}{2}|\\*):(${hex}{2}|\\*)\\.([0-7]|\\*)$`), {
    message: 'a PCI address is "domain:bus:slot.function", with * for any part: "0000:37:00.*"',
  }),
});
const PortByMac = z.strictObject({
  mac: z.string().regex(new RegExp(`^${hex}{2}(:${hex}{2}){5}$|^(${hex}{2}:){1,5}\\*$`), {
    message: 'a MAC address has six bytes, or its first bytes and a *: "24:8a:07:*"',
  }),
});
const id = z.string().regex(new RegExp(`^${hex}{4}$`), { message: 'four hexadecimal digits in quotes, without 0x: "15b3"' });
const PortById = z.strictObject({ vendor: id, product: id.optional() });

export const PortSelector = z
  .union([PortByName, PortByAddress, PortByMac, PortById])
  .meta({ id: "PortSelector", description: "which ports (PFs): a device name, or by PCI address, MAC address or ids" });
export type PortSelector = z.infer<typeof PortSelector>;

const channelCount = z.int().min(1).max(1024);

export const Channels = z.strictObject({ pf: channelCount.optional(), representor: channelCount.optional() });

export const EswitchOptions = z.strictObject({
  steering: z.enum(["dmfs", "smfs", "hmfs"]).optional(),
  inline: z.enum(["none", "link", "network", "transport"]).optional(),
  encap: z.boolean().optional(),
});

/** `{port}` and `{vf}` stand for one byte each: the port's place in the NIC, and the VF's number. */
export const VfSettingsSpec = z.strictObject({
  mac: z
    .string()
    .regex(new RegExp(`^(${hex}{2}|\\{port\\}|\\{vf\\})(:(${hex}{2}|\\{port\\}|\\{vf\\})){5}$`), {
      message: 'six bytes, of which one is {vf} and, with two ports, one is {port}: "02:5d:00:00:{port}:{vf}"',
    })
    .optional(),
  trust: z.boolean().optional(),
  spoofCheck: z.boolean().optional(),
  linkState: z.enum(["auto", "enable", "disable"]).optional(),
});

export const NicSpec = z
  .strictObject({
    name: z.string().regex(/^(?!host$)[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, "letters, digits, '_', '.' and '-', 63 at most, and not \"host\""),
    mode: z.enum(["sriov", "switchdev", "vf-lag"]),
    ports: z.array(PortSelector).min(1),
    vfs: z.int().min(1).max(65535),
    bond: NetdevName.optional(),
    physnet: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, "letters, digits, '_', '.' and '-', 64 at most")
      .optional(),
    channels: Channels.default({}),
    eswitch: EswitchOptions.default({}),
    vfSettings: VfSettingsSpec.default({}),
    persistence: z.enum(["systemd", "udev", "modprobe"]).default("systemd"),
  })
  .meta({ id: "NicSpec" });
export type NicSpec = z.infer<typeof NicSpec>;

const plainArgument = z.string().refine(isPlainArgument, {
  message: 'one kernel argument of letters, digits and _ . , : @ / + = % -, without blanks or quotes: "pci=realloc"',
});

export const KernelSpec = z
  .strictObject({
    iommu: z.enum(["auto", "intel", "amd", "off"]).default("auto"),
    hugepages: z.strictObject({ size: z.enum(["2M", "1G"]), count: z.int().min(1).max(16_777_216) }).optional(),
    maxCstate: z.int().min(0).max(9).optional(),
    arguments: z.array(plainArgument).max(64).default([]),
  })
  .meta({ id: "KernelSpec", description: "the kernel's command line; what is there already is kept" });

export type KernelSpec = z.infer<typeof KernelSpec>;

export const Spec = z
  .strictObject({
    version: z.literal(1),
    nics: z.array(NicSpec).min(1),
    ovs: z
      .strictObject({
        hwOffload: z.boolean().default(true),
        container: z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, "a container's name has letters, digits, '_', '.' and '-' only")
          .optional(),
        engine: z.enum(["auto", "docker", "podman", "native"]).default("auto"),
      })
      .optional(),
    firmware: z
      .strictObject({ manage: z.boolean().default(true), tool: z.enum(["auto", "mlxconfig", "mstconfig"]).default("auto") })
      .optional(),
    kernel: KernelSpec.optional(),
  })
  .meta({ id: "Spec", title: "vflag spec", description: "what an operator wants of a host's SR-IOV NICs" });
export type Spec = z.infer<typeof Spec>;
