import { hostname, release } from "node:os";
import { join } from "node:path";
import { carryOut, type LinkReference, openNetlink } from "../../netlink/index.ts";
import type { Action } from "../action.ts";
import { ActionError, type Host } from "../host.ts";
import { isUnknown, type Observed } from "../observed.ts";
import type { HostState, PhysicalFunction } from "../state.ts";
import { isNetdevName } from "../values.ts";
import { activateLag } from "./activate-lag.ts";
import { type FoundDevlink, findDevlink, infoOf, portsOf } from "./devlink.ts";
import { bindVf, unbindVf } from "./drivers.ts";
import { observeEswitch } from "./eswitch.ts";
import { setEncap, setInline, setMode, setSteering } from "./eswitch-actions.ts";
import { findHolders } from "./holders.ts";
import type { Kernel } from "./kernel.ts";
import { observeLag } from "./lag.ts";
import { bondsOf, type FoundLink, findLinks, netdevOfPf, netdevsOf, vfSettingsOf } from "./links.ts";
import { setChannels, setTcOffload, setVfSettings } from "./netdev-actions.ts";
import { type FoundPf, findPfs } from "./pci.ts";
import { Refusal, refusalOf } from "./refusal.ts";
import { representorsOf } from "./representors.ts";
import { setAutoprobe, setVfCount } from "./sriov.ts";
import { readText } from "./sysfs.ts";

/** Where the kernel is found. A test may put other roots, or a fake netlink, in place of each. */
export type HostOptions = Partial<Kernel>;

/**
 * This machine, through netlink, sysfs and debugfs; no program is started.
 *
 * @example
 * using host = LinuxHost.open();
 * const state = await host.observe();
 */
export class LinuxHost implements Host, Disposable {
  /** See guards.ts. */
  readonly looksFirst = true;
  readonly #kernel: Kernel;
  readonly #close: () => void;
  /** PCI functions on which an action is under way. */
  readonly #busy = new Map<string, number>();
  /** Long requests under way: the kernel answers nobody else about a device meanwhile. */
  readonly #requests = new Set<Promise<void>>();

  /** Opens the netlink sockets, in the network namespace of the calling thread. Throws NetlinkError. */
  static open(options: HostOptions = {}): LinuxHost {
    if (options.netlink !== undefined) return new LinuxHost({ ...options, netlink: options.netlink }, () => {});
    const netlink = openNetlink();
    return new LinuxHost({ ...options, netlink }, () => netlink.close());
  }

  private constructor(options: HostOptions & Pick<Kernel, "netlink">, close: () => void) {
    const { netlink, request = carryOut, sysRoot = "/sys", procRoot = "/proc", devRoot = "/dev", runRoot = "/run" } = options;
    this.#close = close;
    this.#kernel = { netlink, request: (long) => this.#track(request(long)), sysRoot, procRoot, devRoot, runRoot };
  }

  /**
   * One pass over this machine. It waits for the long requests of other NICs, as the kernel would make it wait, but
   * without stopping this thread. Throws NetlinkError when not even the links can be listed.
   */
  async observe(): Promise<HostState> {
    await Promise.allSettled(this.#requests);
    const kernel = this.#kernel;
    const kernelRelease = this.#kernelRelease();
    const pfs = findPfs(kernel.sysRoot, (address) => this.#busy.has(address));
    const links = findLinks(kernel);
    const netdevs = netdevsOf(links, kernel);
    const devlink = findDevlink(kernel);
    const holders = findHolders(
      pfs.flatMap((pf) => pf.vfs),
      kernel,
      links,
    );
    return {
      schema: "vflag/state/1",
      hostname: readText(join(kernel.procRoot, "sys/kernel/hostname")) ?? hostname(),
      kernel: kernelRelease,
      observedAt: new Date().toISOString(),
      pfs: pfs.map((pf) => describePf(kernel, kernelRelease, pf, links, devlink, holders)),
      netdevs,
      bonds: bondsOf(links),
      devlinkPorts: portsOf(devlink),
      representors: representorsOf(pfs, links, isUnknown(devlink.ports) ? [] : devlink.ports),
    };
  }

  /** Carries out one action. Throws ActionError; the reason is one line: what was tried, on what, what came back. */
  async perform(action: Action): Promise<void> {
    const functions = "vf" in action && typeof action.vf === "string" ? [action.vf] : action.kind === "set-vf-count" ? [action.pf] : [];
    for (const address of functions) this.#busy.set(address, (this.#busy.get(address) ?? 0) + 1);
    try {
      await this.#act(action);
    } catch (error) {
      const { code, message } = refusalOf(error, action.kind);
      // Where the kernel was asked by index, its answer does not say the name.
      const named = "netdev" in action && !message.includes(action.netdev) ? `${action.netdev}: ${message}` : message;
      throw new ActionError(action, code, named, { cause: error });
    } finally {
      for (const address of functions) this.#release(address);
    }
  }

  close(): void {
    this.#close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #act(action: Action): Promise<void> {
    const kernel = this.#kernel;
    switch (action.kind) {
      case "set-vf-autoprobe":
        return setAutoprobe(kernel, action.pf, action.on);
      case "set-vf-count":
        return setVfCount(kernel, action.pf, action.count);
      case "unbind-vf":
        return unbindVf(kernel, action.pf, action.vf, action.driver);
      case "bind-vf":
        return bindVf(kernel, action.pf, action.vf, action.driver);
      case "set-steering":
        return setSteering(kernel, action.pf, action.steering);
      case "set-inline":
        return setInline(kernel, action.pf, action.inline);
      case "set-encap":
        return setEncap(kernel, action.pf, action.encap);
      case "set-eswitch-mode":
        return setMode(kernel, action.pf, action.mode);
      case "set-tc-offload":
        return setTcOffload(kernel, this.#linkOf(action), action.on);
      case "set-channels":
        return setChannels(kernel, this.#linkOf(action), action.netdev, action.combined);
      case "set-vf-settings":
        return setVfSettings(kernel, this.#linkOf(action), action.vf, action.settings);
      case "activate-lag":
        return activateLag(kernel, this.#kernelRelease(), action.pf, action.seconds);
    }
  }

  /** A netdev by the index that it had when the action was asked for, else by its name. */
  #linkOf({ netdev, index }: { readonly netdev: string; readonly index?: number }): LinkReference {
    if (!isNetdevName(netdev)) throw new Refusal("EINVAL", `${JSON.stringify(netdev)} is no netdev's name`);
    return index ?? netdev;
  }

  #kernelRelease(): string {
    return readText(join(this.#kernel.procRoot, "sys/kernel/osrelease")) ?? release();
  }

  async #track(request: Promise<void>): Promise<void> {
    this.#requests.add(request);
    try {
      await request;
    } finally {
      this.#requests.delete(request);
    }
  }

  #release(address: string): void {
    const left = (this.#busy.get(address) ?? 1) - 1;
    if (left > 0) this.#busy.set(address, left);
    else this.#busy.delete(address);
  }
}

function describePf(
  kernel: Kernel,
  kernelRelease: string,
  pf: FoundPf,
  links: readonly FoundLink[],
  devlink: FoundDevlink,
  holders: ReturnType<typeof findHolders>,
): PhysicalFunction {
  const netdev = netdevOfPf(pf.address, links);
  const handle: Observed<string | null> = isUnknown(devlink.handles) ? devlink.handles : (devlink.handles.get(pf.address) ?? null);
  return {
    address: pf.address,
    vendor: pf.vendor,
    product: pf.product,
    model: pf.model,
    driver: pf.driver,
    ...(isUnknown(handle) ? { firmware: handle, serial: handle } : infoOf(kernel, handle)),
    iommuGroup: pf.iommuGroup,
    numaNode: pf.numaNode,
    netdev: netdev?.name ?? null,
    sriov: pf.sriov,
    vfs: pf.vfs.map((vf) => ({
      ...vf,
      holders: holders.get(vf.address) ?? [],
      settings: vfSettingsOf(netdev, vf.index),
    })),
    eswitch: observeEswitch(kernel, handle),
    lag: observeLag(kernel.sysRoot, kernelRelease, pf.address, pf.driver),
  };
}
