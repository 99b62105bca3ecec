import { failure } from "../transport/errors.ts";
import { type Libc, systemLibc } from "../transport/libc.ts";

/** What ETHTOOL_GDRVINFO tells: `ethtool -i`. Empty strings where the driver does not tell. */
export interface DriverInfo {
  readonly driver: string;
  readonly version: string;
  /** mlx5: version and PSID, `16.35.2000 (MT_0000000080)`. */
  readonly firmware: string;
  /** PCI address of the device, `0000:37:00.0`. */
  readonly bus: string;
}

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const SIOCETHTOOL = 0x8946n;
const ETHTOOL_GDRVINFO = 3;
const IFNAMSIZ = 16;

/**
 * Driver and firmware of a device, by the SIOCETHTOOL ioctl: ethtool's netlink family has no message for it.
 * One system call per device, and the driver may ask the firmware: on demand only.
 * Throws NetlinkError: ENODEV for a device that does not exist, EOPNOTSUPP where the driver has no such call.
 * Source: struct ethtool_drvinfo in linux/ethtool.h, struct ifreq in linux/if.h.
 */
export function getDriverInfo(device: string, libc: Libc = systemLibc()): DriverInfo {
  const what = `get driver of ${device}`;
  const info = Buffer.alloc(196);
  info.writeUInt32LE(ETHTOOL_GDRVINFO);
  const request = Buffer.alloc(40);
  request.write(device, 0, IFNAMSIZ - 1);
  request.writeBigUInt64LE(libc.address(info), IFNAMSIZ);
  const fd = libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) throw failure(what, libc.errno());
  try {
    if (libc.ioctl(fd, SIOCETHTOOL, request) < 0) throw failure(what, libc.errno());
  } finally {
    libc.close(fd);
  }
  return { driver: text(info, 4), version: text(info, 36), firmware: text(info, 68), bus: text(info, 100) };
}

/** A NUL-terminated field of 32 bytes. */
function text(info: Buffer, at: number): string {
  const field = info.subarray(at, at + 32);
  const nul = field.indexOf(0);
  return field.toString("utf8", 0, nul === -1 ? field.length : nul);
}
