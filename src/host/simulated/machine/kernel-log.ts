import { driverOf } from "../../../drivers/registry.ts";
import { known } from "../../state/observed.ts";
import type { Lag, PhysicalFunction } from "../../state/state.ts";
import { type PciAddress, parsePciAddress } from "../../state/values.ts";
import { has, type World } from "../world.ts";

/**
 * What kernel and driver write into their log, in the driver's words: linux
 * drivers/net/ethernet/mellanox/mlx5/core/lag/lag.c, eswitch.c, en_main.c, cmd.c;
 * drivers/net/bonding/bond_main.c; drivers/pci/iov.c. The words are those of 6.1 and later; a host with the
 * behaviour `lag-in-log-only` has those of 5.10, where debugfs does not show the LAG.
 */

const mostLines = 300;
/** Levels: linux include/linux/kern_levels.h. */
const [err, info] = [3, 6];
/** What mlx5 puts before its errors: the function, the line in the source, the process. */
const where = (name: string) => `${name}:512:(pid 77): `;

/** Writes a line. A host whose log is not known gets none. */
export function logKernel(world: World, level: number, text: string): void {
  const log = known(world.state.kernelLog);
  if (log === undefined) return;
  const seconds = Math.round((world.hidden.clock - world.hidden.startedAt) * 1e6) / 1e6;
  const device = parsePciAddress(/[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]/.exec(text)?.[0] ?? null);
  log.lines.push({ seconds: Math.max(0, seconds), level, device, text });
  for (; log.lines.length > mostLines; log.omitted++) log.lines.shift();
}

/** The log of a kernel that has just started. */
export function startLog(world: World): void {
  world.hidden.startedAt = world.hidden.clock;
  if (known(world.state.kernelLog) === undefined) return;
  world.state.kernelLog = { complete: true, omitted: 0, lines: [] };
  for (const { driver, address, firmware } of world.state.pfs)
    if (driver?.startsWith("mlx5") === true)
      logKernel(world, info, `${driver} ${address}: firmware version: ${known(firmware) ?? "0.0.0"}`);
}

/** A bond takes a slave, or gives it away. */
export function logSlave(world: World, bond: string, slave: string, joins: boolean): void {
  const what = joins ? "Enslaving as a backup interface with an up link" : "Releasing backup interface";
  logKernel(world, info, `${bond}: (slave ${slave}): ${what}`);
}

export function logEswitch(
  world: World,
  pf: PhysicalFunction,
  mode: "legacy" | "switchdev",
  on: boolean,
): void {
  const word = mode === "legacy" ? "LEGACY" : "OFFLOADS";
  const count = pf.sriov?.count ?? 0;
  mlx5(
    world,
    info,
    pf.address,
    `E-Switch: ${on ? "Enable" : "Disable"}: mode(${word}), nvfs(${count}), active vports(${count + 1})`,
  );
}

/**
 * The firmware rejects tables that encapsulate while a VF is driven: sriov-network-operator issue 1015,
 * Mellanox/ovs-tests.
 */
export function logEncapRefused(world: World, { address }: PhysicalFunction): void {
  const refused =
    "CREATE_FLOW_TABLE(0x930) op_mod(0x0) failed, status bad resource state(0x9), syndrome (0x98afbb), " +
    "err(-22)";
  mlx5(world, err, address, `${where("mlx5_cmd_out_err")}${refused}`);
  mlx5(world, err, address, "E-Switch: Failed to create slow path FDB Table err -22");
}

/** No memory for the port's netdev of the new mode, nor for the one that it had. */
export function logOutOfMemory(world: World, { address, netdev }: PhysicalFunction): void {
  mlx5(world, err, address, `${where("mlx5e_netdev_init_profile")}mlx5e_priv_init failed, err=-12`);
  mlx5(
    world,
    err,
    address,
    `${netdev ?? "eth0"}: mlx5e_netdev_change_profile: failed to rollback to orig profile, -12`,
    " ",
  );
}

export function logProbeFailure(world: World, driver: string, vf: PciAddress): void {
  logKernel(world, err, `${driver} ${vf}: ${where("probe_one")}mlx5_init_one failed with error code -110`);
  logKernel(world, err, `${driver} ${vf}: probe with driver ${driver} failed with error -110`);
}

/** The driver is about to make the LAG; it says so before it asks the firmware. */
export function logLagMade(
  world: World,
  { address }: PhysicalFunction,
  { mapping, sharedFdb, portSelection }: Lag,
): void {
  const ports =
    portSelection === "hash"
      ? `active ports: ${mapping.join(", ")}`
      : mapping.map((entry) => `port ${entry}`).join(" ");
  if (has(world, "lag-in-log-only")) return mlx5(world, info, address, `lag map ${ports}`);
  mlx5(world, info, address, `lag map: ${ports}`);
  mlx5(world, info, address, `shared_fdb:${sharedFdb === true ? 1 : 0} mode:${portSelection}`);
}

export function logLagRefused(world: World, { address }: PhysicalFunction, type: "roce" | "switchdev"): void {
  const refused =
    "CREATE_LAG(0x840) op_mod(0x0) failed, status bad parameter(0x3), syndrome (0x7d49cb), err(-22)";
  mlx5(world, err, address, `${where("mlx5_cmd_out_err")}${refused}`);
  mlx5(world, err, address, `${where("mlx5_create_lag")}Failed to create LAG (-22)`);
  const said = type === "roce" ? "Failed to activate RoCE LAG" : `Failed to activate VF LAG ${unbindFirst}`;
  mlx5(world, err, address, `${where("mlx5_activate_lag")}${said}`);
}

export function logLagStuck(world: World, { address }: PhysicalFunction): void {
  mlx5(
    world,
    err,
    address,
    `${where("mlx5_deactivate_lag")}Failed to deactivate VF LAG; driver restart required ${unbindFirst}`,
  );
}

const unbindFirst = "Make sure all VFs are unbound prior to VF LAG activation or deactivation";

function mlx5(world: World, level: number, address: PciAddress, text: string, after = ": "): void {
  logKernel(world, level, `mlx5_core ${address}${after}${text}`);
}

/** The LAGs as a kernel shows them whose debugfs does not have them. */
export function hideLags(world: World, state: World["state"]): void {
  if (!has(world, "lag-in-log-only")) return;
  const log = known(state.kernelLog);
  if (log === undefined) return;
  const records = log.lines.map((line, index) => ({
    ...line,
    gap: index === 0 && (log.omitted > 0 || !log.complete),
  }));
  for (const pf of state.pfs) {
    const { lag } = driverOf(pf.driver);
    if (lag !== null && known(pf.lag) != null) pf.lag = lag.fromLog(records, pf, state);
  }
}
