import { constants } from "node:os";
import { nameOf } from "../rtnetlink/names.ts";
import { failure, isRefusal, NetlinkFormatError } from "../transport/errors.ts";
import type { GenericNetlink, GenericRequest } from "../transport/generic.ts";
import {
  type DevlinkHandle,
  type DevlinkInfo,
  type DevlinkParam,
  type DevlinkPort,
  decodeInfo,
  decodeParam,
  decodePort,
  type Eswitch,
  type EswitchEncap,
  type EswitchInline,
  type EswitchMode,
  encapModes,
  eswitchModes,
  handleOf,
  inlineModes,
} from "./devlink-answers.ts";
import { deviceAttributes, eswitchAttributes, paramRequestAttributes } from "./devlink-attributes.ts";
import { type ParamMode, type ParamValue, paramModes, paramTypes } from "./devlink-param.ts";

export interface EswitchChange {
  readonly mode?: EswitchMode;
  readonly inline?: EswitchInline;
  readonly encap?: EswitchEncap;
}

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

/** Bus names have no slash; device names may. */
function split(handle: DevlinkHandle): { bus: string; device: string } {
  const slash = handle.indexOf("/");
  if (slash < 1)
    throw new NetlinkFormatError(`${JSON.stringify(handle)} is no devlink handle, which is bus/device`);
  return { bus: handle.slice(0, slash), device: handle.slice(slash + 1) };
}
