import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Action } from "../actions/action.ts";
import { type ActionOf, has, type KindsWith } from "../actions/action-table.ts";
import { halfWayLine } from "../actions/driver-restart.ts";
import {
  functionsOf,
  isThere,
  type Look,
  type LookedPort,
  type LookedVf,
  nothingSeen,
} from "../actions/safety.ts";
import { describeUsers } from "../in-use.ts";
import { isUnknown, known } from "../state/observed.ts";
import { findEswitch } from "./eswitch/devlink.ts";
import { observeEswitch } from "./eswitch/eswitch.ts";
import { findHolders } from "./guests/holders.ts";
import { findHostUsers, type HostUsers } from "./guests/host-users.ts";
import { type FoundLink, findLinks, netdevOfPf } from "./links/links.ts";
import { readKmsg } from "./log/kernel-log.ts";
import { ovsOwnerOf } from "./ovs/ovs.ts";
import { type FoundVf, findPf, findVf, virtfnLinks } from "./pci/pci.ts";
import type { Kernel } from "./system/kernel.ts";
import { pciPath } from "./system/sysfs.ts";

/**
 * What `forbidden` has to know of this machine before an action. Throws what devlink and Open vSwitch refuse.
 */
export function lookBefore(kernel: Kernel, action: Action): Look | Promise<Look> {
  if (has(action, "sight", "netdev"))
    return { ...nothingSeen, netdev: { bonded: isBonded(kernel, action.netdev) } };
  if (has(action, "sight", "ovs-port")) return lookAtOvsPort(kernel, action);
  if (has(action, "sight", "vf")) return { ...nothingSeen, vfs: lookAtVf(kernel, action) };
  if (has(action, "sight", "port", "vfs")) return lookAtPort(kernel, action);
  return seeNothing(action);
}

/** Takes only what is not looked at, so that the compiler asks for a look at all else. */
function seeNothing(_action: ActionOf<KindsWith<"sight", "nothing">>): Look {
  return nothingSeen;
}

/**
 * Asked of sysfs: netlink's answers wait for the lock (RTNL) that udev holds again and again while it names
 * hundreds of representors.
 */
function isBonded({ sysRoot }: Kernel, netdev: string): boolean {
  return existsSync(join(sysRoot, "class/net", netdev, "bonding_slave"));
}

async function lookAtOvsPort(
  kernel: Kernel,
  { source, port }: ActionOf<KindsWith<"sight", "ovs-port">>,
): Promise<Look> {
  if (kernel.netlink.route.getLink(port) !== null)
    return { ...nothingSeen, netdev: { bonded: isBonded(kernel, port) } };
  return { ...nothingSeen, owner: await ovsOwnerOf(kernel.run, source, port) };
}

/** The VF by its PF's links: addresses move when the number of VFs changes. None where it is another PF's. */
function lookAtVf(kernel: Kernel, action: ActionOf<KindsWith<"sight", "vf">>): LookedVf[] {
  const link = virtfnLinks(pciPath(kernel.sysRoot, action.pf)).find(({ vf }) => vf === action.vf);
  const vf = link === undefined ? null : findVf(kernel.sysRoot, link.index, action.vf);
  if (vf === null) return [];
  // Whoever uses it is looked for only where it matters: with hundreds of representors that takes its time.
  return vf.driver === action.driver
    ? withHolders(kernel, [vf], findLinks(kernel))
    : [{ ...vf, holders: [] }];
}

function lookAtPort(kernel: Kernel, action: ActionOf<KindsWith<"sight", "port" | "vfs">>): Look {
  const pf = findPf(kernel.sysRoot, action.pf);
  const handle = action.kind === "set-vf-count" ? null : (findEswitch(kernel, action.pf)?.handle ?? null);
  const seen = observeEswitch(kernel, handle);
  const eswitch = isUnknown(seen) ? null : seen;
  const port: LookedPort = {
    name: action.pf,
    master: null,
    vfCount: pf?.sriov?.count ?? null,
    eswitch,
    halfWay: null,
    users: null,
  };
  if (isThere(action, { port, vfs: [] })) return { ...nothingSeen, port };
  const links = findLinks(kernel);
  const own = netdevOfPf(action.pf, links);
  // A port whose PCI function cannot be read may be in a bond all the same.
  if (pf === null && own === null) return nothingSeen;
  const log = action.kind === "set-eswitch-mode" ? (known(readKmsg(kernel.devRoot)) ?? []) : [];
  const texts = log.map(({ text }) => text);
  // What leaves the port's VFs and its mode alone asks for nobody's addresses.
  const users: HostUsers = has(action, "sight", "vfs") ? findHostUsers(kernel, links) : new Map();
  return {
    ...nothingSeen,
    port: {
      ...port,
      name: own === null ? action.pf : `${own.name} (${action.pf})`,
      master: own === null ? null : masterOf(own, links),
      // Only a change of mode takes the port itself from who uses it.
      users:
        own === null || action.kind !== "set-eswitch-mode" ? null : describeUsers(users.get(own.index) ?? []),
      halfWay: halfWayLine(pf?.driver ?? null, texts, functionsOf(action.pf)),
    },
    vfs: has(action, "sight", "vfs") ? withHolders(kernel, pf?.vfs ?? [], links, users) : [],
  };
}

function masterOf({ master }: FoundLink, links: readonly FoundLink[]): string | null {
  return master === null
    ? null
    : (links.find(({ index }) => index === master)?.name ?? `the netdev with index ${master}`);
}

function withHolders(
  kernel: Kernel,
  vfs: readonly FoundVf[],
  links: readonly FoundLink[],
  users?: HostUsers,
): LookedVf[] {
  const holders = vfs.length === 0 ? new Map() : findHolders(vfs, kernel, links, undefined, users);
  return vfs.map((vf) => ({ ...vf, holders: holders.get(vf.address) ?? [] }));
}
