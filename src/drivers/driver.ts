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
}

/** What is true of one NIC driver only, as data and pure functions. All else of vflag names no driver and no vendor. */
export interface Driver {
  /** The kernel module, as sysfs names a PF's driver. */
  readonly name: string;
  readonly models: readonly Model[];
  /** The vendor whose NICs of unknown models are taken to be this driver's. */
  readonly vendor: string | null;
  /** The driver that drives its VFs on the host. */
  readonly vfDriver: string;
  /** What makes its VFs: sysfs (`sriov_numvfs`), or options of the module when it is loaded. */
  readonly vfsFrom: "sysfs" | "module options";
  /** Whether the firmware can hide the SR-IOV capability of its NICs, which are ours all the same. */
  readonly hidesSriov: boolean;
  /** Whether several ports of a card may change their eSwitch modes at the same time, on this kernel. */
  readonly changesModesAtOnce: (kernelRelease: string) => boolean;
  /** Whether setting the mode that an eSwitch has, on a port in no bond, tells whether it is busy and changes nothing. */
  readonly answersModeQuestion: boolean;
  /** Whether it drives its VFs by itself, so that nothing waits for udev to load a module, and its ports keep their netdevs: since when. */
  readonly needsNoUdevSince: readonly [number, number] | null;
  /** The kernel option without which it offloads no flows. */
  readonly offloadOption: string | null;
  /** The bond modes that the NIC's own LAG takes; none where it has none. */
  readonly lagBondModes: readonly string[];
  /** What the simulated host takes for one of its NICs. @param model its name, where it is known */
  readonly profileOf: (model: string | undefined, hasEswitch: boolean) => Profile;
}
