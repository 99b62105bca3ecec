import { hasFirmwareTool, modelOf } from "../../drivers/registry.ts";
import { commandsOf } from "../../host/actions/command.ts";
import { cardsOf } from "../../host/cards.ts";
import type { FirmwareCard, FirmwareConfiguration } from "../../host/state/firmware.ts";
import { known } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import type { Remedy } from "../requirement.ts";

/** What other requirements need to know of a card's firmware: whether a reboot alone puts it right. */

/** What is to be done about a port that offers fewer VFs than wanted, or has no SR-IOV capability at all. */
export function remedyForTooFew(pf: PhysicalFunction, vfs: number, state: HostState): Remedy {
  const card = firmwareCardOf(pf, state);
  const configuration = known(card?.configuration);
  if (card === undefined || configuration === undefined) {
    const text =
      `raise NUM_OF_VFS (and set SRIOV_EN) in the NIC's firmware to ${vfs}, then reboot; if ` +
      `that is done, reboot only`;
    return {
      kind: "person",
      text: card === undefined && hasFirmwareTool(pf.vendor) ? `${text}. ${offer}` : text,
    };
  }
  const waiting = waitingFirmware(configuration, vfs);
  if (waiting !== null)
    return {
      kind: "reboot",
      text: `${waiting} is set in the firmware and waits for a boot; ${afterReboot(pf)}`,
    };
  if (offersNext(configuration, vfs)) {
    const text =
      "the firmware's values are enough: see SR-IOV, above-4G decoding and ARI in the BIOS, then reboot";
    return { kind: "person", text };
  }
  // A larger number than this port wants is there for others.
  const count = Math.max(vfs, Number(configuration.parameters["NUM_OF_VFS"]?.next ?? 0) || 0);
  const settings = { SRIOV_EN: "true", NUM_OF_VFS: String(count) };
  const [command = ""] = commandsOf({
    kind: "set-firmware",
    pf: card.asked,
    tool: card.tool ?? "mstconfig",
    settings,
  });
  return {
    kind: "person",
    text: `${command} (or more, if another port of this card wants more); then ${loadText(pf)}. ${offer}`,
  };
}

const offer = "Where the spec has `firmware: {manage: true}`, vflag sets it";

/** The card that a PF is a port of, as its firmware was asked; undefined where it was not. */
export function firmwareCardOf(pf: PhysicalFunction, state: HostState): FirmwareCard | undefined {
  return known(state.firmware)?.find(({ card }) => card === cardsOf(state)(pf.address));
}

/** In words, the values that let a port have that many VFs and wait for a boot; null where there are none. */
function waitingFirmware(configuration: FirmwareConfiguration, vfs: number): string | null {
  if (!offersNext(configuration, vfs)) return null;
  const { SRIOV_EN: enabled, NUM_OF_VFS: count } = configuration.parameters;
  const waiting = Object.entries({ SRIOV_EN: enabled, NUM_OF_VFS: count }).flatMap(([name, parameter]) =>
    // A card that does not tell what it runs with is judged by the kernel: it offers less than is set.
    parameter === undefined || parameter.current === parameter.next ? [] : [`${name}=${parameter.next}`],
  );
  return waiting.length === 0 ? null : waiting.join(" ");
}

/** What has to be done so that the card runs with what is set. */
export function loadText(pf: PhysicalFunction): string {
  return isDpu(pf) ? afterReboot(pf) : `reboot (${afterReboot(pf)})`;
}

/** What a person must know who is told to reboot. */
export function afterReboot(pf: PhysicalFunction): string {
  return isDpu(pf)
    ? "switch the host off and on: a DPU runs on with its old values while the host reboots"
    : "if the old values are still there afterwards, switch the host off and on";
}

function isDpu(pf: PhysicalFunction): boolean {
  return modelOf(pf.vendor, pf.product)?.isDpu === true;
}

function offersNext({ parameters }: FirmwareConfiguration, vfs: number): boolean {
  return isOn(parameters["SRIOV_EN"]?.next ?? null) && Number(parameters["NUM_OF_VFS"]?.next ?? 0) >= vfs;
}

/** Some versions show a switch as a number. */
export function isOn(value: string | null): boolean {
  return value === "true" || value === "1";
}
