import { profileOf } from "../../../drivers/registry.ts";
import { isUnknown, known } from "../../state/observed.ts";
import type { VfSettings } from "../../state/state.ts";
import { hasRules } from "../card/eswitch.ts";
import { netdevNamed, Refusal, type World } from "../world.ts";

/**
 * `ethtool -K NETDEV hw-tc-offload`: linux en_main.c, set_feature_hw_tc(), refuses to turn it off under
 * rules.
 */
export function setTcOffload(world: World, name: string, on: boolean): void {
  const netdev = netdevNamed(world, name);
  const feature = known(netdev.tcOffload);
  if (feature?.on === on) return;
  if (feature === undefined || feature.fixed) throw new Refusal("EOPNOTSUPP", "hw-tc-offload is fixed");
  const pf = world.state.pfs.find((candidate) => candidate.netdev === name);
  if (pf !== undefined && !on && hasRules(world, pf))
    throw new Refusal("EINVAL", "Active offloaded tc filters, can't turn hw_tc_offload off");
  netdev.tcOffload = { on, fixed: false };
}

/** `ethtool -L NETDEV combined N`: linux net/ethtool/channels.c. */
export function setChannels(world: World, name: string, combined: number): void {
  const netdev = netdevNamed(world, name);
  const channels = known(netdev.channels);
  if (channels == null) throw new Refusal("EOPNOTSUPP", "the driver has no channels to set");
  if (combined > channels.max) throw new Refusal("EINVAL", "requested channel count exceeds maximum");
  if (combined < 1)
    throw new Refusal(
      "EINVAL",
      "requested channel counts would result in no RX or TX channel being configured",
    );
  if (combined === channels.combined) return;
  netdev.channels = { combined, max: channels.max };
}

/**
 * `ip link set PF vf N ...`: linux en_main.c mlx5e_set_vf_*, esw/legacy.c. In switchdev mode only the address
 * can be set.
 */
export function setVfSettings(
  world: World,
  name: string,
  index: number,
  settings: Partial<VfSettings>,
): void {
  netdevNamed(world, name);
  const pf = world.state.pfs.find((candidate) => candidate.netdev === name);
  const vf = pf?.vfs.find((candidate) => candidate.index === index);
  // mlx5 has a vport for every VF that it offers, and takes settings for those that do not exist yet.
  const offered =
    vf !== undefined || (pf !== undefined && profileOf(pf).eswitch && index < (pf.sriov?.total ?? 0));
  if (pf === undefined || !offered) throw new Refusal("EINVAL", `${name} has no VF ${index}`);
  const legacyOnly =
    settings.trust !== undefined || settings.spoofCheck !== undefined || settings.linkState !== undefined;
  if (legacyOnly && known(pf.eswitch)?.mode === "switchdev")
    throw new Refusal("EOPNOTSUPP", "Operation not supported");
  if (settings.mac !== undefined && Number.parseInt(settings.mac.slice(0, 2), 16) % 2 === 1)
    throw new Refusal("EINVAL", "multicast address");
  if (vf !== undefined && !isUnknown(vf.settings)) Object.assign(vf.settings, settings);
}
