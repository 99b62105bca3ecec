import { Devlink, type DevlinkHandle, type EswitchChange } from "./devlink.ts";
import type { ParamMode, ParamValue } from "./devlink-param.ts";
import type { NetlinkErrorDetails } from "./errors.ts";
import { Ethtool } from "./ethtool.ts";
import { GenericNetlink } from "./generic.ts";
import type { LinkReference } from "./rtnetlink.ts";

/** A request that can take seconds. Plain data, so that it can be sent to a worker. */
export type LongRequest =
  | { readonly kind: "setEswitch"; readonly handle: DevlinkHandle; readonly change: EswitchChange }
  | {
      readonly kind: "setParam";
      readonly handle: DevlinkHandle;
      readonly name: string;
      readonly value: ParamValue;
      readonly mode: ParamMode;
    }
  | { readonly kind: "setCombinedChannels"; readonly device: LinkReference; readonly count: number }
  | {
      readonly kind: "setFeatures";
      readonly device: LinkReference;
      readonly features: Readonly<Record<string, boolean>>;
    };

/** How a long request ended; also plain data. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "refused"; readonly details: NetlinkErrorDetails }
  | { readonly kind: "failed"; readonly message: string };

/** Carries a request out on this thread, over a socket of its own. */
export function carryOut(request: LongRequest): void {
  using netlink = new GenericNetlink();
  switch (request.kind) {
    case "setEswitch":
      new Devlink(netlink).setEswitch(request.handle, request.change);
      break;
    case "setParam":
      new Devlink(netlink).setParam(request.handle, request.name, request.value, request.mode);
      break;
    case "setCombinedChannels":
      new Ethtool(netlink).setCombinedChannels(request.device, request.count);
      break;
    case "setFeatures":
      new Ethtool(netlink).setFeatures(request.device, request.features);
      break;
  }
}

/** The request in words, for errors. */
export function describeRequest(request: LongRequest): string {
  switch (request.kind) {
    case "setEswitch":
      return `set eSwitch of ${request.handle}`;
    case "setParam":
      return `set ${request.name} of ${request.handle}`;
    case "setCombinedChannels":
      return `set channels of ${request.device}`;
    case "setFeatures":
      return `set features of ${request.device}`;
  }
}
