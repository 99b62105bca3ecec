import type { Feature } from "./features.ts";
import type { Attribute } from "./registry.ts";

/**
 * What the vendors call their settings. vflag sets nothing that is not in this table, and of what is in it
 * only what the machine's own attribute registry describes, with a value that the registry lists.
 */
export const vendorNames = ["Dell", "HPE", "Lenovo", "Supermicro"] as const;
export type Vendor = (typeof vendorNames)[number];

export interface Entry {
  readonly feature: Feature;
  /** Any of these names, whatever the processor's make or the BIOS' generation calls it. */
  readonly attributes: readonly string[];
  /** Values that mean on; the first that the registry lists is set. */
  readonly on: readonly string[];
  /** Where the attribute stands for this feature too, its help says so. */
  readonly ifHelp?: RegExp;
  readonly source: string;
}

const enabled = ["Enabled", "Enable"] as const;

const dell = "dell/iDRAC-Redfish-Scripting and the Bios resource of a PowerEdge R650 (iDRAC 9)";
const libredfish = (file: string) => `NVIDIA/libredfish src/${file}`;

export const vendorTable: Readonly<Record<Vendor, readonly Entry[]>> = {
  Dell: [
    {
      feature: "virtualization",
      attributes: ["ProcVirtualization"],
      on: enabled,
      source: "openstack/ironic doc/source/admin/drivers/idrac.rst, BIOS configuration",
    },
    // Intel's VT-d has no setting of its own there: it comes with the processor's virtualization, as the
    // registry's help says.
    {
      feature: "iommu",
      attributes: ["ProcVirtualization"],
      on: enabled,
      ifHelp: /\bDMAR\b|VT-?d\b|directed I\/?O/i,
      source: dell,
    },
    {
      feature: "iommu",
      attributes: ["IommuSupport"],
      on: enabled,
      source: "server configuration profiles of PowerEdge with AMD EPYC",
    },
    {
      feature: "sr-iov",
      attributes: ["SriovGlobalEnable"],
      on: enabled,
      source: "openstack/ironic doc/source/admin/drivers/idrac.rst, BIOS configuration",
    },
    { feature: "above-4g", attributes: ["MmioAbove4Gb"], on: enabled, source: dell },
  ],
  // None of its settings is about above-4G decoding.
  HPE: [
    {
      feature: "virtualization",
      attributes: ["ProcVirtualization", "ProcAmdVirtualization"],
      on: enabled,
      source:
        "HPE's BIOS attribute reference for Gen10; Cray-HPE/gru " +
        "pkg/cmd/cli/bios/collections/virtualization.go",
    },
    {
      feature: "iommu",
      attributes: ["IntelProcVtd", "ProcAmdIoVt", "ProcAmdIOMMU"],
      on: enabled,
      source:
        `Cray-HPE/gru pkg/cmd/cli/bios/collections/virtualization.go (ProcAmdIOMMU); ` +
        `${libredfish("hpe.rs")}, get_enable_virtualization_key()`,
    },
    {
      feature: "sr-iov",
      attributes: ["Sriov"],
      on: enabled,
      source: "HPE's BIOS attribute reference for Gen10",
    },
  ],
  Lenovo: [
    {
      feature: "virtualization",
      attributes: ["Processors_IntelVirtualizationTechnology", "Processors_SVMMode"],
      on: enabled,
      source: `${libredfish("lenovo.rs")}, get_enable_virtualization_key()`,
    },
    {
      feature: "iommu",
      attributes: ["DevicesandIOPorts_IOMMU"],
      on: enabled,
      source: "the Bios resource of an SR635 V3 (XCC2)",
    },
    {
      feature: "sr-iov",
      attributes: ["DevicesandIOPorts_SRIOV"],
      on: enabled,
      source: "the Bios resource of an SR630 V2 (XCC)",
    },
  ],
  Supermicro: [
    {
      feature: "virtualization",
      attributes: ["IntelVirtualizationTechnology"],
      on: enabled,
      source: `${libredfish("supermicro.rs")}, machine_setup_attrs()`,
    },
    {
      feature: "virtualization",
      attributes: ["SVMMode"],
      on: enabled,
      source: "wikimedia/operations-cookbooks cookbooks/sre/hosts/provision.py",
    },
    {
      feature: "iommu",
      attributes: ["IntelVTforDirectedI/O(VT-d)", "IntelVTforDirectedI_O_VT_d"],
      on: enabled,
      source: `${libredfish("supermicro.rs")}, machine_setup_attrs()`,
    },
    {
      feature: "iommu",
      attributes: ["IOMMU"],
      on: enabled,
      source: "NVIDIA/cloud-native-stack, supermicro_bios_attributes",
    },
    {
      feature: "sr-iov",
      attributes: ["SR-IOVSupport", "SR_IOVSupport"],
      on: enabled,
      source: `${libredfish("supermicro.rs")}, machine_setup_attrs()`,
    },
    {
      feature: "above-4g",
      attributes: ["Above4GDecoding"],
      on: enabled,
      source: "spyroot/redfish_ctl, the Bios resource of a GB300",
    },
    {
      feature: "ari",
      attributes: ["PCIeARISupport", "ARISupport"],
      on: enabled,
      // Labels without their blanks, as this vendor's other names are made; no Bios resource with them was
      // seen.
      source: "the labels PCIe ARI Support and ARI Support in Supermicro's BIOS manuals of the H12 and H13",
    },
  ],
};

/** Values that leave the decision to the BIOS. */
export const undecided: ReadonlySet<string> = new Set(["auto"]);

/** Whose BIOS it is, by what the system, or else the service, says of itself. */
export function vendorOf(...names: readonly (string | null)[]): Vendor | null {
  for (const name of names) {
    if (name === null) continue;
    if (/^dell\b/i.test(name)) return "Dell";
    if (/^(?:hpe?\b|hewlett[ -]?packard)/i.test(name)) return "HPE";
    if (/^lenovo\b/i.test(name)) return "Lenovo";
    if (/^super\s?micro/i.test(name)) return "Supermicro";
  }
  return null;
}

/**
 * An attribute's name without the number that Supermicro's BIOSes append: SR_IOVSupport_002B,
 * SR-IOVSupport#0048. Source: NVIDIA/libredfish src/supermicro.rs, bios_attributes_name_map().
 */
export function plainName(vendor: Vendor, name: string): string {
  return vendor === "Supermicro" ? name.replace(/[_#][0-9A-F]{4}$/, "") : name;
}

/** The entries of the table that an attribute is meant by. */
export function entriesOf(vendor: Vendor, name: string, attribute: Attribute | undefined): Entry[] {
  const plain = plainName(vendor, name);
  return vendorTable[vendor].filter(
    ({ attributes, ifHelp }) =>
      attributes.includes(plain) && (ifHelp === undefined || ifHelp.test(attribute?.help ?? "")),
  );
}
