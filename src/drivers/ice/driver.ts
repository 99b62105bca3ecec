import type { Driver, Model } from "../driver.ts";
import { generic } from "../generic/driver.ts";

const model = (name: string, product: string, vfProduct: string): Model => ({
  name,
  vendor: "8086",
  product,
  vfProduct,
  vfLag: false,
});

/** Its VFs are driven by a module of their own: linux drivers/net/ethernet/intel/. */
export const ice: Driver = {
  ...generic,
  name: "ice",
  models: [model("E810", "1592", "1889")],
  vfDriver: "iavf",
};
