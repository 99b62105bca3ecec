import { driverOf, offloadOptions } from "../../drivers/registry.ts";
import { halfWayLine, stuckLagLine } from "../actions/driver-restart.ts";
import { cardsOf } from "../cards.ts";
import { known } from "../state/observed.ts";
import type { HostState } from "../state/state.ts";
import { ownArgumentsOf } from "./machine/platform.ts";
import type { Behaviour, World } from "./world.ts";

/**
 * A simulated twin of an observed host, for rehearsals: it starts from what was seen and goes on by the
 * rules. What lies behind the state is assumed to be sound: no faults, networking makes the bonds that are
 * there now.
 */
export function twinOf(state: HostState): World {
  const copy = structuredClone(state);
  const cardOf = cardsOf(copy);
  const home: World["hidden"]["home"] = {};
  for (const pf of copy.pfs) {
    const netdev = copy.netdevs.find((candidate) => candidate.name === pf.netdev);
    if (netdev === undefined) continue;
    const channels = known(netdev.channels);
    // After a reboot mlx5 takes as many channels as the host has cores, which is not seen here: half of the
    // most it offers.
    const atPowerOn =
      known(pf.eswitch)?.mode === "switchdev"
        ? Math.ceil((channels?.max ?? 2) / 2)
        : (channels?.combined ?? 1);
    home[pf.address] = { netdev: netdev.name, channels: atPowerOn };
  }
  return {
    schema: "vflag/simulated-host/1",
    state: copy,
    hidden: {
      clock: 0,
      startedAt: -Math.max(
        0,
        ...(known(copy.kernelLog)?.lines.slice(-1) ?? []).map(({ seconds }) => seconds),
      ),
      nextIndex: 1 + Math.max(0, ...copy.netdevs.map((netdev) => netdev.index)),
      networking: copy.bonds.map((bond) => ({
        name: bond.name,
        mode: bond.mode,
        slaves: bond.slaves.map((slave) => slave.netdev),
      })),
      behaviours: [...behavioursOf(copy)],
      lagActiveAt: {},
      withoutFdb: [],
      halfWay: copy.pfs.flatMap(({ address, driver }) =>
        halfWayLine(driver, logOf(copy), [address]) === null ? [] : [address],
      ),
      stuckLags: [
        ...new Set(
          copy.pfs.flatMap(({ address, driver }) =>
            stuckLagLine(driver, logOf(copy), [address]) === null ? [] : [cardOf(address)],
          ),
        ),
      ],
      home,
      ownArguments: ownArgumentsOf(copy),
      traffic: false,
      harm: [],
    },
  };
}

function logOf({ kernelLog }: HostState): string[] {
  return known(kernelLog)?.lines.map(({ text }) => text) ?? [];
}

/**
 * What a state shows of a card's and a kernel's ways, so that a rehearsal does not promise what they refuse.
 */
function behavioursOf(state: HostState): Set<Behaviour> {
  const found = new Set<Behaviour>();
  const options = offloadOptions.map((name) => known(state.kernelOptions)?.[name]);
  if (options.includes(false) || (options.includes(undefined) && showsNoRules(state)))
    found.add("kernel-without-tc-offload");
  for (const { setting, kernel } of state.refused)
    if (kernel === state.kernel) found.add(setting === "steering" ? "no-smfs" : "no-encap");
  return found;
}

/** A representor or a port on which hw-tc-offload is fixed, as its driver has it: it was built without. */
function showsNoRules({ pfs, representors, netdevs }: HostState): boolean {
  const own = new Set(
    pfs.flatMap(({ driver, eswitch, netdev }) =>
      driverOf(driver).offload !== null && known(eswitch) != null ? [netdev] : [],
    ),
  );
  const names = new Set([...own, ...representors.map(({ netdev }) => netdev)]);
  return netdevs.some(({ name, tcOffload }) => names.has(name) && known(tcOffload)?.fixed === true);
}
