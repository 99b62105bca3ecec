import type { Driver, Model } from "../driver.ts";
import { generic } from "../generic/driver.ts";
import { plainNic, switchdevNic } from "../generic/profiles.ts";
import type { Profile } from "../profile.ts";

const of82576: Profile = { ...plainNic, totalVfs: 7, offset: () => 128, stride: 2, pfChannels: 2 };

const model = (name: string, product: string, vfProduct: string): Model => ({
  name,
  vendor: "8086",
  product,
  vfProduct,
  vfLag: false,
});

/** Its VFs are driven by a module of their own: linux drivers/net/ethernet/intel/. */
export const igb: Driver = {
  ...generic,
  name: "igb",
  models: [model("82576", "10c9", "10ca"), model("I350", "1521", "1520")],
  vfDriver: "igbvf",
  profileOf: (model, hasEswitch) => (model === "82576" ? of82576 : hasEswitch ? switchdevNic : plainNic),
};
