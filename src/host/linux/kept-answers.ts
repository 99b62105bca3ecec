import type { Traits } from "../actions/action-table.ts";
import type { FirmwareCard } from "../state/firmware.ts";
import { isUnknown, type Observed, unknown } from "../state/observed.ts";
import type { HostState } from "../state/state.ts";
import type { PciAddress } from "../state/values.ts";
import { findBootLoader } from "./boot/boot-loader.ts";
import { findKernelOptions } from "./boot/kernel-options.ts";
import { infoOf } from "./eswitch/devlink.ts";
import { type FirmwareToolChoice, findFirmware } from "./firmware/firmware.ts";
import { findOvsLog } from "./ovs/ovs-log.ts";
import type { Kernel } from "./system/kernel.ts";

const notAsked = unknown("the spec has no section firmware, so the cards were not asked");

/**
 * What is asked once, since asking takes its time or leaves traces, and again only after what may have
 * changed it.
 */
export class KeptAnswers {
  readonly #kernel: Kernel;
  readonly #firmwareTool: FirmwareToolChoice | null;
  /**
   * What the cards said: it takes seconds to ask, and changes by `set-firmware` only while this program runs.
   */
  #firmware: { readonly pfs: string; readonly answer: Promise<Observed<FirmwareCard[]>> } | null = null;
  #bootLoader: ReturnType<typeof findBootLoader> | null = null;
  /** What the running kernel was built with: a long file. */
  #kernelOptions: HostState["kernelOptions"] | null = null;
  /** What was read of Open vSwitch's log: asking a container's engine for it takes its time. */
  #ovsLog: ReturnType<typeof findOvsLog> | null = null;
  /**
   * Versions and serial numbers by devlink handle, also of those that tell none: a card says the same until
   * its driver starts again, and a firmware without that query logs a warning each time, which would push
   * other lines out of the kernel's ring.
   */
  readonly #infos = new Map<
    string,
    { readonly netdev: number | undefined; readonly info: ReturnType<typeof infoOf> }
  >();

  /** @param firmwareTool null: the cards are not asked */
  constructor(kernel: Kernel, firmwareTool: FirmwareToolChoice | null) {
    this.#kernel = kernel;
    this.#firmwareTool = firmwareTool;
  }

  async firmware(state: Pick<HostState, "pfs" | "netdevs">): Promise<Observed<FirmwareCard[]>> {
    if (this.#firmwareTool === null) return notAsked;
    const pfs = state.pfs.map(({ address }) => address).join(" ");
    if (this.#firmware?.pfs !== pfs)
      this.#firmware = { pfs, answer: findFirmware(this.#kernel, state, this.#firmwareTool) };
    return this.#firmware.answer;
  }

  bootLoader(): ReturnType<typeof findBootLoader> {
    this.#bootLoader ??= findBootLoader(this.#kernel);
    return this.#bootLoader;
  }

  kernelOptions(kernelRelease: string): HostState["kernelOptions"] {
    const found = this.#kernelOptions ?? findKernelOptions(this.#kernel, kernelRelease);
    // A file that is not there yet may come.
    if (!isUnknown(found)) this.#kernelOptions = found;
    return found;
  }

  ovsLog(ovs: HostState["ovs"]): ReturnType<typeof findOvsLog> {
    if (ovs === null || isUnknown(ovs)) return Promise.resolve(ovs);
    this.#ovsLog ??= findOvsLog(this.#kernel, ovs);
    return this.#ovsLog;
  }

  /** @param netdev the index of the device's netdev: a driver that starts again makes another one */
  info(handle: string | null, netdev: number | undefined): ReturnType<typeof infoOf> {
    if (handle === null) return infoOf(this.#kernel, handle);
    const seen = this.#infos.get(handle);
    if (seen !== undefined && seen.netdev === netdev) return seen.info;
    const info = infoOf(this.#kernel, handle);
    this.#infos.set(handle, { netdev, info });
    return info;
  }

  /** A PF's running firmware by the last look; null where nobody looked. */
  firmwareVersion(pf: PciAddress): ReturnType<typeof infoOf>["firmware"] | null {
    return this.#infos.get(`pci/${pf}`)?.info.firmware ?? null;
  }

  /** Lets go of what an action may have changed: afterwards, because somebody may have looked meanwhile. */
  forgetAfter(what: Traits["rereads"]): void {
    switch (what) {
      case "boot loader":
        this.#bootLoader = null;
        return;
      case "firmware":
        this.#firmware = null;
        return;
      case "Open vSwitch's log":
        this.#ovsLog = null;
        return;
      case undefined:
        return;
    }
  }

  /** Lets go of what changes without an action. */
  forget(): void {
    this.#ovsLog = null;
    this.#bootLoader = null;
  }
}
