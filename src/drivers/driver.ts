import type { Action } from "../host/actions/action.ts";
import type { Observed } from "../host/state/observed.ts";
import type { RefusedSetting } from "../host/state/refused.ts";
import type { HostState, Lag, PhysicalFunction } from "../host/state/state.ts";
import type { Profile } from "./profile.ts";

/** What is known of a NIC model by its PCI ids: hints for messages, never proof of what a card can do. */
export interface Model {
  readonly name: string;
  readonly vendor: string;
  readonly product: string;
  /** The product id that its VFs carry; `null` where the vendor gives several. */
  readonly vfProduct: string | null;
  /** Whether the vendor offers the NIC's own LAG under a bond for VFs. */
  readonly vfLag: boolean;
  /** Whether it is a computer of its own, with firmware that starts only with the whole host. */
  readonly isDpu?: true;
}

/** A record of the kernel log. `gap`: what came before it is missing. */
export interface LogRecord {
  readonly seconds: number;
  readonly text: string;
  readonly gap: boolean;
}

export type RefusedOption = Pick<RefusedSetting, "setting" | "value">;

/** Options of a module that make VFs: they count for every card of the host. */
export interface ModuleOptions {
  readonly mostVfs: number;
  readonly source: string;
  /** The options for so many VFs, all of them driven by the host. */
  readonly words: (vfs: number) => string;
}

/** A kernel that offloads flows. */
export interface OffloadBuild {
  /** What messages call the driver. */
  readonly driver: string;
  readonly option: string;
  /** What to boot, as a sentence. */
  readonly advice: string;
}

/** The NIC's own LAG under a bond. */
export interface LagOfDriver {
  /** The bond modes that it takes. */
  readonly bondModes: readonly string[];
  /** The LAG of a PF's card as the kernel log tells it. */
  readonly fromLog: (
    log: readonly LogRecord[],
    pf: PhysicalFunction,
    state: Pick<HostState, "pfs" | "netdevs" | "bonds">,
  ) => Observed<Lag>;
}

/**
 * Words of the driver's in the kernel log, each in a line with the PF's address, after which only a start of
 * the driver helps.
 */
export interface RestartWords {
  /** What it says when it starts. */
  readonly started: string;
  /** It failed to go back after a change of mode that failed. */
  readonly halfWay: string;
  /** The firmware kept a LAG that the driver gave up: no other is made. */
  readonly stuckLag: string;
}

/**
 * What is true of one NIC driver only, as data and pure functions. All else of vflag names no driver and no
 * vendor.
 */
export interface Driver {
  /** The kernel module, as sysfs names a PF's driver. */
  readonly name: string;
  readonly models: readonly Model[];
  /** The vendor whose NICs of unknown models are taken to be this driver's. */
  readonly vendor: string | null;
  /** The driver that drives its VFs on the host. */
  readonly vfDriver: string;
  /** By what options it makes its VFs when it is loaded; null: by sysfs (`sriov_numvfs`). */
  readonly moduleOptions: ModuleOptions | null;
  /** Whether the firmware can hide the SR-IOV capability of its NICs, which are ours all the same. */
  readonly hidesSriov: boolean;
  /** Whether several ports of a card may change their eSwitch modes at the same time, on this kernel. */
  readonly changesModesAtOnce: (kernelRelease: string) => boolean;
  /**
   * Whether setting the mode that an eSwitch has, on a port in no bond, tells whether it is busy and changes
   * nothing.
   */
  readonly answersModeQuestion: boolean;
  /**
   * Whether it drives its VFs by itself, so that nothing waits for udev to load a module, and its ports keep
   * their netdevs: since when.
   */
  readonly needsNoUdevSince: readonly [number, number] | null;
  /**
   * What the kernel must have been built with so that it offloads flows; null: nothing of its own is known.
   */
  readonly offload: OffloadBuild | null;
  /** Null: it never makes one. */
  readonly lag: LagOfDriver | null;
  /** Null: none are known. */
  readonly restartWords: RestartWords | null;
  /** What a refusal with EOPNOTSUPP says of the device for good; null where the moment may be to blame. */
  readonly refusedForGood: (action: Action, words: string) => RefusedOption | null;
  /**
   * Whether one PCI function has all ports of the card, so that a firmware's settings of a port are not the
   * function's.
   */
  readonly hasPortsOnOneFunction: boolean;
  /** Whether mstconfig or mlxconfig sets its cards' firmware. */
  readonly hasFirmwareTool: boolean;
  /** What the simulated host takes for one of its NICs. @param model its name, where it is known */
  readonly profileOf: (model: string | undefined, hasEswitch: boolean) => Profile;
}
