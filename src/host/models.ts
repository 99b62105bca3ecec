/** What is known of NIC models by their PCI ids and drivers: hints for messages, never proof of what a card can do. */
export interface Model {
  readonly name: string;
  readonly vendor: string;
  readonly product: string;
  /** The product id that its VFs carry; `null` where the vendor gives several. */
  readonly vfProduct: string | null;
  readonly driver: string;
  /** Whether the vendor offers the NIC's own LAG under a bond for VFs: ConnectX-5 and later, two ports of one card. */
  readonly vfLag: boolean;
}

const mellanox = (name: string, product: string, vfProduct: string, vfLag: boolean, driver = "mlx5_core"): Model => {
  return { name, vendor: "15b3", product, vfProduct, driver, vfLag };
};
const intel = (name: string, product: string, vfProduct: string, driver: string): Model => {
  return { name, vendor: "8086", product, vfProduct, driver, vfLag: false };
};

/** Source: the PCI ID repository (pci.ids) for names and ids. */
export const models: readonly Model[] = [
  mellanox("ConnectX-3", "1003", "1004", false, "mlx4_core"),
  mellanox("ConnectX-3 Pro", "1007", "1004", false, "mlx4_core"),
  mellanox("ConnectX-4", "1013", "1014", false),
  mellanox("ConnectX-4 Lx", "1015", "1016", false),
  mellanox("ConnectX-5", "1017", "1018", true),
  mellanox("ConnectX-5 Ex", "1019", "101a", true),
  mellanox("ConnectX-6", "101b", "101c", true),
  mellanox("ConnectX-6 Dx", "101d", "101e", true),
  mellanox("ConnectX-6 Lx", "101f", "101e", true),
  mellanox("ConnectX-7", "1021", "101e", true),
  mellanox("ConnectX-8", "1023", "101e", true),
  mellanox("ConnectX-9", "1025", "101e", true),
  mellanox("BlueField-2", "a2d6", "101e", true),
  mellanox("BlueField-3", "a2dc", "101e", true),
  intel("82576", "10c9", "10ca", "igb"),
  intel("I350", "1521", "1520", "igb"),
  intel("82599", "10fb", "10ed", "ixgbe"),
  intel("X550", "1563", "1565", "ixgbe"),
  intel("X710", "1572", "154c", "i40e"),
  intel("XL710", "1583", "154c", "i40e"),
  intel("XXV710", "158b", "154c", "i40e"),
  intel("E810", "1592", "1889", "ice"),
];

/** The model with these ids, if it is one of those known here. */
export function modelOf(vendor: string, product: string): Model | undefined {
  return models.find((model) => model.vendor === vendor && model.product === product);
}

/** Drivers whose VFs are driven by another module: linux drivers/net/ethernet/intel/. */
const vfDrivers: Readonly<Record<string, string>> = { igb: "igbvf", ixgbe: "ixgbevf", i40e: "iavf", ice: "iavf" };

/** The driver that drives the VFs of a PF with this driver, on the host. */
export function vfDriverOf(pfDriver: string): string {
  return vfDrivers[pfDriver] ?? pfDriver;
}
