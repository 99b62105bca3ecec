import type { Driver, Model, ModuleOptions } from "./driver.ts";
import { generic } from "./generic/driver.ts";
import { i40e } from "./i40e/driver.ts";
import { ice } from "./ice/driver.ts";
import { igb } from "./igb/driver.ts";
import { ixgbe } from "./ixgbe/driver.ts";
import { mlx4 } from "./mlx4/driver.ts";
import { mlx5 } from "./mlx5/driver.ts";
import type { Profile } from "./profile.ts";

/** The drivers of which something is known. */
const drivers: readonly Driver[] = [mlx4, mlx5, igb, ixgbe, i40e, ice];

/** What is known of the driver of that name; of one that is not known, nothing: `generic`. */
export function driverOf(name: string | null): Driver {
  return (
    drivers.find((driver) => driver.name === name) ?? { ...generic, name: name ?? "", vfDriver: name ?? "" }
  );
}

type ModuleDriver = ModuleOptions & Pick<Driver, "name">;

export type KnownModel = Model & { readonly driver: string };

export const models: readonly KnownModel[] = drivers.flatMap((driver) =>
  driver.models.map((model) => ({ ...model, driver: driver.name })),
);

const modelsById = new Map(models.toReversed().map((model) => [`${model.vendor}:${model.product}`, model]));

/** The model with these ids, if it is one of those known here. */
export function modelOf(vendor: string, product: string): KnownModel | undefined {
  return modelsById.get(`${vendor}:${product}`);
}

/** What the simulated host takes for a PF, also while no driver is bound to it. */
export function profileOf(pf: {
  readonly vendor: string;
  readonly product: string;
  readonly driver: string | null;
  readonly eswitch: unknown;
}): Profile {
  const model = modelOf(pf.vendor, pf.product);
  const ofVendor = drivers.find(({ vendor }) => vendor === pf.vendor);
  const driver = model === undefined ? (ofVendor ?? driverOf(pf.driver)) : driverOf(model.driver);
  return driver.profileOf(model?.name, pf.eswitch !== null);
}

/** The drivers that make VFs only by options of their module. */
export const driversByModule: readonly ModuleDriver[] = drivers.flatMap(({ name, moduleOptions }) =>
  moduleOptions === null ? [] : [{ name, ...moduleOptions }],
);

/** Whether a program sets the firmware of this vendor's cards. */
export function hasFirmwareTool(vendor: string): boolean {
  return drivers.some(
    (driver) => driver.hasFirmwareTool && driver.models.some((model) => model.vendor === vendor),
  );
}

/** The kernel options that drivers need to offload flows. */
export const offloadOptions: readonly string[] = drivers.flatMap(({ offload }) => offload?.option ?? []);

/** The bond modes that some NIC's own LAG takes. */
export const lagBondModes: readonly string[] = [
  ...new Set(drivers.flatMap(({ lag }) => lag?.bondModes ?? [])),
];
