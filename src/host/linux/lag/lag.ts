import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { driverOf } from "../../../drivers/registry.ts";
import { isKernelSince } from "../../kernel-release.ts";
import { isUnknown, type Observed, unknown } from "../../state/observed.ts";
import type { Lag, PhysicalFunction } from "../../state/state.ts";
import { type PciAddress, parsePciAddress } from "../../state/values.ts";
import { errnoName, reasonOf } from "../system/refusal.ts";

const types = ["roce", "switchdev", "multipath", "multiport_eswitch"] as const;

/** The first kernel whose mlx5 shows its LAG in debugfs; distributions have brought it to older ones. */
const sinceKernel = [5, 19] as const;

/**
 * The NIC's own LAG, from debugfs (root only).
 *
 * Null: the driver has none. mlx5 makes the directory for a PF exactly when it makes
 * its LAG object, and makes none when the firmware lacks vport_group_manager or lag_master or has fewer than
 * two LAG ports: a card with one port, or another than a ConnectX. While the LAG is inactive all files but
 * `state` and `members` answer EINVAL: those fields are null then. Source: linux
 * drivers/net/ethernet/mellanox/mlx5/core/lag/debugfs.c; lag.c, mlx5_lag_add_mdev(); lag.h,
 * mlx5_lag_is_supported().
 *
 * @param kernelRelease such as `6.12.95+deb12-amd64`
 */
export function observeLag(
  sysRoot: string,
  kernelRelease: string,
  pf: PciAddress,
  driver: string | null,
): Observed<Lag | null> {
  if (driverOf(driver).lag === null) return null;
  const debugfs = join(sysRoot, "kernel/debug");
  const card = join(debugfs, "mlx5", pf);
  const path = join(card, "lag");
  try {
    if (existsSync(path)) return readLag(path);
    if (readdirSync(debugfs).length === 0) return unknown(`debugfs is not mounted at ${debugfs}`);
    if (!readdirSync(join(debugfs, "mlx5")).includes(pf)) return unknown(`debugfs has no directory ${card}`);
    if (!isKernelSince(kernelRelease, sinceKernel))
      return unknown(`kernel ${kernelRelease} does not show the LAG in debugfs (5.19 and later do)`);
    return null;
  } catch (error) {
    const code = errnoName(error);
    if (code === "EACCES" || code === "EPERM") return unknown(`${debugfs} can be read by root only`);
    return unknown(code === "ENOENT" ? `debugfs has no directory ${card}` : reasonOf(error));
  }
}

function readLag(path: string): Observed<Lag> {
  const state = read(path, "state");
  if (state !== "active" && state !== "disabled")
    return unknown(`${join(path, "state")} says ${JSON.stringify(state)}`);
  const type = read(path, "type");
  const known = types.find((name) => name === type);
  // A LAG that is activated between two reads has a state of before and a type of after: its state counts.
  if (state === "disabled") {
    return {
      state,
      type: null,
      source: "debugfs",
      portSelection: null,
      sharedFdb: null,
      mapping: [],
      members: members(path),
    };
  }
  if (type !== null && known === undefined)
    return unknown(`the LAG has a type that is new to vflag: ${type}`);
  const shared = /^shared_fdb:(on|off)$/m.exec(read(path, "flags") ?? "")?.[1];
  return {
    state,
    type: known ?? null,
    source: "debugfs",
    portSelection: read(path, "port_sel_mode"),
    sharedFdb: shared === undefined ? null : shared === "on",
    mapping: lines(read(path, "mapping")),
    members: members(path),
  };
}

/** How often, and how many ms apart, the LAG of a card is read again whose ports show it differently. */
const [rereads, pause] = [4, 25];

/**
 * The PFs with their LAGs, each card's as all of its ports show it: they are read one after the other, and a
 * LAG that is made or given up in between would look as if the ports disagreed. What they still do not agree
 * on is how it is.
 */
export async function withAgreedLags<Pf extends Pick<PhysicalFunction, "address" | "lag">>(
  pfs: readonly Pf[],
  cardOf: (pf: PciAddress) => string,
  read: (pf: Pf) => Pf["lag"],
): Promise<Pf[]> {
  let seen = [...pfs];
  for (let tries = 0; tries < rereads; tries++) {
    const torn = new Set(
      seen.filter((pf) =>
        seen.some((other) => differs(pf, other) && cardOf(pf.address) === cardOf(other.address)),
      ),
    );
    if (torn.size === 0) break;
    await sleep(pause);
    seen = seen.map((pf) => (torn.has(pf) ? { ...pf, lag: read(pf) } : pf));
  }
  return seen;
}

function differs(
  { lag: one }: Pick<PhysicalFunction, "lag">,
  { lag: other }: Pick<PhysicalFunction, "lag">,
): boolean {
  if (one === null || other === null || isUnknown(one) || isUnknown(other)) return false;
  return one.state !== other.state || one.type !== other.type || one.mapping.join() !== other.mapping.join();
}

function members(path: string): PciAddress[] {
  return lines(read(path, "members")).flatMap((line) => parsePciAddress(line) ?? []);
}

/**
 * Null where the kernel answers EINVAL, because the LAG is inactive, or has no such file. Throws what else
 * goes wrong.
 */
function read(path: string, name: string): string | null {
  try {
    return readFileSync(join(path, name), "utf8").trim();
  } catch (error) {
    const code = errnoName(error);
    if (code === "EINVAL" || code === "ENOENT") return null;
    throw error;
  }
}

function lines(text: string | null): string[] {
  return (text ?? "").split("\n").filter((line) => line !== "");
}

/** Whether only the kernel log can tell the LAG: this kernel does not show it. */
export function isToldByLog(lag: Observed<Lag | null>, kernelRelease: string): boolean {
  return isUnknown(lag) && !isKernelSince(kernelRelease, sinceKernel);
}

/** Whether a PF's LAG carries VFs. */
export function isActive(lag: Observed<Lag | null>): boolean {
  return lag !== null && !isUnknown(lag) && lag.state === "active" && lag.type === "switchdev";
}
