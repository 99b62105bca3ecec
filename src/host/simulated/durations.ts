import type { Action } from "../action.ts";
import { known } from "../observed.ts";
import { type Profile, profileOf } from "./profiles.ts";
import type { World } from "./world.ts";

/** How long an action takes on this host as it is now, in seconds of virtual time. */
export function durationOf(world: World, action: Action): number {
  // Waiting takes as long as it takes: the action itself moves the clock.
  if (action.kind === "activate-lag") return 0;
  if (action.kind === "set-tc-offload" || action.kind === "set-vf-settings") return 0.001;
  if (action.kind === "set-channels") return 0.05;
  if (action.kind === "write-file" || action.kind === "remove-file") return 0.02;
  if (action.kind === "enable-unit" || action.kind === "disable-unit") return action.reload ? 0.5 : 0.02;
  // The program sets, and asks for everything once more: 5 s on a ConnectX-5 (openshift/sriov-network-operator issue 48).
  if (action.kind === "set-firmware") return 6;
  if (action.kind === "set-ovs" || action.kind === "del-ovs-port") return 0.05;
  // Measured in the lab, under emulation: 9 s.
  if (action.kind === "restart-ovs") return 5;
  if (action.kind === "update-boot-loader" || action.kind === "set-kernel-arguments") return 5;
  const pf = world.state.pfs.find((candidate) => candidate.address === action.pf);
  if (pf === undefined) return 0;
  const { seconds }: Profile = profileOf(pf);
  switch (action.kind) {
    case "set-vf-autoprobe":
    case "set-steering":
    case "ask-steering":
    case "ask-eswitch-mode":
    case "set-inline":
    case "set-encap":
      return seconds.request;
    case "set-vf-count": {
      const count = pf.sriov?.count ?? 0;
      if (count === action.count) return seconds.request;
      if (action.count === 0) return count * (seconds.destroyVf + (pf.vfs.some((vf) => vf.driver !== null) ? seconds.unbindVf : 0));
      return action.count * (seconds.createVf + (pf.sriov?.autoprobe === false ? 0 : seconds.probeVf));
    }
    case "unbind-vf":
      return seconds.unbindVf;
    case "bind-vf":
      return seconds.probeVf;
    case "set-eswitch-mode":
      return known(pf.eswitch)?.mode === action.mode ? seconds.request : seconds.modeChange + pf.vfs.length * seconds.modeChangePerVf;
  }
}
