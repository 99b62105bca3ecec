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
export const i40e: Driver = {
  ...generic,
  name: "i40e",
  models: [model("X710", "1572", "154c"), model("XL710", "1583", "154c"), model("XXV710", "158b", "154c")],
  vfDriver: "iavf",
};
