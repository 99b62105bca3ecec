import {
  attributes,
  bytes,
  type Fields,
  flag,
  list,
  repeated,
  string,
  u8,
  u16,
  u32,
} from "../transport/attributes.ts";

/**
 * The devlink attributes that are in use: DEVLINK_ATTR_* in linux/devlink.h.
 * Nests use the numbers of the same enumeration, so PARAM_NAME is 81 inside PARAM as well as beside it.
 */

/** The handle of a device, in every request and answer. */
const handle = { bus: [1, string], device: [2, string] } as const satisfies Fields<{
  bus: string;
  device: string;
}>;

export const deviceAttributes = attributes(handle);

export const eswitchAttributes = attributes({
  ...handle,
  mode: [25, u16],
  inline: [26, u8],
  encap: [62, u8],
});

export const portAttributes = attributes({
  ...handle,
  index: [3, u32],
  type: [4, u16],
  ifindex: [6, u32],
  netdev: [7, string],
  flavour: [77, u16],
  number: [78, u32],
  pf: [127, u16],
  vf: [128, u16],
  external: [149, u8],
  controller: [150, u32],
  sf: [164, u32],
});

const paramName = { name: [81, string], type: [83, u8] } as const satisfies Fields<{
  name: string;
  type: number;
}>;
const paramValue = { data: [86, bytes], cmode: [87, u8] } as const satisfies Fields<{
  data: Buffer;
  cmode: number;
}>;

/** A parameter as answers have it: one value for each configuration mode that the driver supports. */
export const paramAttributes = attributes({
  ...handle,
  param: [
    80,
    attributes({ ...paramName, generic: [82, flag], values: [84, list(85, attributes(paramValue))] }),
  ],
});

/** A parameter as requests have it: flat. */
export const paramRequestAttributes = attributes({ ...handle, ...paramName, ...paramValue });

const version = attributes({ name: [103, string], value: [104, string] });

export const infoAttributes = attributes({
  ...handle,
  driver: [98, string],
  serial: [99, string],
  fixed: [100, repeated(version)],
  running: [101, repeated(version)],
  stored: [102, repeated(version)],
  boardSerial: [146, string],
});
