import type { OvsSource } from "../ovs/ovs.ts";
import type { Eswitch, VfSettings } from "../state/state.ts";
import type { PciAddress } from "../state/values.ts";
import type { FirmwareSettings, FirmwareTool } from "./firmware-settings.ts";

/**
 * The effects that vflag can have on a host: a closed union, each small, each safe to repeat.
 * A PF is named by its PCI address, a netdev by its name, for people, and by its index, because udev may
 * rename it at any time.
 */
export type Action =
  | { readonly kind: "set-vf-autoprobe"; readonly pf: PciAddress; readonly on: boolean }
  | { readonly kind: "set-vf-count"; readonly pf: PciAddress; readonly count: number }
  | { readonly kind: "unbind-vf"; readonly pf: PciAddress; readonly vf: PciAddress; readonly driver: string }
  | { readonly kind: "bind-vf"; readonly pf: PciAddress; readonly vf: PciAddress; readonly driver: string }
  | { readonly kind: "set-steering"; readonly pf: PciAddress; readonly steering: Steering }
  /**
   * Whether the device can do this steering at all, asked in switchdev mode, where the answer changes
   * nothing.
   */
  | { readonly kind: "ask-steering"; readonly pf: PciAddress; readonly steering: Steering }
  | { readonly kind: "set-inline"; readonly pf: PciAddress; readonly inline: Inline }
  | { readonly kind: "set-encap"; readonly pf: PciAddress; readonly encap: boolean }
  | { readonly kind: "set-eswitch-mode"; readonly pf: PciAddress; readonly mode: Eswitch["mode"] }
  /**
   * Whether the eSwitch would change its mode now, asked by setting the mode that it has, on a port that is
   * in no bond.
   */
  | { readonly kind: "ask-eswitch-mode"; readonly pf: PciAddress; readonly mode: Eswitch["mode"] }
  | {
      readonly kind: "set-tc-offload";
      readonly netdev: string;
      readonly index?: number;
      readonly on: boolean;
    }
  | {
      readonly kind: "set-channels";
      readonly netdev: string;
      readonly index?: number;
      readonly combined: number;
    }
  | {
      readonly kind: "set-vf-settings";
      readonly netdev: string;
      readonly index?: number;
      readonly vf: number;
      readonly settings: Partial<VfSettings>;
    }
  | { readonly kind: "activate-lag"; readonly pf: PciAddress; readonly seconds: number }
  /** For the next boot. `pf`: the one by which the card is asked. */
  | {
      readonly kind: "set-firmware";
      readonly pf: PciAddress;
      readonly tool: FirmwareTool;
      readonly settings: FirmwareSettings;
    }
  /** `render`: what `vflag render` calls this file. `reload`: who has to read it again. */
  | {
      readonly kind: "write-file";
      readonly path: string;
      readonly text: string;
      readonly render: string;
      readonly reload: Reload | null;
    }
  | { readonly kind: "remove-file"; readonly path: string; readonly reload: Reload | null }
  /** `reload`: whether systemd reads its units again at once. */
  | { readonly kind: "enable-unit"; readonly unit: string; readonly reload: boolean }
  | { readonly kind: "disable-unit"; readonly unit: string; readonly reload: boolean }
  | { readonly kind: "set-ovs"; readonly source: OvsSource; readonly key: OvsKey; readonly value: string }
  | { readonly kind: "restart-ovs"; readonly source: OvsSource }
  | {
      readonly kind: "del-ovs-port";
      readonly source: OvsSource;
      readonly bridge: string;
      readonly port: string;
    }
  /** GRUB takes over what stands in /etc/default/grub.d. */
  | { readonly kind: "update-boot-loader" }
  /** Of all kernels, with grubby. */
  | {
      readonly kind: "set-kernel-arguments";
      readonly add: readonly string[];
      readonly remove: readonly string[];
    };

/** What vflag sets in Open vSwitch's other_config. */
export type OvsKey = "hw-offload" | "tc-policy";

/** A program that keeps in mind what it has read. */
export type Reload = "systemd" | "udev";

export type Steering = "dmfs" | "smfs" | "hmfs";
export type Inline = NonNullable<Eswitch["inline"]>;
