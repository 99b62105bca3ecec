/**
 * A client for rtnetlink, devlink and ethtool over AF_NETLINK sockets.
 *
 * @example
 * using netlink = openNetlink();
 * netlink.route.listLinks();
 * if (netlink.devlink.isAvailable()) netlink.devlink.listPorts();
 * netlink.ethtool.listFeatures(["hw-tc-offload"]);
 */
import { Devlink } from "./devlink/devlink.ts";
import { Ethtool } from "./ethtool/ethtool.ts";
import { Rtnetlink } from "./rtnetlink/rtnetlink.ts";
import { GenericNetlink } from "./transport/generic.ts";

export type { EswitchChange } from "./devlink/devlink.ts";
export type {
  DevlinkHandle,
  DevlinkInfo,
  DevlinkParam,
  DevlinkPort,
  Eswitch,
  EswitchEncap,
  EswitchInline,
  EswitchMode,
  PortFlavour,
} from "./devlink/devlink-answers.ts";
export type { ParamMode, ParamType, ParamValue } from "./devlink/devlink-param.ts";
export { carryOut, type LongRequest } from "./devlink/long-request.ts";
export type { ChannelCount, DeviceChannels, DeviceFeatures, Feature } from "./ethtool/ethtool.ts";
export { type DriverInfo, getDriverInfo } from "./ethtool/ethtool-driver.ts";
export { type KernelEvent, type KernelEventOptions, type KernelEvents, openKernelEvents } from "./events.ts";
export type { Address } from "./rtnetlink/address.ts";
export type {
  Bond,
  BondMode,
  BondSlave,
  Link,
  Operstate,
  Vf,
  VfLinkState,
  XmitHashPolicy,
} from "./rtnetlink/link.ts";
export type { Unnamed } from "./rtnetlink/names.ts";
export type { Qdisc } from "./rtnetlink/qdisc.ts";
export type { LinkReference } from "./rtnetlink/rtnetlink.ts";
export { isRefusal, NetlinkError, NetlinkFormatError } from "./transport/errors.ts";

/** Two sockets, one per netlink protocol, and what is spoken over them. */
export interface Netlink extends Disposable {
  readonly route: Rtnetlink;
  readonly devlink: Devlink;
  readonly ethtool: Ethtool;
  close(): void;
}

/** Opens the sockets, in the network namespace of the calling thread. Throws NetlinkError. */
export function openNetlink(): Netlink {
  const route = new Rtnetlink();
  const generic = new GenericNetlink();
  const close = () => {
    route.close();
    generic.close();
  };
  return {
    route,
    devlink: new Devlink(generic),
    ethtool: new Ethtool(generic),
    close,
    [Symbol.dispose]: close,
  };
}
