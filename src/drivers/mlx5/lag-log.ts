import { cardsOf } from "../../host/cards.ts";
import { known, type Observed, unknown } from "../../host/state/observed.ts";
import type { Bond, HostState, Lag, PhysicalFunction } from "../../host/state/state.ts";
import type { LogRecord } from "../driver.ts";
import { lagEventOf } from "./lag-events.ts";

/**
 * The LAG of a card by the kernel log, for kernels whose mlx5 does not show it in debugfs (before 5.19).
 *
 * The driver tells each attempt to make the LAG, and each that failed, but it says nothing when it takes the
 * LAG down. So the log proves a LAG only together with what the host is now: it was made, nothing that could
 * take it down was logged since (a slave that joins or leaves, an eSwitch that changes, the driver's start),
 * and the bond and the eSwitches still are what it needs. Whether it carries VFs the text tells where it says
 * shared_fdb:1, and otherwise both eSwitches' own lines before it: the LAG is of type RoCE exactly when
 * neither has VFs or switchdev mode as it is made. One that was made before any of the ports joined the bond
 * is not the bond's (ECMP). Whatever is missing in the log makes it unknown.
 *
 * Source: linux v5.4, v5.10 drivers/net/ethernet/mellanox/mlx5/core/lag.c (mlx5_create_lag,
 * mlx5_activate_lag, mlx5_deactivate_lag, mlx5_modify_lag, mlx5_do_bond, mlx5_handle_changeupper_event),
 * lag_mp.c; v5.14 lag.c (shared FDB: mlx5_shared_fdb_supported); v5.18, v6.1 lag/lag.c; eswitch.c
 * (mlx5_eswitch_enable, mlx5_eswitch_disable); drivers/net/bonding/bond_main.c (bond_enslave,
 * __bond_release_one).
 */

/** Those whose transmit type is active-backup or a hash: linux lag/lag.c, mlx5_handle_changeupper_event(). */
export const lagBondModes: readonly string[] = ["active-backup", "balance-xor", "802.3ad"];

type LagMade = { readonly sharedFdb: boolean; readonly portSelection: string | null };

/**
 * A LAG that the driver has, as far as it was followed. `bonded`: it was made when a port was in the bond
 * already.
 */
interface Made {
  readonly seconds: number;
  readonly modes: ReadonlyMap<string, string>;
  readonly bonded: boolean;
  mapping: string[];
  sharedFdb: boolean | null;
  portSelection: string | null;
}

/** The card's LAG, as its log tells it; either port has the same. */
export function lagFromLog(
  log: readonly LogRecord[],
  pf: PhysicalFunction,
  state: Pick<HostState, "pfs" | "netdevs" | "bonds">,
): Observed<Lag> {
  const cardOf = cardsOf(state);
  const ports = state.pfs.filter(({ address }) => cardOf(address) === cardOf(pf.address));
  if (ports.length !== 2)
    return unknown(`the kernel log tells the LAG of two ports, and this card has ${ports.length}`);
  const names = ports.flatMap(({ netdev }) => netdev ?? []);
  const bond = state.bonds.find(({ slaves }) => slaves.some(({ netdev }) => names.includes(netdev)));
  const found = follow(log, ports, names, bond?.name ?? null);
  if ("unknown" in found) return found;
  if (found.made === null) return { ...disabled, members: ports.map(({ address }) => address) };
  const lack = lacking(ports, names, bond, found.joined);
  if (lack !== null)
    return unknown(`the kernel log tells that the LAG was made ${at(found.made)}, but ${lack}`);
  const { mapping, sharedFdb, portSelection } = found.made;
  const type = typeOf(found.made, ports);
  return {
    state: "active",
    type,
    source: "kernel-log",
    portSelection,
    sharedFdb,
    mapping,
    members: ports.map(({ address }) => address),
  };
}

const disabled = {
  state: "disabled",
  type: null,
  source: "kernel-log",
  portSelection: null,
  sharedFdb: null,
  mapping: [],
} satisfies Omit<Lag, "members">;

type Followed =
  | { readonly made: Made | null; readonly joined: ReadonlySet<string> }
  | { readonly unknown: string };

function follow(
  log: readonly LogRecord[],
  ports: readonly PhysicalFunction[],
  names: readonly string[],
  bond: string | null,
): Followed {
  const addresses: readonly string[] = ports.map(({ address }) => address);
  let doubt: string | null = "it does not reach back to the driver's start";
  let made: Made | null = null;
  const modes = new Map<string, string>();
  const joined = new Set<string>();
  for (const { seconds, text, gap } of log) {
    if (gap) {
      if (made !== null || doubt === null)
        doubt = `something is missing in it before ${seconds.toFixed(3)} s`;
      made = null;
      modes.clear();
      joined.clear();
    }
    const event = lagEventOf(text, addresses, names, bond);
    if (event === null) continue;
    switch (event.kind) {
      case "start":
        made = null;
        doubt = null;
        modes.set(event.port, "none");
        break;
      case "eswitch":
        modes.set(event.port, event.mode);
        if (made !== null) doubt = `the eSwitch of ${event.port} changed after the LAG was made ${at(made)}`;
        made = null;
        break;
      case "map": {
        const changed: boolean =
          event.made === false || (event.made === null && (made !== null || doubt !== null));
        if (changed && made !== null) made.mapping = event.mapping;
        else {
          // One that is only changed was made in a part of the log that is gone: neither when nor as what is
          // known.
          const seen: ReadonlyMap<string, string> = changed ? new Map<string, string>() : new Map(modes);
          const bonded: boolean = !changed && joined.size > 0;
          const { mapping, sharedFdb } = event;
          made = { seconds, modes: seen, bonded, mapping, sharedFdb, portSelection: null };
        }
        doubt = null;
        break;
      }
      case "made":
        doubt = null;
        made = madeAs(made, seconds, event, new Map(modes), joined.size > 0);
        break;
      case "failed":
        made = null;
        doubt = null;
        break;
      case "modify-failed":
        made = null;
        doubt = `the driver could not change the LAG at ${seconds.toFixed(3)} s`;
        break;
      case "joined": {
        // The driver works while the second port is still joining: this one line may come after its own.
        const second = names.includes(event.slave) && !joined.has(event.slave) && joined.size < names.length;
        joined.add(event.slave);
        if (second || made === null) break;
        doubt = `the bond changed after the LAG was made ${at(made)}`;
        made = null;
        break;
      }
      case "left":
        joined.delete(event.slave);
        if (made !== null) doubt = `the bond changed after the LAG was made ${at(made)}`;
        made = null;
        break;
    }
  }
  return doubt === null ? { made, joined } : unknown(`the kernel log does not tell the LAG: ${doubt}`);
}

/**
 * A LAG that was made with a line of its own that says how; the lines before it told the ports, in a form
 * that is known or not.
 */
function madeAs(
  made: Made | null,
  seconds: number,
  how: LagMade,
  modes: Made["modes"],
  bonded: boolean,
): Made {
  const { sharedFdb, portSelection } = how;
  return {
    seconds: made?.seconds ?? seconds,
    mapping: made?.mapping ?? [],
    modes,
    bonded,
    sharedFdb,
    portSelection,
  };
}

/** What of the host as it is now contradicts a LAG; null where nothing does. */
function lacking(
  ports: readonly PhysicalFunction[],
  names: readonly string[],
  bond: Bond | undefined,
  joined: ReadonlySet<string>,
): string | null {
  if (bond === undefined || names.length !== 2) return "its ports are in no bond now";
  const slaves = bond.slaves.map(({ netdev }) => netdev);
  if (slaves.length !== 2 || !names.every((name) => slaves.includes(name)))
    return `${bond.name} is not of its two ports now`;
  if (!lagBondModes.includes(bond.mode)) return `${bond.name} has the mode ${bond.mode} now`;
  if (!names.every((name) => joined.has(name)))
    return `it does not show how its ports came into ${bond.name}`;
  const [first, second] = ports.map(({ eswitch }) => known(eswitch)?.mode);
  return first === second ? null : "its eSwitches are not in the same mode now";
}

function typeOf(made: Made, ports: readonly PhysicalFunction[]): Lag["type"] {
  if (made.sharedFdb === true) return "switchdev";
  const modes = ports.map(({ address }) => made.modes.get(address));
  if (!made.bonded) return null;
  if (modes.every((mode) => mode === "switchdev")) return "switchdev";
  return modes.every((mode) => mode === "none") ? "roce" : null;
}

function at({ seconds }: Made): string {
  return `at ${seconds.toFixed(3)} s`;
}
