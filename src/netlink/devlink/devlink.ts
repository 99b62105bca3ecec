import { constants } from "node:os";
import { nameOf, type Unnamed } from "../rtnetlink/names.ts";
import type { Decoded } from "../transport/attributes.ts";
import { failure, isRefusal, NetlinkFormatError } from "../transport/errors.ts";
import type { GenericNetlink, GenericRequest } from "../transport/generic.ts";
import {
  deviceAttributes,
  eswitchAttributes,
  infoAttributes,
  paramAttributes,
  paramRequestAttributes,
  portAttributes,
} from "./devlink-attributes.ts";
import { type ParamMode, type ParamType, type ParamValue, paramModes, paramTypes } from "./devlink-param.ts";

/** Bus and device: `pci/0000:37:00.0`, `auxiliary/mlx5_core.eth.0`, `netdevsim/netdevsim10`. */
export type DevlinkHandle = string;

export type EswitchMode = (typeof eswitchModes)[number];
export type EswitchInline = (typeof inlineModes)[number];
export type EswitchEncap = (typeof encapModes)[number];

/**
 * Null fields: the driver has no such setting. A mode that came later (2, switchdev_inactive, kernel 6.19) is
 * Unnamed.
 */
export interface Eswitch {
  readonly mode: EswitchMode | Unnamed;
  readonly inline: EswitchInline | Unnamed | null;
  readonly encap: EswitchEncap | Unnamed | null;
}

export interface EswitchChange {
  readonly mode?: EswitchMode;
  readonly inline?: EswitchInline;
  readonly encap?: EswitchEncap;
}

/** Null fields: it is not a port of that sort, or the kernel does not tell. */
export interface DevlinkPort {
  readonly handle: DevlinkHandle;
  /**
   * Unique within the device. mlx5: 65535 and 131071 for uplinks; for a VF representor its vport, VF number +
   * 1 on PF 0.
   */
  readonly index: number;
  readonly type: (typeof portTypes)[number] | Unnamed;
  /** physical: an uplink; pcivf: the representor of a VF; virtual: a VF's own port, seen from the VF. */
  readonly flavour: PortFlavour | null;
  /** Of the netdev, when it is in this network namespace. */
  readonly netdev: string | null;
  readonly ifindex: number | null;
  /** The physical port's number. */
  readonly number: number | null;
  readonly pf: number | null;
  readonly vf: number | null;
  readonly sf: number | null;
  readonly controller: number | null;
  /** On a DPU: the function belongs to the host, not to the DPU. */
  readonly external: boolean | null;
}

export type PortFlavour = (typeof flavours)[number] | Unnamed;

export interface DevlinkParam {
  readonly handle: DevlinkHandle;
  readonly name: string;
  readonly type: ParamType | Unnamed;
  /** Defined by devlink itself, not by the driver. */
  readonly generic: boolean;
  /**
   * One value for each mode that the driver supports. Some kernels leave out a value that the driver could
   * not read.
   */
  readonly values: Readonly<Partial<Record<ParamMode, ParamValue>>>;
}

/** Version names are the driver's: `fw.version`, `fw.psid`. Stored versions take effect at the next reset. */
export interface DevlinkInfo {
  readonly handle: DevlinkHandle;
  readonly driver: string | null;
  readonly serial: string | null;
  readonly boardSerial: string | null;
  readonly versions: Readonly<Record<"fixed" | "running" | "stored", Readonly<Record<string, string>>>>;
}

// linux/devlink.h, each in the kernel's order
const eswitchModes = ["legacy", "switchdev"] as const;
const inlineModes = ["none", "link", "network", "transport"] as const;
const encapModes = ["none", "basic"] as const;
const portTypes = ["notset", "auto", "eth", "ib"] as const;
const flavours = ["physical", "cpu", "dsa", "pcipf", "pcivf", "virtual", "unused", "pcisf"] as const;

const command = {
  getDevice: 1,
  getPort: 5,
  getEswitch: 29,
  setEswitch: 30,
  getParam: 38,
  setParam: 39,
  getInfo: 51,
} as const;

/**
 * devlink over generic netlink. Reading eSwitches and setting anything needs CAP_NET_ADMIN.
 * All methods are synchronous and throw NetlinkError (with the driver's sentence where it gave one: ENODEV
 * for a handle that does not exist, ENOENT on a kernel without devlink) or NetlinkFormatError. Source:
 * linux/devlink.h, net/devlink/, Documentation/networking/devlink/.
 */
export class Devlink {
  readonly #netlink: GenericNetlink;

  constructor(netlink: GenericNetlink) {
    this.#netlink = netlink;
  }

  /** Whether the kernel has devlink at all; without it there are no eSwitches to speak of. */
  isAvailable(): boolean {
    return this.#netlink.familyId("devlink") !== null;
  }

  /** Handles of all devices of this network namespace. */
  listDevices(): DevlinkHandle[] {
    const answers = this.#dump("list devlink devices", command.getDevice);
    return answers.map((answer) => handleOf(deviceAttributes.decode(answer)));
  }

  /** The ports of all devices, in one dump. */
  listPorts(): DevlinkPort[] {
    return this.#dump("list devlink ports", command.getPort).map(decodePort);
  }

  /** The eSwitch of a device, or null when the device has none (EOPNOTSUPP, or an answer without a mode). */
  getEswitch(handle: DevlinkHandle): Eswitch | null {
    const answer = this.#get(
      `get eSwitch of ${handle}`,
      command.getEswitch,
      deviceAttributes.encode(split(handle)),
    );
    const { mode, inline, encap } = answer === null ? {} : eswitchAttributes.decode(answer);
    if (mode === undefined) return null;
    return {
      mode: nameOf(eswitchModes, mode),
      inline: inline === undefined ? null : nameOf(inlineModes, inline),
      encap: encap === undefined ? null : nameOf(encapModes, encap),
    };
  }

  /**
   * Changes the eSwitch; the kernel applies mode, inline and encap in this order and stops at the first
   * failure. The call takes as long as the driver does, seconds for a mode, and blocks its thread: see
   * `carryOut`.
   */
  setEswitch(handle: DevlinkHandle, change: EswitchChange): void {
    this.#netlink.request("devlink", this.eswitchRequest(handle, change));
  }

  /** What `setEswitch` asks. */
  eswitchRequest(handle: DevlinkHandle, change: EswitchChange): GenericRequest {
    const { mode, inline, encap } = change;
    const words = Object.entries(change).map(([name, value]) => `${name} ${value}`);
    return {
      what: `set eSwitch of ${handle} to ${words.join(" ")}`,
      command: command.setEswitch,
      attributes: eswitchAttributes.encode({
        ...split(handle),
        ...(mode && { mode: eswitchModes.indexOf(mode) }),
        ...(inline && { inline: inlineModes.indexOf(inline) }),
        ...(encap && { encap: encapModes.indexOf(encap) }),
      }),
    };
  }

  /**
   * All parameters of all devices in one dump. The driver reads each from the device, so `getParam` is
   * cheaper for one.
   */
  listParams(): DevlinkParam[] {
    return this.#dump("list devlink parameters", command.getParam).map(decodeParam);
  }

  /**
   * One parameter, or null when the device has none of that name (the kernel answers EINVAL) or cannot tell
   * its value.
   */
  getParam(handle: DevlinkHandle, name: string): DevlinkParam | null {
    const payload = paramRequestAttributes.encode({ ...split(handle), name });
    const answer = this.#get(`get ${name} of ${handle}`, command.getParam, payload, "EINVAL");
    return answer && decodeParam(answer);
  }

  /**
   * Sets a parameter. Its type is asked from the kernel first, which wants to be told it back.
   * Throws NetlinkError ENOENT when the device has no such parameter, EINVAL when the value is not of its
   * type.
   */
  setParam(handle: DevlinkHandle, name: string, value: ParamValue, mode: ParamMode = "runtime"): void {
    this.#netlink.request("devlink", this.paramRequest(handle, name, value, mode));
  }

  /** What `setParam` asks, and its errors. */
  paramRequest(handle: DevlinkHandle, name: string, value: ParamValue, mode: ParamMode): GenericRequest {
    const what = `set ${name} of ${handle} to ${value} (${mode})`;
    const param = this.getParam(handle, name);
    if (param === null) throw failure(what, constants.errno.ENOENT, "the device has no such parameter");
    const entry = paramTypes.find(({ name }) => name === param.type);
    const data = entry?.encode(value);
    if (entry === undefined || data === undefined) {
      throw failure(what, constants.errno.EINVAL, `the parameter is of type ${param.type}`);
    }
    const cmode = paramModes.indexOf(mode);
    const values = { ...split(handle), name, type: entry.id, cmode, ...(data && { data }) };
    return { what, command: command.setParam, attributes: paramRequestAttributes.encode(values) };
  }

  /** Driver, serial numbers and firmware versions of all devices in one dump; the driver asks each device. */
  listInfo(): DevlinkInfo[] {
    return this.#dump("list devlink device information", command.getInfo).map(decodeInfo);
  }

  /** Driver, serial numbers and firmware versions of a device, or null when its driver does not tell. */
  getInfo(handle: DevlinkHandle): DevlinkInfo | null {
    const answer = this.#get(
      `get information of ${handle}`,
      command.getInfo,
      deviceAttributes.encode(split(handle)),
    );
    return answer && decodeInfo(answer);
  }

  #dump(what: string, command: number): Buffer[] {
    return this.#netlink.dump("devlink", { what, command, attributes: [] });
  }

  /** The answer, or null where the kernel says EOPNOTSUPP or one of `absent`. */
  #get(
    what: string,
    command: number,
    attributes: readonly Buffer[],
    ...absent: readonly string[]
  ): Buffer | null {
    try {
      return this.#netlink.request("devlink", { what, command, attributes })[0] ?? null;
    } catch (error) {
      if (isRefusal(error, "EOPNOTSUPP", ...absent)) return null;
      throw error;
    }
  }
}

function decodePort(answer: Buffer): DevlinkPort {
  const port = portAttributes.decode(answer);
  const handle = handleOf(port);
  if (port.index === undefined) throw new NetlinkFormatError(`devlink port of ${handle} has no index`);
  return {
    handle,
    index: port.index,
    type: nameOf(portTypes, port.type ?? 0),
    flavour: port.flavour === undefined ? null : nameOf(flavours, port.flavour),
    netdev: port.netdev ?? null,
    ifindex: port.ifindex || null,
    number: port.number ?? null,
    pf: port.pf ?? null,
    vf: port.vf ?? null,
    sf: port.sf ?? null,
    controller: port.controller ?? null,
    external: port.external === undefined ? null : port.external !== 0,
  };
}

function decodeParam(answer: Buffer): DevlinkParam {
  const { param, ...handle } = paramAttributes.decode(answer);
  if (param?.name === undefined || param.type === undefined)
    throw new NetlinkFormatError("devlink parameter has no name or type");
  const type = paramTypes.find(({ id }) => id === param.type);
  const values: Partial<Record<ParamMode, ParamValue>> = {};
  for (const { cmode, data } of param.values ?? []) {
    const mode = cmode === undefined ? undefined : paramModes[cmode];
    const value = type?.decode(data);
    if (mode !== undefined && value !== undefined) values[mode] = value;
  }
  return {
    handle: handleOf(handle),
    name: param.name,
    type: type?.name ?? `unknown (${param.type})`,
    generic: param.generic ?? false,
    values,
  };
}

function decodeInfo(answer: Buffer): DevlinkInfo {
  const info = infoAttributes.decode(answer);
  return {
    handle: handleOf(info),
    driver: info.driver ?? null,
    serial: info.serial ?? null,
    boardSerial: info.boardSerial ?? null,
    versions: { fixed: versions(info.fixed), running: versions(info.running), stored: versions(info.stored) },
  };
}

function versions(list: Decoded<typeof infoAttributes>["fixed"] = []): Record<string, string> {
  return Object.fromEntries(list.map(({ name = "", value = "" }) => [name, value]));
}

function handleOf({ bus, device }: { bus?: string; device?: string }): DevlinkHandle {
  if (bus === undefined || device === undefined) throw new NetlinkFormatError("devlink answer has no handle");
  return `${bus}/${device}`;
}

/** Bus names have no slash; device names may. */
function split(handle: DevlinkHandle): { bus: string; device: string } {
  const slash = handle.indexOf("/");
  if (slash < 1)
    throw new NetlinkFormatError(`${JSON.stringify(handle)} is no devlink handle, which is bus/device`);
  return { bus: handle.slice(0, slash), device: handle.slice(slash + 1) };
}
