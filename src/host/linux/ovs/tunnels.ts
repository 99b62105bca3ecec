import { type Tunnel, tunnelTypes } from "../../ovs/flows.ts";
import type { Ovs } from "../../ovs/ovs.ts";
import { isNetdevName } from "../../state/values.ts";
import { mustRun, type RunProgram } from "../system/program.ts";
import { ovsLimit, patiently } from "./ovs.ts";
import { parseTables } from "./ovsdb.ts";

/** A link, as far as it shows what it stands on. */
interface Lower {
  readonly index: number;
  readonly name: string;
  readonly link: number | null;
  readonly linkNetnsId: number | null;
}

/** Tunnels of one host share one address or a few: so many are looked up. */
const mostAddresses = 8;

/**
 * By which netdevs Open vSwitch's tunnels leave: the one with their own address, or with the route to a
 * remote one, as ovs-vswitchd knows the kernel's routes. Source: openvswitch lib/ovs-router.c,
 * ovs_router_lookup_cmd(); ovs-vswitchd.conf.db(5), options:local_ip.
 */
export async function findTunnels(run: RunProgram, ovs: Ovs, links: readonly Lower[]): Promise<Tunnel[]> {
  const used = ovs.bridges.some(({ interfaces }) => interfaces.some(({ type }) => isTunnel(type)));
  if (!used) return [];
  const question = ["ovs-vsctl", "--format=json", "--columns=type,options", "list", "Interface"];
  const [rows = []] = parseTables(
    await mustRun(run, patiently(ovs.source, question), { limit: ovsLimit }),
    1,
  );
  const ends = new Map<string, Omit<Tunnel, "via">>();
  for (const row of rows) {
    const type = row.text("type");
    const options = row.map("options");
    const address = [options.get("local_ip"), options.get("remote_ip")].find(
      (each) => each !== undefined && isAddress(each),
    );
    if (isTunnel(type) && address !== undefined && ends.size < mostAddresses)
      ends.set(`${type} ${address}`, { type, address });
  }
  const found: Tunnel[] = [];
  for (const end of ends.values()) {
    const { stdout } = await run(patiently(ovs.source, ["ovs-appctl", "ovs/route/lookup", end.address]), {
      limit: ovsLimit,
    });
    found.push({ ...end, via: withLower(/^dev (\S+)$/m.exec(stdout)?.[1], links) });
  }
  return found;
}

function isTunnel(type: string): type is Tunnel["type"] {
  return tunnelTypes.some((known) => known === type);
}

/** Not `flow`, which leaves the address to the flows, and no name. */
function isAddress(text: string): boolean {
  return /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]*)$/i.test(text);
}

/** A VLAN stands on another netdev. */
function withLower(name: string | undefined, links: readonly Lower[]): string[] {
  const found: string[] = [];
  for (let next = name; next !== undefined && isNetdevName(next) && !found.includes(next); ) {
    found.push(next);
    const link = links.find((candidate) => candidate.name === next);
    const below = link?.linkNetnsId === null ? link.link : null;
    next = below === null ? undefined : links.find(({ index }) => index === below)?.name;
  }
  return found;
}
