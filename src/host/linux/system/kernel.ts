import type { LongRequest, Netlink } from "../../../netlink/index.ts";
import type { RunProgram } from "./program.ts";

/**
 * The ways to the kernel: netlink, and the roots of its file systems. Tests put other roots, or a fake
 * netlink, in its place.
 */
export interface Kernel {
  readonly netlink: {
    readonly route: Pick<
      Netlink["route"],
      | "listAddresses"
      | "listLinks"
      | "listQdiscs"
      | "getLink"
      | "setVfMac"
      | "setVfTrust"
      | "setVfSpoofCheck"
      | "setVfLinkState"
    >;
    readonly devlink: Pick<
      Netlink["devlink"],
      "isAvailable" | "listDevices" | "listPorts" | "getEswitch" | "getParam" | "getInfo"
    >;
    readonly ethtool: Pick<
      Netlink["ethtool"],
      "listFeatures" | "listChannels" | "setFeatures" | "setCombinedChannels" | "getChannels"
    >;
  };
  /** Carries a request out that takes seconds, while this thread goes on. */
  readonly request: (request: LongRequest) => Promise<void>;
  readonly sysRoot: string;
  readonly procRoot: string;
  readonly devRoot: string;
  /** Where `ip netns` keeps names: /run. */
  readonly runRoot: string;
  /** What stands before the paths of files that vflag owns: nothing, on a host. */
  readonly filesRoot: string;
  readonly run: RunProgram;
}
