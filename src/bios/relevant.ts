import { anyOf } from "../host/any-of.ts";
import { type Feature, features } from "./features.ts";

/**
 * What a setting's name or label looks like that may be about a feature. It is for a person to judge: nothing
 * is set by it.
 */
const looks: Readonly<Record<Feature, RegExp>> = {
  virtualization:
    /virtuali[sz]ation ?technology|ProcVirtuali[sz]ation|\bVT-?x\b|\bVMX\b|\bSVM\b|SVMMode|AMD-?V\b/i,
  iommu: /\bVT-?d\b|VTdSupport|ProcVtd|directed ?I\/?_?O|IOMMU|AMD-?Vi\b|AmdIoVt|\bSMMU\b/i,
  "sr-iov": /SR[-_ ]?IOV/i,
  "above-4g": anyOf(
    /above[-_ ]?4 ?G|MMIO ?high/i,
    /64[-_ ]?bit (?:MMIO|PCI|BAR|resource)|PCI64BitResource/i,
    /Pci(?:e)? ?Resource ?Padding/i,
  ),
  ari: /(?:^|[^A-Za-z])ARI(?:[^A-Za-z]|Support|Forward|$)|PCIe?ARI|CfgPcieAri|alternative routing/i,
};

/** Details of a feature that is on, which look like the feature itself. */
const details =
  /coherency|interrupt remap|posted|ATS\b|pass-?through|opt-?in|pre-?boot|DMA (?:control|protection)/i;

/** The feature that a setting looks to be about; null where it looks like none. */
export function looksLike(name: string, label: string): Feature | null {
  if (details.test(label) || details.test(name)) return null;
  return features.find((feature) => looks[feature].test(name) || looks[feature].test(label)) ?? null;
}
