/*
 * Runs inside a network namespace of its own (see kernel.test.ts) that has the veth pair v0, v1 and the
 * bridge br0, tries the client against the kernel, and prints what it saw as JSON.
 */
import {
  channelsAttributes,
  featuresAttributes,
  stringSetAttributes,
} from "../../src/netlink/ethtool/ethtool-attributes.ts";
import { getDriverInfo, NetlinkError, openNetlink } from "../../src/netlink/index.ts";
import { GenericNetlink } from "../../src/netlink/transport/generic.ts";

using netlink = openNetlink();
const { route, ethtool } = netlink;

/** What a call gives, or what it throws, in words. */
async function told(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return error instanceof NetlinkError ? { code: error.code, message: error.message } : String(error);
  }
}

function up(): boolean | undefined {
  return route.getLink("v0")?.up;
}

function segmentation(): boolean | undefined {
  return ethtool.getFeatures("v0", ["tx-tcp-segmentation"]).features["tx-tcp-segmentation"]?.active;
}

/** Whether v0 is up, before and after each setting. */
function upAndDown(): (boolean | undefined)[] {
  const states = [up()];
  for (const on of [true, false]) {
    route.setLinkUp("v0", on);
    states.push(up());
  }
  return states;
}

function switchOff(): (boolean | undefined)[] {
  const before = segmentation();
  ethtool.setFeatures("v0", { "tx-tcp-segmentation": false });
  return [before, segmentation()];
}

/**
 * Active features of v0 by name, once from the compact bitset and our table of names, once as the kernel
 * names them.
 */
function activeFeatures(): { ours: string[]; kernel: string[] } {
  using generic = new GenericNetlink();
  const ask = (command: number, attributes: readonly Buffer[]) => {
    const [answer] = generic.request("ethtool", { what: "ask", command, attributes });
    return answer ?? Buffer.alloc(0);
  };
  const bits = featuresAttributes.decode(ask(11, featuresAttributes.encode({ header: { name: "v0" } })))
    .active?.bits?.bit;
  const sets = stringSetAttributes.decode(
    ask(1, stringSetAttributes.encode({ header: {}, sets: [{ id: 4 }] })),
  ).sets;
  const names = (sets?.[0]?.strings ?? []).map(({ value }) => value ?? "");
  const features = Object.entries(ethtool.getFeatures("v0", names).features);
  return {
    ours: features.flatMap(([name, { active }]) => (active ? name : [])).sort(),
    kernel: (bits ?? []).map(({ name }) => name ?? "").sort(),
  };
}

/** Asks for the channels of a device, or sets them, while this thread goes on. */
async function channelsInThread(name: string, combinedCount?: number): Promise<number | undefined> {
  using generic = new GenericNetlink();
  const request = {
    what: `set ${combinedCount} combined channels on ${name}`,
    command: combinedCount === undefined ? 17 : 18,
  };
  const attributes = channelsAttributes.encode({
    header: { name },
    ...(combinedCount !== undefined && { combinedCount }),
  });
  const [answer] = await generic.requestInThread("ethtool", { ...request, attributes });
  return answer && channelsAttributes.decode(answer).rxCount;
}

const seen = {
  links: route.listLinks(),
  qdiscs: route.listQdiscs(),
  byAltName: route.getLink("a-long-alternative-name")?.name,
  missing: [route.getLink("nosuch"), route.getLink(9999), route.getLink("nosuch-and-a-long-name-too")],
  upAndDown: upAndDown(),
  upMissing: await told(() => route.setLinkUp("nosuch", true)),
  vfOfVeth: await told(() => route.setVfTrust("v0", 0, true)),
  features: ethtool.listFeatures(["hw-tc-offload", "tx-tcp-segmentation", "nosuch"]),
  activeFeatures: activeFeatures(),
  featureOff: switchOff(),
  fixedFeature: await told(() => ethtool.setFeatures("v0", { "hw-tc-offload": true })),
  unknownFeature: await told(() => ethtool.setFeatures("v0", { nosuch: true })),
  channels: ethtool.listChannels(),
  channelsOfBridge: ethtool.getChannels("br0"),
  tooManyChannels: await told(() => ethtool.setCombinedChannels("v0", 100)),
  driver: getDriverInfo("v0").driver,
  driverMissing: await told(() => getDriverInfo("nosuch")),
  inThread: await told(() => channelsInThread("v0")),
  inThreadRefused: await told(() => channelsInThread("v0", 100)),
  noDevlink: netlink.devlink.isAvailable() ? null : await told(() => netlink.devlink.listPorts()),
};

export type Seen = typeof seen;

process.stdout.write(JSON.stringify(seen));
