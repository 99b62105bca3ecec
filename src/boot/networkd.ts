import { known } from "../host/state/observed.ts";
import type { HostState } from "../host/state/state.ts";
import { type Artefact, madeByVflag } from "./artefact.ts";

/**
 * Tells systemd-networkd to leave alone what the udev rules marked. Of all .network files the first in the
 * order of their names that matches counts, so it has to stand before those of netplan and of the operator.
 * Source: systemd.network(5).
 */
export const networkFile: Artefact = {
  name: "00-vflag.network",
  path: "/etc/systemd/network/00-vflag.network",
  summary: "systemd-networkd leaves VFs and representors alone, where it runs",
  reload: null,
  needsPorts: false,
  text: ({ state }) => {
    if (!runs("systemd-networkd.service", state)) return null;
    return [
      madeByVflag,
      "# VFs and representors of the NICs that vflag looks after: 70-vflag.rules marks them.",
      "[Match]",
      "Property=VFLAG_UNMANAGED=1",
      "",
      "[Link]",
      "Unmanaged=yes",
      "",
    ].join("\n");
  },
};

function runs(name: string, state: HostState): boolean {
  const unit = known(state.units)?.find((candidate) => candidate.name === name);
  return unit !== undefined && (unit.active === "active" || (unit.enabled ?? "").startsWith("enabled"));
}
