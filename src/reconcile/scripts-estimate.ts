import { profileOf } from "../drivers/registry.ts";
import type { HostState, PhysicalFunction } from "../host/state/state.ts";
import type { NicSpec, Spec } from "../spec/schema.ts";
import { resolvePorts } from "../spec/selectors.ts";

/** Starting a small program such as `ethtool`, in seconds: measured with `npm run bench`. */
const processSeconds = 0.003;

/** ethtool -k, awk, ethtool -K, ethtool -L, ethtool -i and two loggers for each representor. */
const processesPerRepresentor = 7;

/**
 * What the usual shell scripts take where VFs are still to be made: one port after the other, every VF probed
 * when it appears, unbound for switchdev, bound again at the end, and programs started for every representor.
 * @returns seconds; `null` where no VFs are to be made
 */
export function scriptsEstimate(spec: Spec, state: HostState): number | null {
  const seconds = spec.nics.flatMap((nic) => {
    const resolved = resolvePorts(nic, state);
    return "problem" in resolved
      ? []
      : resolved.pfs.filter((pf) => pf.sriov?.count === 0).map((pf) => portSeconds(nic, pf));
  });
  return seconds.length === 0 ? null : seconds.reduce((sum, value) => sum + value, 0);
}

function portSeconds(nic: NicSpec, pf: PhysicalFunction): number {
  const { seconds } = profileOf(pf);
  const create = nic.vfs * (seconds.createVf + seconds.probeVf);
  if (nic.mode === "sriov") return create;
  const toSwitchdev = nic.vfs * seconds.unbindVf + seconds.modeChange + nic.vfs * seconds.modeChangePerVf;
  const representors = nic.vfs * processesPerRepresentor * processSeconds;
  return create + toSwitchdev + representors + nic.vfs * seconds.probeVf;
}
