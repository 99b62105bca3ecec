import { type AttributeRegistry, readRegistry } from "../../src/bios/registry.ts";
import type { BiosSurvey } from "../../src/bios/survey.ts";

/** BIOSes of the four vendors in small, and of one that nobody knows. */
export interface Machine {
  readonly manufacturer: string;
  readonly model: string;
  /** The system's id, and where its settings lie behind its Bios resource. */
  readonly system: string;
  readonly settings: string;
  readonly registryId: string;
  readonly attributes: Readonly<Record<string, string | number | boolean | null>>;
  readonly entries: readonly Record<string, unknown>[];
  readonly dependencies?: readonly Record<string, unknown>[];
}

export const onOff = ["Enabled", "Disabled"] as const;

/** An entry of a registry. */
export function choice(
  name: string,
  label: string,
  values: readonly string[] = onOff,
  more: Record<string, unknown> = {},
) {
  return {
    AttributeName: name,
    DisplayName: label,
    Type: "Enumeration",
    ReadOnly: false,
    ResetRequired: true,
    Value: values.map((value) => ({ ValueDisplayName: value, ValueName: value })),
    ...more,
  };
}

/** While `from` is `value`, `property` of `to` is true. */
export function locks(from: string, value: string, to: string, property = "ReadOnly") {
  const map = {
    MapFromAttribute: from,
    MapFromCondition: "EQU",
    MapFromProperty: "CurrentValue",
    MapFromValue: value,
  };
  return {
    DependencyFor: to,
    Type: "Map",
    Dependency: { MapFrom: [map], MapToAttribute: to, MapToProperty: property, MapToValue: true },
  };
}

export const dell: Machine = {
  manufacturer: "Dell Inc.",
  model: "PowerEdge R650",
  system: "System.Embedded.1",
  settings: "/Settings",
  registryId: "BiosAttributeRegistry.v1_0_3",
  attributes: {
    ProcVirtualization: "Disabled",
    SriovGlobalEnable: "Disabled",
    MmioAbove4Gb: "Enabled",
    NumCores: 28,
    SetupPassword: null,
    SysProfile: "PerfOptimized",
  },
  entries: [
    choice("ProcVirtualization", "Virtualization Technology", onOff, {
      HelpText:
        "Enables processor virtualization, and tells the operating system of it through the DMAR table.",
    }),
    choice("SriovGlobalEnable", "SR-IOV Global Enable"),
    choice("MmioAbove4Gb", "Memory Mapped I/O above 4GB"),
    choice("SysProfile", "System Profile", ["PerfOptimized", "Custom"]),
    { AttributeName: "NumCores", Type: "Integer", ReadOnly: true },
    { AttributeName: "SetupPassword", Type: "Password" },
  ],
};

export const hpe: Machine = {
  manufacturer: "HPE",
  model: "ProLiant DL385 Gen10",
  system: "1",
  settings: "/settings/",
  registryId: "BiosAttributeRegistryA40.v1_1_44",
  attributes: {
    ProcAmdVirtualization: "Enabled",
    ProcAmdIOMMU: "Disabled",
    Sriov: "Disabled",
    PciResourcePadding: "Normal",
  },
  entries: [
    choice("ProcAmdVirtualization", "AMD Virtualization Technology"),
    choice("ProcAmdIOMMU", "AMD I/O Virtualization Technology"),
    choice("Sriov", "SR-IOV"),
    choice("PciResourcePadding", "NVMe PCIe Resource Padding", ["Normal", "Medium", "High"]),
  ],
  dependencies: [locks("ProcAmdVirtualization", "Disabled", "ProcAmdIOMMU", "GrayOut")],
};

export const lenovo: Machine = {
  manufacturer: "Lenovo",
  model: "ThinkSystem SR635 V3",
  system: "1",
  settings: "/Pending",
  registryId: "BiosAttributeRegistry.1.0.0",
  attributes: {
    Processors_SVMMode: "Enabled",
    DevicesandIOPorts_IOMMU: "Auto",
    DevicesandIOPorts_SRIOV: "Enabled",
  },
  entries: [
    choice("Processors_SVMMode", "SVM Mode"),
    choice("DevicesandIOPorts_IOMMU", "IOMMU", ["Auto", "Enabled", "Disabled"]),
    choice("DevicesandIOPorts_SRIOV", "SR-IOV"),
  ],
};

export const supermicro: Machine = {
  manufacturer: "Supermicro",
  model: "SYS-620U-TNR",
  system: "1",
  settings: "/SD",
  registryId: "BiosAttributeRegistry.v1_0_0",
  attributes: {
    IntelVirtualizationTechnology_0019: "Disable",
    IntelVTforDirectedI_O_VT_d_0116: "Enable",
    InterruptRemapping_0118: "Enable",
    SR_IOVSupport_002B: "Disabled",
    Above4GDecoding_002A: "Disabled",
    ARISupport_0037: "Disabled",
  },
  entries: [
    choice("IntelVirtualizationTechnology_0019", "Intel Virtualization Technology", ["Disable", "Enable"]),
    choice("IntelVTforDirectedI_O_VT_d_0116", "Intel VT for Directed I/O (VT-d)", ["Disable", "Enable"]),
    choice("InterruptRemapping_0118", "VT-d Interrupt Remapping", ["Disable", "Enable"]),
    choice("SR_IOVSupport_002B", "SR-IOV Support", ["Disabled", "Enabled"]),
    choice("Above4GDecoding_002A", "Above 4G Decoding", ["Disabled", "Enabled"]),
    choice("ARISupport_0037", "ARI Support", ["Disabled", "Enabled"]),
  ],
};

export const nobody: Machine = {
  manufacturer: "Example Servers",
  model: "E1",
  system: "Self",
  settings: "/SD",
  registryId: "BiosAttributeRegistryE1.en-US.0.1.0",
  attributes: {
    CbsCmnCpuSvm: "On",
    NBIO001: "Off",
    PCIS007: "Disabled",
    PCIS008: "Disabled",
    QuietBoot: true,
  },
  entries: [
    choice("CbsCmnCpuSvm", "SVM Mode", ["On", "Off"]),
    choice("NBIO001", "IOMMU", ["On", "Off"]),
    choice("PCIS007", "SR-IOV Support"),
    choice("PCIS008", "Above 4G Decoding"),
    { AttributeName: "QuietBoot", DisplayName: "Quiet Boot", Type: "Boolean" },
  ],
};

export const machines = { dell, hpe, lenovo, supermicro, nobody } as const;

/** The registry as a service gives it. */
export function registryData({ registryId, entries, dependencies = [] }: Machine): Record<string, unknown> {
  return {
    "@odata.type": "#AttributeRegistry.v1_3_6.AttributeRegistry",
    Id: registryId,
    Name: "BIOS Attribute Registry",
    Language: "en",
    OwningEntity: "Example",
    RegistryVersion: "1.0.0",
    RegistryEntries: { Attributes: entries, Dependencies: dependencies },
  };
}

/** A machine as it was surveyed. */
export function surveyOf(
  machine: Machine,
  change: Partial<Machine> = {},
  more: Partial<BiosSurvey> = {},
): BiosSurvey {
  const whole = { ...machine, ...change };
  const path = `/redfish/v1/Systems/${whole.system}`;
  return {
    system: {
      path,
      manufacturer: whole.manufacturer,
      serviceVendor: null,
      model: whole.model,
      biosVersion: "1.2.4",
      powerState: "On",
    },
    attributes: new Map(Object.entries(whole.attributes)),
    registry: readRegistry(registryData(whole)),
    settings: {
      path: `${path}/Bios${whole.settings}`,
      etag: '"1"',
      pending: new Map(),
      applyTimes: null,
      remarks: [],
    },
    ...more,
  };
}

export function registryOf(machine: Machine): AttributeRegistry {
  const registry = readRegistry(registryData(machine));
  if ("problem" in registry) throw new Error(registry.problem);
  return registry;
}
