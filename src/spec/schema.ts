import * as z from "zod";
import { isPlainArgument } from "../host/actions/kernel-arguments.ts";
import { NetdevName } from "../host/state/schemas.ts";
import { specLimits } from "./limits.ts";

/**
 * What an operator declares of a host (DESIGN 4). Defaults are filled in by parsing, so a `Spec` has no
 * holes. The descriptions are published, in the JSON Schema and in the page vflag.yaml(5).
 */

const hex = "[0-9a-fA-F]";

const PortByName = NetdevName;
const PortByAddress = z.strictObject({
  address: z
    .string()
    .regex(new RegExp(`^(${hex}{4,8}|\\*):(${hex}{2}|\\*):(${hex}{2}|\\*)\\.([0-7]|\\*)$`), {
      message: 'a PCI address is "domain:bus:slot.function", with * for any part: "0000:37:00.*"',
    })
    .describe('by PCI address; * stands for any part: "0000:37:00.*"'),
});
const PortByMac = z.strictObject({
  mac: z
    .string()
    .regex(new RegExp(`^${hex}{2}(:${hex}{2}){5}$|^(${hex}{2}:){1,5}\\*$`), {
      message: 'a MAC address has six bytes, or its first bytes and a *: "24:8a:07:*"',
    })
    .describe('by the port\'s MAC address, or its first bytes and a *: "24:8a:07:*"'),
});
const id = z
  .string()
  .regex(new RegExp(`^${hex}{4}$`), { message: 'four hexadecimal digits in quotes, without 0x: "15b3"' });
const PortById = z.strictObject({
  vendor: id.describe('by the PCI vendor id, four hexadecimal digits in quotes: "15b3"'),
  product: id.optional().describe('and by the PCI product id, in quotes: "1017"'),
});

export const PortSelector = z.union([PortByName, PortByAddress, PortByMac, PortById]).meta({
  id: "PortSelector",
  description: "which ports (PFs): a device name, or by PCI address, MAC address or ids",
});
export type PortSelector = z.infer<typeof PortSelector>;

const channelCount = z.int().min(1).max(1024);

export const Channels = z.strictObject({
  pf: channelCount.optional().describe("combined channels of each port"),
  representor: channelCount
    .optional()
    .describe("combined channels of each VF's representor; not in mode sriov"),
});

export const EswitchOptions = z.strictObject({
  steering: z
    .enum(["dmfs", "smfs", "hmfs"])
    .optional()
    .describe("flow steering, set before switchdev; which ones a card takes is in `devlink dev param show`"),
  inline: z
    .enum(["none", "link", "network", "transport"])
    .optional()
    .describe(
      "how much of a packet's headers a VF passes on; ConnectX-4 and 4 Lx need transport, later cards " +
        "take only none",
    ),
  encap: z.boolean().optional().describe("tunnel encapsulation in hardware"),
});

/** `{port}` and `{vf}` stand for one byte each: the port's place in the NIC, and the VF's number. */
export const VfSettingsSpec = z.strictObject({
  mac: z
    .string()
    .regex(new RegExp(`^(${hex}{2}|\\{port\\}|\\{vf\\})(:(${hex}{2}|\\{port\\}|\\{vf\\})){5}$`), {
      message:
        'six bytes, of which one is {vf} and, with two ports, one is {port}: "02:5d:00:00:{port}:{vf}"',
    })
    .optional()
    .describe(
      "the MAC address of each VF: {port} and {vf} stand for one byte each, the port's place in the NIC " +
        'and the VF\'s number: "02:5d:00:00:{port}:{vf}"',
    ),
  trust: z
    .boolean()
    .optional()
    .describe("whether the guest may change the VF's address and see all multicast; mode sriov only"),
  spoofCheck: z
    .boolean()
    .optional()
    .describe("whether packets from another address than the VF's are dropped; mode sriov only"),
  linkState: z
    .enum(["auto", "enable", "disable"])
    .optional()
    .describe(
      "the VF's link: as the port's, always up, or always down; mode sriov only, where a VF that is down " +
        "is set to auto without it",
    ),
});

export const NicSpec = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^(?!host$)[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
        "letters, digits, '_', '.' and '-', 63 at most, and not \"host\"",
      )
      .describe(
        "what messages call the NIC: letters, digits, '_', '.' and '-', 63 at most, and not \"host\"",
      ),
    mode: z
      .enum(["sriov", "switchdev", "vf-lag"])
      .describe(
        "sriov: VFs, with the eSwitch in legacy mode; switchdev: VFs with representors, for offload by " +
          "Open vSwitch; vf-lag: switchdev on both ports of one NIC under a bond",
      ),
    ports: z
      .array(PortSelector)
      .min(1)
      .max(specLimits.ports)
      .describe("the NIC's ports (PFs), each by one of the ways below"),
    vfs: z.int().min(1).max(65535).describe("VFs per port"),
    bond: NetdevName.optional().describe(
      "mode vf-lag only, and required there: the bond that the host's networking makes of exactly these " +
        "two ports",
    ),
    physnet: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, "letters, digits, '_', '.' and '-', 64 at most")
      .nullable()
      .optional()
      .describe(
        "the Neutron physical network behind the ports; null: overlay networks, not in mode sriov. " +
          "Without it nothing is written for OpenStack",
      ),
    link: z
      .enum(["ethernet", "infiniband"])
      .optional()
      .describe(
        "what the ports are; with `firmware` vflag makes them so. Without it a port stays what it is, and " +
          "modes switchdev and vf-lag need Ethernet",
      ),
    channels: Channels.default({}).describe(
      "combined channels; more than the device offers is capped, with a warning",
    ),
    eswitch: EswitchOptions.default({}).describe("settings of the eSwitch, in modes switchdev and vf-lag"),
    vfSettings: VfSettingsSpec.default({}).describe(
      "settings of each VF that is not in use; those of a VF in use are left alone",
    ),
    persistence: z
      .enum(["systemd", "udev", "modprobe"])
      .default("systemd")
      .describe("how it is kept over a reboot"),
  })
  .meta({ id: "NicSpec", description: "one NIC (a card)" });
export type NicSpec = z.infer<typeof NicSpec>;

export const OvsSpec = z.strictObject({
  hwOffload: z.boolean().default(true).describe("whether Open vSwitch offloads flows to the NIC"),
  container: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,
      "a container's name has letters, digits, '_', '.' and '-' only",
    )
    .optional()
    .describe("the container that ovs-vswitchd runs in"),
  engine: z
    .enum(["auto", "docker", "podman", "native"])
    .default("auto")
    .describe("what runs that container; native: none, it runs on the host"),
  tcPolicy: z
    .enum(["none", "skip_sw"])
    .optional()
    .describe("what it does with rules: in software too, or in hardware only; without it, either"),
});

const plainArgument = z.string().refine(isPlainArgument, {
  message:
    'one kernel argument of letters, digits and _ . , : @ / + = % -, without blanks or quotes: "pci=realloc"',
});

export const KernelSpec = z
  .strictObject({
    iommu: z
      .enum(["auto", "intel", "amd", "off"])
      .default("auto")
      .describe("the IOMMU that the kernel's arguments switch on; off: no guest gets a VF"),
    hugepages: z
      .strictObject({
        size: z.enum(["2M", "1G"]).describe("of a page, also the default size"),
        count: z.int().min(1).max(16_777_216).describe("how many"),
      })
      .optional()
      .describe("static huge pages"),
    maxCstate: z.int().min(0).max(9).optional().describe("the deepest C-state; 0 turns intel_idle off"),
    arguments: z.array(plainArgument).max(64).default([]).describe("further arguments, one each"),
  })
  .meta({ id: "KernelSpec", description: "the kernel's command line; what is there already is kept" });

export type KernelSpec = z.infer<typeof KernelSpec>;

export const Spec = z
  .strictObject({
    version: z.literal(1).describe("the version of the spec's format"),
    nics: z
      .array(NicSpec)
      .min(1)
      .max(specLimits.nics)
      .describe("the NICs that vflag takes care of; it leaves all others alone"),
    ovs: OvsSpec.optional().describe("Open vSwitch"),
    firmware: z
      .strictObject({
        manage: z.boolean().default(true).describe("whether vflag sets the firmware's keys"),
        tool: z
          .enum(["auto", "mlxconfig", "mstconfig"])
          .default("auto")
          .describe("the program that sets them"),
      })
      .optional()
      .describe("the NICs' firmware"),
    kernel: KernelSpec.optional().describe("the kernel's arguments; what is there already is kept"),
  })
  .meta({ id: "Spec", title: "vflag spec", description: "what an operator wants of a host's SR-IOV NICs" });
export type Spec = z.infer<typeof Spec>;
