import { hostname, release } from "node:os";
import { join } from "node:path";
import { carryOut, openNetlink } from "../../netlink/index.ts";
import type { Action } from "../actions/action.ts";
import { has, traitsOf } from "../actions/action-table.ts";
import { cardsOf } from "../cards.ts";
import { glanced } from "../glance.ts";
import { ActionError, type Host } from "../host.ts";
import type { Attempt } from "../state/attempts.ts";
import { isUnknown, known, type Observed, unknown } from "../state/observed.ts";
import type { HostState, PhysicalFunction } from "../state/state.ts";
import type { PciAddress } from "../state/values.ts";
import { act } from "./act.ts";
import { keepAttempt, readAttempts } from "./boot/attempts.ts";
import { findFiles, findUnits } from "./boot/installation.ts";
import { findVfMakers } from "./boot/vf-makers.ts";
import { describePf, type InfoOf, withLagsOfLog } from "./describe-pf.ts";
import { findDevlink, portsOf } from "./eswitch/devlink.ts";
import { keepRefused, readRefused } from "./eswitch/refused-settings.ts";
import type { FirmwareToolChoice } from "./firmware/firmware.ts";
import { findGuests } from "./guests/guests.ts";
import { findHolders } from "./guests/holders.ts";
import { findHostUsers } from "./guests/host-users.ts";
import { KeptAnswers } from "./kept-answers.ts";
import { isToldByLog, observeLag, withAgreedLags } from "./lag/lag.ts";
import { bondsOf, findLinks, netdevsOf } from "./links/links.ts";
import { representorsOf } from "./links/representors.ts";
import { kernelLinesOf } from "./log/kernel-lines.ts";
import { KernelLogReader } from "./log/kernel-log.ts";
import { findOpenStack } from "./openstack.ts";
import { findFlows } from "./ovs/flows.ts";
import { findIngressQdiscs } from "./ovs/ingress-qdiscs.ts";
import { findOvs, type OvsLookup } from "./ovs/ovs.ts";
import { findPf, findPfs, findSriov } from "./pci/pci.ts";
import { findPlatform } from "./platform.ts";
import type { Kernel } from "./system/kernel.ts";
import { inOwnSession } from "./system/program.ts";
import { refusalOf } from "./system/refusal.ts";
import { pciPath, readLinkName, readText } from "./system/sysfs.ts";

/** Where the kernel is found. A test may put other roots, or a fake netlink, in place of each. */
export interface HostOptions extends Partial<Kernel> {
  /** `nics`: without what surrounds them (files, units), for which programs have to be started. */
  readonly looks?: "everything" | "nics";
  /** Who uses the VFs, and which flows there are: what is shown, and decides nothing about actions. */
  readonly evidence?: boolean;
  /** The program that asks the cards' firmware; null: they are not asked. */
  readonly firmwareTool?: FirmwareToolChoice | null;
  /** The path of vflag, as units shall start it. */
  readonly program?: Observed<string | null>;
  /** Where Open vSwitch is. */
  readonly ovs?: OvsLookup | undefined;
}

const notLooked = unknown("this command does not look at it");

/**
 * This machine: its NICs through netlink, sysfs and debugfs; what surrounds them with the programs that know
 * it.
 *
 * @example
 * using host = LinuxHost.open();
 * const state = await host.observe();
 */
export class LinuxHost implements Host, Disposable {
  readonly #kernel: Kernel;
  readonly #everything: boolean;
  readonly #evidence: boolean;
  readonly #program: Observed<string | null>;
  readonly #ovs: OvsLookup;
  readonly #close: () => void;
  /** PCI functions on which an action is under way. */
  readonly #busy = new Map<string, number>();
  readonly #log: KernelLogReader;
  readonly #kept: KeptAnswers;
  /** Long requests under way: the kernel answers nobody else about a device meanwhile. */
  readonly #requests = new Set<Promise<void>>();

  /** Opens the netlink sockets, in the network namespace of the calling thread. Throws NetlinkError. */
  static open(options: HostOptions = {}): LinuxHost {
    if (options.netlink !== undefined)
      return new LinuxHost({ ...options, netlink: options.netlink }, () => {});
    const netlink = openNetlink();
    return new LinuxHost({ ...options, netlink }, () => netlink.close());
  }

  private constructor(options: HostOptions & Pick<Kernel, "netlink">, close: () => void) {
    const {
      netlink,
      request = carryOut,
      sysRoot = "/sys",
      procRoot = "/proc",
      devRoot = "/dev",
      runRoot = "/run",
      filesRoot = "",
      run = inOwnSession,
      looks = "everything",
      evidence = looks === "everything",
      firmwareTool = "auto",
      program = null,
      ovs = { engine: "auto" },
    } = options;
    this.#close = close;
    this.#program = program;
    this.#ovs = ovs;
    this.#everything = looks === "everything";
    this.#evidence = evidence;
    const tracked: Kernel["request"] = (long) => this.#track(request(long));
    this.#kernel = { netlink, request: tracked, sysRoot, procRoot, devRoot, runRoot, filesRoot, run };
    this.#log = new KernelLogReader(this.#kernel);
    this.#kept = new KeptAnswers(this.#kernel, firmwareTool);
  }

  /**
   * One pass over this machine. It waits for the long requests of other NICs, as the kernel would make it
   * wait, but without stopping this thread. Throws NetlinkError when not even the links can be listed.
   */
  async observe(): Promise<HostState> {
    await Promise.allSettled(this.#requests);
    const kernel = this.#kernel;
    const kernelRelease = this.#kernelRelease();
    const pfs = findPfs(kernel.sysRoot, (address) => this.#busy.has(address));
    const links = findLinks(kernel);
    const netdevs = netdevsOf(links, kernel);
    const devlink = findDevlink(kernel);
    const users = findHostUsers(kernel, links);
    const vfs = pfs.flatMap((pf) => pf.vfs);
    const holders = findHolders(vfs, kernel, links, undefined, users);
    const info: InfoOf = (handle, netdev) => this.#kept.info(handle, netdev);
    const first = pfs.map((pf) =>
      describePf(kernel, kernelRelease, pf, info, links, devlink, holders, users),
    );
    const readLag = ({ address, driver }: PhysicalFunction) =>
      observeLag(kernel.sysRoot, kernelRelease, address, driver);
    const described = await withAgreedLags(first, cardsOf({ pfs: first, netdevs }), readLag);
    const bonds = bondsOf(links);
    const old = described.some(({ lag }) => isToldByLog(lag, kernelRelease));
    const log = this.#everything ? await this.#log.read() : old ? this.#log.readNow() : notLooked;
    const pfsSeen = old ? withLagsOfLog(described, kernelRelease, log, { netdevs, bonds }) : described;
    const ingressQdiscs = this.#everything ? findIngressQdiscs(kernel, links) : notLooked;
    const ovs = this.#everything ? await findOvs(kernel, this.#ovs, ingressQdiscs) : notLooked;
    const vfMakers = this.#everything ? findVfMakers(kernel) : notLooked;
    return {
      schema: "vflag/state/1",
      hostname: readText(join(kernel.procRoot, "sys/kernel/hostname")) ?? hostname(),
      kernel: kernelRelease,
      observedAt: new Date().toISOString(),
      pfs: pfsSeen,
      netdevs,
      bonds,
      devlinkPorts: portsOf(devlink),
      representors: representorsOf(pfs, links, isUnknown(devlink.ports) ? [] : devlink.ports),
      program: this.#program,
      files: this.#everything ? findFiles(kernel) : notLooked,
      units: this.#everything ? await findUnits(kernel, known(vfMakers) ?? []) : notLooked,
      firmware: this.#everything ? await this.#kept.firmware({ pfs: described, netdevs }) : notLooked,
      ovs,
      ingressQdiscs,
      platform: this.#everything ? await findPlatform(kernel, this.#kept.bootLoader(), log) : notLooked,
      openStack: this.#everything ? findOpenStack(kernel.filesRoot) : notLooked,
      ovsLog: this.#everything ? await this.#kept.ovsLog(ovs) : notLooked,
      kernelLog: this.#everything ? kernelLinesOf(log, { pfs: pfsSeen, bonds }) : notLooked,
      guests: this.#evidence ? findGuests(described, kernel) : notLooked,
      flows: this.#evidence ? await findFlows(kernel.run, ovs, links) : notLooked,
      kernelOptions: this.#kept.kernelOptions(kernelRelease),
      refused: readRefused(kernel),
      attempts: readAttempts(kernel),
      vfMakers,
    };
  }

  /** By sysfs alone: netlink's answers wait for whoever makes or names netdevs. */
  async glance(
    before: HostState,
    pfs: readonly PciAddress[],
    looks: "vfs" | "pfs",
  ): Promise<HostState | null> {
    const found = pfs.map((address) => {
      if (looks === "vfs") return findPf(this.#kernel.sysRoot, address, (busy) => this.#busy.has(busy));
      const now = findSriov(this.#kernel.sysRoot, address);
      const then = before.pfs.find((pf) => pf.address === address);
      return now === null || then === undefined || now.sriov?.count !== then.vfs.length
        ? null
        : { address, ...now, vfs: then.vfs };
    });
    const there = found.filter((pf) => pf !== null);
    return there.length < found.length ? null : glanced(before, there);
  }

  /**
   * Carries out one action. Throws ActionError; the reason is one line: what was tried, on what, what came
   * back.
   */
  async perform(action: Action): Promise<void> {
    const functions = has(action, "locks", "vf")
      ? [action.vf]
      : has(action, "locks", "pf")
        ? [action.pf]
        : [];
    for (const address of functions) this.#busy.set(address, (this.#busy.get(address) ?? 0) + 1);
    try {
      await act(this.#kernel, action, (pf) => this.#lagOf(pf));
    } catch (error) {
      const { code, message } = refusalOf(error, action.kind);
      await this.#keepRefused(action, code, message);
      // Where the kernel was asked by index, its answer does not say the name.
      const named =
        "netdev" in action && !message.includes(action.netdev) ? `${action.netdev}: ${message}` : message;
      throw new ActionError(action, code, named, { cause: error });
    } finally {
      this.#kept.forgetAfter(traitsOf(action).rereads);
      for (const address of functions) this.#release(address);
    }
  }

  keepAttempt(attempt: Attempt): Promise<void> {
    return keepAttempt(this.#kernel, attempt);
  }

  /**
   * Lets go of what was read once although it changes without an action: whoever looks for hours reads it
   * again.
   */
  forget(): void {
    this.#kept.forget();
  }

  close(): void {
    this.#close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The firmware's version is that of the last look. */
  async #keepRefused(action: Action, code: string | null, words: string): Promise<void> {
    if (!("pf" in action)) return;
    const firmware = this.#kept.firmwareVersion(action.pf);
    const driver = readLinkName(join(pciPath(this.#kernel.sysRoot, action.pf), "driver"));
    const pfs = [{ address: action.pf, driver, firmware }];
    await keepRefused(this.#kernel, action, code, words, { kernel: this.#kernelRelease(), pfs });
  }

  /** The LAG of a PF's card as it is now. */
  #lagOf(address: PciAddress): PhysicalFunction["lag"] {
    const kernel = this.#kernel;
    const kernelRelease = this.#kernelRelease();
    const pfs = findPfs(kernel.sysRoot, () => true);
    const driver = pfs.find((pf) => pf.address === address)?.driver ?? null;
    const lag = observeLag(kernel.sysRoot, kernelRelease, address, driver);
    if (!isToldByLog(lag, kernelRelease)) return lag;
    const links = findLinks(kernel);
    const devlink = findDevlink(kernel);
    const info: InfoOf = (handle, netdev) => this.#kept.info(handle, netdev);
    const described = pfs.map((pf) =>
      describePf(kernel, kernelRelease, pf, info, links, devlink, new Map(), new Map()),
    );
    const rest = { netdevs: netdevsOf(links, kernel), bonds: bondsOf(links) };
    return (
      withLagsOfLog(described, kernelRelease, this.#log.readNow(), rest).find((pf) => pf.address === address)
        ?.lag ?? null
    );
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
