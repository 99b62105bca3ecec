import {
  attributes,
  bytes,
  type Decoded,
  formatHardwareAddress,
  hardwareAddress,
  hex,
  i32,
  list,
  string,
  struct,
  u8,
  u16,
  u32,
} from "../transport/attributes.ts";

/**
 * The attributes of a link that are in use, IFLA_* in linux/if_link.h (numbers up to 57, kernel 5.14).
 * Which attributes there are depends on the kernel and the driver; every one can be missing.
 */

/** struct ifla_vf_mac: the address is in the first bytes of 32 (MAX_ADDR_LEN), as long as the link's own. */
const vfMac = struct<{ vf: number; mac: Buffer }>(
  36,
  (buffer, at) => ({ vf: buffer.readUInt32LE(at), mac: buffer.subarray(at + 4, at + 36) }),
  ({ vf, mac }, buffer) => {
    buffer.writeUInt32LE(vf);
    mac.copy(buffer, 4);
  },
);

/** struct ifla_vf_vlan: VLAN 0 means none. */
const vfVlan = struct<{ vf: number; vlan: number; qos: number }>(
  12,
  (buffer, at) => ({
    vf: buffer.readUInt32LE(at),
    vlan: buffer.readUInt32LE(at + 4),
    qos: buffer.readUInt32LE(at + 8),
  }),
  ({ vf, vlan, qos }, buffer) => {
    buffer.writeUInt32LE(vf);
    buffer.writeUInt32LE(vlan, 4);
    buffer.writeUInt32LE(qos, 8);
  },
);

/** struct ifla_vf_rate: Mbit/s, 0 for no limit. */
const vfRate = struct<{ vf: number; min: number; max: number }>(
  12,
  (buffer, at) => ({
    vf: buffer.readUInt32LE(at),
    min: buffer.readUInt32LE(at + 4),
    max: buffer.readUInt32LE(at + 8),
  }),
  ({ vf, min, max }, buffer) => {
    buffer.writeUInt32LE(vf);
    buffer.writeUInt32LE(min, 4);
    buffer.writeUInt32LE(max, 8);
  },
);

/**
 * struct ifla_vf_spoofchk, ifla_vf_link_state, ifla_vf_trust: all of one shape. Setting 0xffffffff: the
 * driver does not tell.
 */
const vfSetting = struct<{ vf: number; setting: number }>(
  8,
  (buffer, at) => ({ vf: buffer.readUInt32LE(at), setting: buffer.readUInt32LE(at + 4) }),
  ({ vf, setting }, buffer) => {
    buffer.writeUInt32LE(vf);
    buffer.writeUInt32LE(setting, 4);
  },
);

/** IFLA_VF_*. */
export const vfAttributes = attributes({
  mac: [1, vfMac],
  vlan: [2, vfVlan],
  spoofCheck: [4, vfSetting],
  linkState: [5, vfSetting],
  rate: [6, vfRate],
  trust: [9, vfSetting],
});

/** IFLA_INFO_*. What is in `data` and `slaveData` depends on the kind. */
const linkInfo = attributes({
  kind: [1, string],
  data: [2, bytes],
  slaveKind: [4, string],
  slaveData: [5, bytes],
});

/** IFLA_*. */
export const linkAttributes = attributes({
  mac: [1, hardwareAddress],
  name: [3, string],
  mtu: [4, u32],
  link: [5, i32],
  master: [10, u32],
  operstate: [16, u8],
  info: [18, linkInfo],
  vfCount: [21, u32],
  vfs: [22, list(1, vfAttributes)],
  extMask: [29, u32],
  switchId: [36, hex],
  linkNetnsId: [37, i32],
  portName: [38, string],
  altNames: [52, list(53, string)],
  altName: [53, string],
  permanentMac: [54, hardwareAddress],
  parentDevice: [56, string],
  parentBus: [57, string],
});

/** IFLA_BOND_*: the data of a link of kind "bond". */
export const bondAttributes = attributes({
  mode: [1, u8],
  activeSlave: [2, u32],
  miimon: [3, u32],
  updelay: [4, u32],
  downdelay: [5, u32],
  arpInterval: [7, u32],
  xmitHashPolicy: [14, u8],
  lacpRate: [21, u8],
  adInfo: [23, attributes({ aggregator: [1, u16], ports: [2, u16], partnerMac: [5, hardwareAddress] })],
});

/** IFLA_BOND_SLAVE_*: the slave data of a link whose master is a bond. */
export const bondSlaveAttributes = attributes({
  state: [1, u8],
  miiStatus: [2, u8],
  permanentMac: [4, hardwareAddress],
  aggregator: [6, u16],
});

export type VfAttributes = Decoded<typeof vfAttributes>;

/** The address in an ifla_vf_mac, as long as `like`, an address of the PF (6 bytes when it has none). */
export function vfHardwareAddress(mac: Buffer, like: string | undefined): string {
  const length = like === undefined ? 6 : Math.min((like.length + 1) / 3, mac.length);
  return formatHardwareAddress(mac, 0, length);
}
