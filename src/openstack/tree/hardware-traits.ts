import type { HostPorts } from "../nova/nova-host.ts";

/** A host's ports, and what tells whether two hosts are alike for a declaration. */
export interface Hardware {
  /** @param declaration its text: what it does not name makes no difference */
  key(declaration: string): string;
  read(): HostPorts | { readonly problem: string };
}

/** What can tell one host's hardware from another's, small enough to be kept for a fleet. */
export interface HardwareTraits {
  /** The ports and their VFs, as text. */
  readonly ports: string;
  /** The ports' interfaces. */
  readonly links: readonly Link[];
  /** The names of all other interfaces. */
  readonly others: readonly string[];
}

interface Link {
  readonly name: unknown;
  readonly place: readonly unknown[];
  readonly altNames: readonly unknown[];
  readonly macs: readonly unknown[];
}

/**
 * Takes out of a saved state what a rule or a selector can be about.
 * @param data the state, as it was read; it is not judged here
 */
export function hardwareTraits(data: unknown): HardwareTraits {
  const pfs = listIn(data, "pfs");
  const addresses = new Set(pfs.map((pf) => field(pf, "address")));
  const [links, others]: [Link[], string[]] = [[], []];
  for (const netdev of listIn(data, "netdevs")) {
    const name = field(netdev, "name");
    const device = field(netdev, "device");
    const altNames = listIn(netdev, "altNames");
    if (!addresses.has(device)) others.push(...[name, ...altNames].filter((one) => typeof one === "string"));
    else
      links.push({
        name,
        altNames,
        place: [device, field(netdev, "portName")],
        macs: [field(netdev, "mac"), field(netdev, "permanentMac")],
      });
  }
  return { ports: JSON.stringify(pfs, portFields), links, others };
}

/**
 * What tells hosts apart for a declaration. Addresses of interfaces, and their other names, differ
 * everywhere: they count only where the declaration asks for them.
 */
export function hardwareKey({ ports, links, others }: HardwareTraits, declaration: string): string {
  const asked = (name: unknown) => declaration.includes(JSON.stringify(name));
  const byMac = declaration.includes('"mac"');
  const names = links.map(({ name, place, altNames, macs }) => [
    name,
    place,
    altNames.filter(asked),
    byMac && macs,
  ]);
  return ports + JSON.stringify([names, others.filter(asked)]);
}

/** What a rule or a selector can be about of a port and its VFs. */
const portFields = [
  "address",
  "vendor",
  "product",
  "model",
  "netdev",
  "sriov",
  "total",
  "count",
  "offset",
  "stride",
  "vfProduct",
  "vfs",
  "index",
];

function listIn(data: unknown, name: string): unknown[] {
  const list = field(data, name);
  return Array.isArray(list) ? list : [];
}

function field(data: unknown, name: string): unknown {
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>)[name] : undefined;
}
