import { type KnownModel, modelOf, profileOf } from "../../../drivers/registry.ts";
import { type FirmwareSettings, firmwareParameters } from "../../actions/firmware-settings.ts";
import { cardsOf } from "../../cards.ts";
import type { FirmwareCard, FirmwareConfiguration } from "../../state/firmware.ts";
import { known } from "../../state/observed.ts";
import type { PhysicalFunction, Sriov } from "../../state/state.ts";
import { type PciAddress, slotOf } from "../../state/values.ts";
import { has, pfAt, Refusal, type World } from "../world.ts";

/**
 * The configuration of the cards' firmware: what is set is loaded by a reboot, and decides which VFs the
 * ports offer.
 */

/** A new card's firmware: SR-IOV on, as many VFs as its model's profile has. */
export function firmwareOf(world: World, pfs: readonly PciAddress[], model: KnownModel): FirmwareCard {
  const [asked] = pfs;
  if (asked === undefined) throw new Error(`a ${model.name} without ports`);
  const total = String(profileOf(pfAt(world, asked)).totalVfs);
  // ConnectX-3 cannot tell what it runs with: openshift/sriov-network-operator issue 666.
  const current = (value: string) => (model.driver === "mlx4_core" ? null : value);
  return {
    card: slotOf(asked),
    pfs: [...pfs],
    asked,
    tool: "mstconfig",
    version: "4.21.0",
    configuration: {
      type: model.name.replaceAll(/[- ]/g, ""),
      name: null,
      description: null,
      parameters: {
        SRIOV_EN: { default: "false", current: current("true"), next: "true", readOnly: false },
        NUM_OF_VFS: { default: "8", current: current(total), next: total, readOnly: false },
      },
    },
  };
}

/** The SR-IOV capability of a card's port. */
export function capabilityOf(
  pf: PhysicalFunction,
  port: number,
  total: number,
  vfProduct: string | null,
): Sriov {
  const profile = profileOf(pf);
  return {
    total,
    count: 0,
    autoprobe: true,
    offset: profile.offset(port),
    stride: profile.stride,
    vfProduct,
  };
}

/**
 * Sets values for the next boot. The words of a refusal are the program's: mstflint
 * mlxconfig/mlxcfg_generic_commander.cpp.
 */
export function setFirmware(world: World, address: string, settings: FirmwareSettings): void {
  const configuration = configurationOf(world, pfAt(world, address));
  if (configuration === undefined) throw new Refusal("EIO", "-E- Failed to open the device");
  for (const name of firmwareParameters) {
    const value = settings[name];
    if (value === undefined) continue;
    const parameter = configuration.parameters[name];
    if (parameter === undefined) throw new Refusal("EIO", `-E- The Device doesn't support ${name} parameter`);
    if (parameter.readOnly) throw new Refusal("EIO", `-E- Parameter ${name} is read only`);
    parameter.next = value;
  }
}

/** Makes the running values those that were set, for these cards at once: a fault. */
export function overwriteFirmware(world: World, pf: PhysicalFunction, settings: FirmwareSettings): void {
  const parameters = configurationOf(world, pf)?.parameters ?? {};
  for (const name of firmwareParameters) {
    const [parameter, value] = [parameters[name], settings[name]];
    if (parameter === undefined || value === undefined) continue;
    parameter.next = value;
    if (parameter.current !== null) parameter.current = value;
  }
}

/** A reboot: every card runs with what was set for it; where that changes, its ports offer other VFs. */
export function loadFirmware(world: World): void {
  for (const { pfs, configuration: seen } of known(world.state.firmware) ?? []) {
    const parameters = known(seen)?.parameters ?? {};
    const changed = Object.values(parameters).filter(
      (parameter) => parameter.next !== null && parameter.current !== parameter.next,
    );
    for (const parameter of changed) if (parameter.current !== null) parameter.current = parameter.next;
    for (const [port, address] of pfs.entries()) {
      const type = parameters[port === 0 ? "LINK_TYPE_P1" : "LINK_TYPE_P2"];
      if (type !== undefined && changed.includes(type)) changeLink(world, address, type.next === "IB");
    }
    const { SRIOV_EN: enabled, NUM_OF_VFS: count } = parameters;
    if (
      enabled === undefined ||
      count === undefined ||
      !changed.some((parameter) => parameter === enabled || parameter === count)
    )
      continue;
    for (const [port, address] of pfs.entries()) {
      const pf = world.state.pfs.find((candidate) => candidate.address === address);
      if (pf === undefined) continue;
      const total = Number(count.next);
      const vfProduct = modelOf(pf.vendor, pf.product)?.vfProduct ?? null;
      pf.sriov =
        enabled.next === "true" ? { ...(pf.sriov ?? capabilityOf(pf, port, total, vfProduct)), total } : null;
    }
  }
}

/** The driver then makes another kind of netdev; that it has another name too is left out here. */
function changeLink({ state }: World, address: string, infiniband: boolean): void {
  for (const netdev of state.netdevs.filter(({ device }) => device === address)) {
    delete netdev.infiniband;
    if (infiniband) Object.assign(netdev, { infiniband: true, mac: null });
    else netdev.mac ??= "02:00:00:00:00:01";
  }
}

/**
 * Whether the firmware offers a LAG: some withdraws the capability with NUM_OF_VFS above 64, and the driver
 * then makes no object for one, nor says a word: linux lag/lag.c, mlx5_lag_add_mdev().
 */
export function offersLag(world: World, pf: PhysicalFunction): boolean {
  const { current, next } = configurationOf(world, pf)?.parameters["NUM_OF_VFS"] ?? {
    current: null,
    next: null,
  };
  return has(world, "firmware-keeps-lag-over-64") || Number(current ?? next ?? 0) <= 64;
}

function configurationOf(world: World, pf: PhysicalFunction): FirmwareConfiguration | undefined {
  const card = cardsOf(world.state)(pf.address);
  const found = known(world.state.firmware)?.find((candidate) => candidate.card === card);
  return known(found?.configuration);
}
