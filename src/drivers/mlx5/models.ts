import type { Model } from "../driver.ts";

const model = (name: string, product: string, vfProduct: string, vfLag = true): Model => {
  return { name, vendor: "15b3", product, vfProduct, vfLag };
};

/**
 * VF-LAG: ConnectX-5 and later, two ports of one card. Source: the PCI ID repository (pci.ids) for names and
 * ids.
 */
export const models: readonly Model[] = [
  model("ConnectX-4", "1013", "1014", false),
  model("ConnectX-4 Lx", "1015", "1016", false),
  model("ConnectX-5", "1017", "1018"),
  model("ConnectX-5 Ex", "1019", "101a"),
  model("ConnectX-6", "101b", "101c"),
  model("ConnectX-6 Dx", "101d", "101e"),
  model("ConnectX-6 Lx", "101f", "101e"),
  model("ConnectX-7", "1021", "101e"),
  model("ConnectX-8", "1023", "101e"),
  model("ConnectX-9", "1025", "101e"),
  { ...model("BlueField-2", "a2d6", "101e"), isDpu: true },
  { ...model("BlueField-3", "a2dc", "101e"), isDpu: true },
];
