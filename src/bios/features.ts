/** What a hypervisor for VFs needs of its BIOS. */
export const features = ["virtualization", "iommu", "sr-iov", "above-4g", "ari"] as const;
export type Feature = (typeof features)[number];

export const featureNames: Readonly<Record<Feature, string>> = {
  virtualization: "virtualization (VT-x, AMD-V)",
  iommu: "IOMMU (VT-d, AMD-Vi)",
  "sr-iov": "SR-IOV",
  "above-4g": "above-4G decoding",
  ari: "ARI",
};

/** Those that many a BIOS has no setting for, because they are always on there. */
export const optionalFeatures: ReadonlySet<Feature> = new Set(["above-4g", "ari"]);
