import { nameOf, type Unnamed } from "../rtnetlink/names.ts";
import type { Decoded } from "../transport/attributes.ts";
import { NetlinkFormatError } from "../transport/errors.ts";
import { infoAttributes, paramAttributes, portAttributes } from "./devlink-attributes.ts";
import { type ParamMode, type ParamType, type ParamValue, paramModes, paramTypes } from "./devlink-param.ts";

/** What the kernel says of devlink devices, and how it is read. */

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
export const eswitchModes = ["legacy", "switchdev"] as const;
export const inlineModes = ["none", "link", "network", "transport"] as const;
export const encapModes = ["none", "basic"] as const;

const portTypes = ["notset", "auto", "eth", "ib"] as const;

const flavours = ["physical", "cpu", "dsa", "pcipf", "pcivf", "virtual", "unused", "pcisf"] as const;

export function decodePort(answer: Buffer): DevlinkPort {
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

export function decodeParam(answer: Buffer): DevlinkParam {
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

export function decodeInfo(answer: Buffer): DevlinkInfo {
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

export function handleOf({ bus, device }: { bus?: string; device?: string }): DevlinkHandle {
  if (bus === undefined || device === undefined) throw new NetlinkFormatError("devlink answer has no handle");
  return `${bus}/${device}`;
}
