import { constants } from "node:os";
import { getSystemErrorMessage } from "node:util";

/** Everything that is known of a refused request. */
export interface NetlinkErrorDetails {
  /** What was asked, in words: `set eSwitch mode of pci/0000:37:00.0 to switchdev`. */
  readonly request: string;
  /** Positive errno, as in errno.h. */
  readonly errno: number;
  /** The kernel's own sentence (NLMSGERR_ATTR_MSG), or one of ours where the kernel gave none. */
  readonly extack: string | null;
  /**
   * Type of the attribute that the kernel pointed at (NLMSGERR_ATTR_OFFS), or that it misses
   * (NLMSGERR_ATTR_MISS_TYPE).
   */
  readonly attribute: number | null;
}

/**
 * The kernel refused a request, or no complete answer came back.
 *
 * @example
 * try { devlink.setEswitch(handle, { mode: "switchdev" }) }
 * catch (error) { if (error instanceof NetlinkError && error.code === "EBUSY") ... }
 */
export class NetlinkError extends Error implements NetlinkErrorDetails {
  override readonly name = "NetlinkError";
  readonly request: string;
  readonly errno: number;
  /**
   * Name of the errno: `EBUSY`. Linux has one number for ENOTSUP and EOPNOTSUPP: it is called EOPNOTSUPP
   * here.
   */
  readonly code: string;
  readonly extack: string | null;
  readonly attribute: number | null;

  constructor(details: NetlinkErrorDetails) {
    super(describe(details));
    this.request = details.request;
    this.errno = details.errno;
    this.code = errnoName(details.errno);
    this.extack = details.extack;
    this.attribute = details.attribute;
  }
}

/**
 * Bytes that are not what netlink says they should be: a wrong length, an attribute that runs past its end.
 */
export class NetlinkFormatError extends Error {
  override readonly name = "NetlinkFormatError";
}

/** True for a NetlinkError with one of these codes: `isRefusal(error, "EOPNOTSUPP", "ENODEV")`. */
export function isRefusal(error: unknown, ...codes: readonly string[]): error is NetlinkError {
  return error instanceof NetlinkError && codes.includes(error.code);
}

/** A NetlinkError for a failure on our side of the socket, with our own sentence. */
export function failure(request: string, errno: number, sentence: string | null = null): NetlinkError {
  return new NetlinkError({ request, errno, extack: sentence, attribute: null });
}

/** Name of an errno (`EBUSY` for 16); `errno 999` for one that has no name. */
function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

const names = new Map<number, string>();
for (const [name, errno] of Object.entries(constants.errno)) {
  if (name !== "ENOTSUP" && name !== "EWOULDBLOCK") names.set(errno, name);
}

function describe({ request, errno, extack, attribute }: NetlinkErrorDetails): string {
  const reason =
    extack ??
    (errno === constants.errno.EOPNOTSUPP ? "operation not supported" : getSystemErrorMessage(-errno));
  const where = attribute === null ? "" : ` (attribute ${attribute})`;
  return `${request}: ${errnoName(errno)}: ${reason}${where}`;
}
