import { join } from "node:path";
import {
  type KernelEvent,
  type KernelEventOptions,
  openKernelEvents,
  openNetlink,
} from "../../netlink/index.ts";
import type { HostEvent, Part, WatchableHost } from "../events.ts";
import { isUnknown } from "../state/observed.ts";
import type { HostState } from "../state/state.ts";
import { type HostOptions, LinuxHost } from "./host.ts";
import { findLinks } from "./links/links.ts";
import { followKernelLog } from "./log/follow-log.ts";
import { findIngressQdiscs } from "./ovs/ingress-qdiscs.ts";
import { findOvs } from "./ovs/ovs.ts";
import { monitorOvsdb } from "./ovs/ovsdb-monitor.ts";
import { inOwnSession } from "./system/program.ts";

export interface LinuxWatchOptions extends Omit<HostOptions, "looks"> {
  readonly kernelEvents?: KernelEventOptions;
}

/**
 * Subsystems whose devices and drivers have to do with NICs. Queues, power supplies and disks come and go
 * too.
 */
const subsystems = new Set(["pci", "net", "auxiliary", "drivers"]);

/**
 * This machine, watched: it hears of links, qdiscs, devlink, ethtool, devices, the kernel log and Open
 * vSwitch's database, and looks again at no more than what an event is about.
 *
 * @example
 * using watch = LinuxWatch.open();
 * const before = await watch.look(new Set(["everything"]));
 * using events = watch.listen(async ({ parts }) => changesBetween(before, await watch.look(new Set(parts),
 * before), spec));
 */
export class LinuxWatch implements WatchableHost, Disposable {
  readonly #all: LinuxHost;
  readonly #nics: LinuxHost;
  readonly #options: LinuxWatchOptions & Required<Pick<HostOptions, "netlink">>;
  readonly #close: () => void;
  /** The PFs that were seen last: what the kernel log says of them is told. */
  #pfs: readonly string[] = [];

  /** Opens the netlink sockets, in the network namespace of the calling thread. Throws NetlinkError. */
  static open(options: LinuxWatchOptions = {}): LinuxWatch {
    if (options.netlink !== undefined)
      return new LinuxWatch({ ...options, netlink: options.netlink }, () => {});
    const netlink = openNetlink();
    return new LinuxWatch({ ...options, netlink }, () => netlink.close());
  }

  private constructor(
    options: LinuxWatchOptions & Required<Pick<HostOptions, "netlink">>,
    close: () => void,
  ) {
    this.#options = options;
    this.#close = close;
    this.#all = LinuxHost.open({ ...options, looks: "everything" });
    this.#nics = LinuxHost.open({ ...options, looks: "nics" });
  }

  async look(parts: ReadonlySet<Part>, before?: HostState): Promise<HostState> {
    const state =
      before === undefined || parts.has("everything")
        ? await this.#lookAtAll()
        : await this.#lookAt(parts, before);
    this.#pfs = state.pfs.map(({ address }) => address);
    return state;
  }

  listen(hear: (event: HostEvent) => void): Disposable {
    const { runRoot = "/run", devRoot = "/dev" } = this.#options;
    using stack = new DisposableStack();
    const kernel = stack.use(
      openKernelEvents((event) => this.#heard(event, hear), this.#options.kernelEvents),
    );
    for (const text of kernel.missing)
      hear({ parts: [], notice: { kind: "source", text: `${text}: looked at in intervals only` } });
    const lost = () =>
      hear({
        parts: ["everything"],
        notice: { kind: "lost", text: "lines of the kernel log were overwritten unread" },
      });
    const log = followKernelLog({ devRoot, lost, hear: (text) => this.#logged(text, hear) });
    if (isUnknown(log)) hear({ parts: [], notice: { kind: "source", text: log.unknown } });
    else stack.use(log);
    const reachable = (now: boolean) =>
      hear({
        parts: ["ovs"],
        notice: { kind: "source", text: `Open vSwitch's database ${now ? "is heard" : "went away"}` },
      });
    stack.use(
      monitorOvsdb({
        path: join(runRoot, "openvswitch/db.sock"),
        changed: () => hear({ parts: ["ovs"] }),
        reachable,
      }),
    );
    return stack.move();
  }

  [Symbol.dispose](): void {
    this.#all.close();
    this.#nics.close();
    this.#close();
  }

  #lookAtAll(): Promise<HostState> {
    this.#all.forget();
    return this.#all.observe();
  }

  /** The NICs are cheap to look at, and what Open vSwitch does may be their doing. */
  async #lookAt(parts: ReadonlySet<Part>, before: HostState): Promise<HostState> {
    const { observedAt, pfs, netdevs, bonds, devlinkPorts, representors } = await this.#nics.observe();
    const {
      netlink,
      sysRoot = "/sys",
      runRoot = "/run",
      filesRoot = "",
      run = inOwnSession,
      ovs: lookup = { engine: "auto" },
    } = this.#options;
    const ingressQdiscs = findIngressQdiscs({ netlink }, findLinks({ netlink, sysRoot }));
    const ovs = parts.has("ovs")
      ? await findOvs({ run, runRoot, filesRoot }, lookup, ingressQdiscs)
      : before.ovs;
    return { ...before, observedAt, pfs, netdevs, bonds, devlinkPorts, representors, ingressQdiscs, ovs };
  }

  #heard(event: KernelEvent, hear: (event: HostEvent) => void): void {
    if (event.kind === "lost") {
      const text =
        `the kernel had more to tell of ${event.what} than could be read in time: everything ` +
        `is looked at again`;
      hear({ parts: ["everything"], notice: { kind: "lost", text } });
    } else if (event.kind !== "device" || subsystems.has(event.subsystem ?? "")) hear({ parts: ["nics"] });
  }

  #logged(text: string, hear: (event: HostEvent) => void): void {
    const concerns =
      this.#pfs.some((pf) => text.includes(pf)) || (text.includes("mlx5") && /\blag\b/i.test(text));
    if (concerns && !text.includes(": renamed from "))
      hear({ parts: ["nics"], notice: { kind: "log", text } });
  }
}
