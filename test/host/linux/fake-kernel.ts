import type { Kernel } from "../../../src/host/linux/system/kernel.ts";
import { ProgramError } from "../../../src/host/linux/system/program.ts";
import {
  type Address,
  type Bond,
  type DeviceChannels,
  type DevlinkPort,
  type Eswitch,
  type Link,
  type LongRequest,
  NetlinkError,
  type ParamValue,
  type Qdisc,
  type Vf,
} from "../../../src/netlink/index.ts";

/**
 * A netlink that answers from data, and notes what is asked of it. Long requests are carried out on the data.
 */
export interface FakeNetlink {
  links: Link[];
  addresses: Address[];
  ports: DevlinkPort[];
  eswitches: Record<string, Eswitch>;
  steering: Record<string, ParamValue | undefined>;
  channels: DeviceChannels[];
  qdiscs: Qdisc[];
  /** What was asked for, in order. */
  readonly asked: unknown[];
}

export function fakeNetlink(data: Partial<FakeNetlink> = {}): FakeNetlink {
  return {
    links: [],
    addresses: [],
    ports: [],
    eswitches: {},
    steering: {},
    channels: [],
    qdiscs: [],
    asked: [],
    ...data,
  };
}

/** A kernel of a fake netlink and a tree as /sys and /proc. */
export function fakeKernel(
  root: string,
  fake: FakeNetlink = fakeNetlink(),
  overrides: Partial<Kernel> = {},
): Kernel {
  return {
    netlink: { route: route(fake), devlink: devlink(fake), ethtool: ethtool(fake) },
    request: async (request) => change(fake, request),
    sysRoot: `${root}/sys`,
    procRoot: `${root}/proc`,
    devRoot: "/dev",
    runRoot: `${root}/run`,
    filesRoot: root,
    run: (argv) =>
      Promise.reject(new ProgramError("ENOENT", `${argv.join(" ")}: no such program in this test`)),
    ...overrides,
  };
}

/** A link of a plain netdev. */
export function link(index: number, name: string, more: Partial<Link> = {}): Link {
  return {
    index,
    name,
    altNames: [],
    mac: "24:8a:07:00:00:01",
    permanentMac: null,
    infiniband: false,
    mtu: 1500,
    up: true,
    lowerUp: true,
    operstate: "up",
    master: null,
    link: null,
    linkNetnsId: null,
    kind: null,
    bond: null,
    slaveKind: null,
    bondSlave: null,
    switchId: null,
    portName: null,
    parent: null,
    vfCount: null,
    vfs: [],
    ...more,
  };
}

/** The link of a netdev on a PCI function. */
export function pciLink(index: number, name: string, device: string, more: Partial<Link> = {}): Link {
  return link(index, name, { parent: { bus: "pci", device }, ...more });
}

export function bond(mode: Bond["mode"], more: Partial<Bond> = {}): Bond {
  const still = { updelay: 0, downdelay: 0, arpInterval: 0, lacpRate: null };
  return { mode, miimon: 100, ...still, xmitHashPolicy: "layer3+4", activeSlave: null, lacp: null, ...more };
}

export function slaveOf(master: number, miiStatus: "up" | "down" = "up"): Partial<Link> {
  return {
    master,
    slaveKind: "bond",
    bondSlave: { state: "active", miiStatus, permanentMac: null, aggregator: 1 },
  };
}

export function vf(index: number, more: Partial<Vf> = {}): Vf {
  return {
    index,
    mac: "00:00:00:00:00:00",
    vlan: 0,
    qos: 0,
    spoofCheck: false,
    trust: false,
    linkState: "auto",
    minRate: 0,
    maxRate: 0,
    ...more,
  };
}

export function port(handle: string, index: number, more: Partial<DevlinkPort> = {}): DevlinkPort {
  return {
    handle,
    index,
    type: "eth",
    flavour: "physical",
    netdev: null,
    ifindex: null,
    number: null,
    pf: null,
    vf: null,
    sf: null,
    controller: null,
    external: null,
    ...more,
  };
}

function route(fake: FakeNetlink): Kernel["netlink"]["route"] {
  const note =
    (what: string) =>
    (...given: unknown[]): void =>
      void fake.asked.push([what, ...given]);
  return {
    listLinks: () => fake.links,
    listAddresses: () => fake.addresses,
    listQdiscs: () => fake.qdiscs,
    getLink: (reference) =>
      fake.links.find(({ index, name }) => index === reference || name === reference) ?? null,
    setVfMac: note("mac"),
    setVfTrust: note("trust"),
    setVfSpoofCheck: note("spoof check"),
    setVfLinkState: note("link state"),
  };
}

function devlink(fake: FakeNetlink): Kernel["netlink"]["devlink"] {
  return {
    isAvailable: () => true,
    listDevices: () => Object.keys(fake.eswitches),
    listPorts: () => fake.ports,
    getEswitch: (handle) => {
      const found = fake.eswitches[handle];
      if (found === undefined)
        throw new NetlinkError({
          request: `get eSwitch of ${handle}`,
          errno: 19,
          extack: null,
          attribute: null,
        });
      return found;
    },
    getParam: (handle, name) => {
      if (!(handle in fake.steering)) return null;
      const runtime = fake.steering[handle];
      return {
        handle,
        name,
        type: "string",
        generic: false,
        values: runtime === undefined ? {} : { runtime },
      };
    },
    getInfo: () => null,
  };
}

function ethtool(fake: FakeNetlink): Kernel["netlink"]["ethtool"] {
  const feature = { active: true, wanted: true, hw: true, noChange: false, fixed: false };
  const features = ({ index, name }: Link) => ({ index, name, features: { "hw-tc-offload": feature } });
  const find = (reference: number | string) =>
    fake.channels.find(({ index, name }) => index === reference || name === reference) ?? null;
  return {
    listFeatures: () => fake.links.map(features),
    listChannels: () => fake.channels,
    getChannels: find,
    setFeatures: (device, wanted) => void fake.asked.push(["features", device, wanted]),
    setCombinedChannels: (device, count) => void fake.asked.push(["channels", device, count]),
  };
}

function change(fake: FakeNetlink, request: LongRequest): void {
  fake.asked.push(request);
  if (request.kind === "setParam") {
    fake.steering[request.handle] = request.value;
    return;
  }
  const now = fake.eswitches[request.handle];
  if (now !== undefined) fake.eswitches[request.handle] = { ...now, ...request.change };
}
