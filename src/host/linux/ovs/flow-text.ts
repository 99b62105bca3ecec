import type { FlowTally } from "../../ovs/flows.ts";

/**
 * What `ovs-appctl dpctl/dump-flows -m` prints, one flow a line, which is broken here:
 *
 *     ufid:UUID, in_port(NAME),eth(src=A,dst=B),...,
 *     packets:N, bytes:N, used:1.2s, offloaded:yes, dp:tc, actions:...
 *
 * Releases differ in what stands between, and in whether a port is a name or a number. Source: openvswitch
 * lib/dpctl.c, format_dpif_flow(); lib/odp-util.c, odp_flow_format() and format_odp_actions(); lib/dpif.c,
 * dpif_flow_stats_format().
 */

export interface ReadFlows {
  readonly tallies: FlowTally[];
  readonly listed: number;
  readonly notUnderstood: number;
  /** Flows that are listed, and in no tally because there are too many kinds of them. */
  readonly notAdded: number;
}

interface Flow extends Omit<FlowTally, "flows" | "example"> {
  readonly text: string;
}

/** `most`: how many packets the example has. */
interface Sum {
  readonly tally: FlowTally;
  readonly most: number;
}

/** So many kinds of flows are told apart. */
const mostTallies = 8192;

/** No flow takes a tenth of it: one that goes out of a thousand ports has 20 kB. */
const longestLine = 256 * 1024;

/** Adds the flows of a list up. @param ports names by number, where the list has numbers */
export function readFlows(text: string, ports: ReadonlyMap<number, string>): ReadFlows {
  const tallies = new Map<string, Sum>();
  let listed = 0;
  let notUnderstood = 0;
  let notAdded = 0;
  for (const line of linesOf(text)) {
    if (line.length > longestLine) {
      notUnderstood++;
      continue;
    }
    if (line === "" || /^flow-dump from .*:?$/.test(line)) continue;
    const flow = flowIn(line, ports);
    if (flow === null) {
      notUnderstood++;
      continue;
    }
    listed++;
    const { inPort, layer, offloaded, kind, to } = flow;
    const key = JSON.stringify([inPort, layer, offloaded, kind, to]);
    const sum = tallies.get(key);
    if (sum === undefined && tallies.size >= mostTallies) notAdded++;
    else tallies.set(key, added(sum, flow));
  }
  // A part of a string keeps the whole of it in memory; a copy does not.
  return {
    tallies: structuredClone([...tallies.values()].map(({ tally }) => tally)),
    listed,
    notUnderstood,
    notAdded,
  };
}

function* linesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf("\n", from);
    yield text.slice(from, end < 0 ? text.length : end).trim();
    from = end < 0 ? text.length : end + 1;
  }
}

function added(sum: Sum | undefined, { text, ...flow }: Flow): Sum {
  if (sum === undefined)
    return { tally: { ...flow, flows: 1, example: exampleOf(text) }, most: flow.packets };
  const { tally, most } = sum;
  const idle =
    tally.idle === null || flow.idle === null ? (tally.idle ?? flow.idle) : Math.min(tally.idle, flow.idle);
  const sums = {
    flows: tally.flows + 1,
    packets: safe(tally.packets + flow.packets),
    bytes: safe(tally.bytes + flow.bytes),
    idle,
  };
  if (flow.packets <= most) return { tally: { ...tally, ...sums }, most };
  return { tally: { ...tally, ...sums, example: exampleOf(text) }, most: flow.packets };
}

/** So much of a line is looked at for the example. */
const longestExample = 4096;

/** A flow's line without its id and without what it does not look at. */
function exampleOf(line: string): string {
  const text = line
    .slice(0, longestExample)
    .replace(/^ufid:[^,]*,\s*/, "")
    .replace(/[a-z_]+\((?:[a-z]+=)?0\/0(?:,[a-z]+=0\/0)*\),?/g, "");
  return text.length <= 300 ? text : `${text.slice(0, 297)}...`;
}

/** A flow, or null where the line is none. */
function flowIn(line: string, ports: ReadonlyMap<number, string>): Flow | null {
  const at = /(?:^|,\s*)actions:/.exec(line);
  if (at === null) return null;
  const fields = new Map<string, string>();
  const told = new Map<string, string>();
  for (const part of partsOf(line.slice(0, at.index))) {
    const [, name, value] = /^([a-z][a-z0-9_-]*):(.*)$/i.exec(part) ?? [];
    const [, field, inside] = /^([a-z][a-z0-9_]*)\((.*)\)$/is.exec(part) ?? [];
    if (name !== undefined && value !== undefined) told.set(name, value.trim());
    else if (field !== undefined && inside !== undefined) fields.set(field, inside);
  }
  const packets = wholeNumber(told.get("packets"));
  const bytes = wholeNumber(told.get("bytes"));
  if (packets === null || bytes === null || fields.size === 0) return null;
  const layer = told.get("dp") ?? null;
  const actions = partsOf(line.slice(at.index + at[0].length)).filter(
    (part) => !part.startsWith("dp-extra-info:"),
  );
  const kind = kindOf(fields, actions);
  const named = (port: string) => ports.get(wholeNumber(port) ?? -1) ?? port;
  const inPort = fields.get("in_port")?.replace(/\/.*$/s, "");
  return {
    inPort: inPort === undefined || inPort === "" ? null : named(inPort),
    layer,
    offloaded: told.get("offloaded") ?? (layer === null ? null : "no"),
    kind,
    to: kind === "traffic" ? [...new Set(outputsOf(actions).map(named))].sort() : [],
    packets,
    bytes,
    idle: secondsOf(told.get("used")),
    text: line,
  };
}

/** The parts between commas that are not within parentheses. */
function partsOf(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const mark = text.charCodeAt(at);
    if (mark === 0x28) depth++;
    else if (mark === 0x29) depth = Math.max(0, depth - 1);
    else if (mark === 0x2c && depth === 0) {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  parts.push(text.slice(from).trim());
  return parts.filter((part) => part !== "");
}

const slowTypes = new Set([0x88cc, 0x8809]);

function kindOf(fields: ReadonlyMap<string, string>, actions: readonly string[]): FlowTally["kind"] {
  const kind = kindOfMatch(fields);
  const passed = actions.filter((action) => /(?:^|[(,])(?:userspace|controller)\(/.test(action));
  // Copies for sFlow and IPFIX: the packets themselves go their way, which these keep out of hardware.
  if (
    passed.some((action) => !/\b(?:sFlow|flow_sample|ipfix)\(/i.test(action)) ||
    passed.length === actions.length
  )
    return passed.some(isSlowPath) && kind === "traffic" && !isNeighbourDiscovery(fields)
      ? "slow-path"
      : "userspace";
  return actions.every((action) => action === "drop") ? "drop" : kind;
}

/**
 * ovs-vswitchd forwards the packets itself: the datapath knows an action not (`action`), or cannot match
 * closely enough (`match`). Other reasons are protocols that ovs-vswitchd speaks. Source: openvswitch
 * lib/odp-util.h, SLOW_PATH_REASONS.
 */
function isSlowPath(action: string): boolean {
  return /\bslow_path\([a-z|]*\b(?:action|match)\b/.test(action);
}

/** What a flow's packets are, by what it matches. */
function kindOfMatch(
  fields: ReadonlyMap<string, string>,
): "traffic" | "arp" | "multicast" | "control" | "new-connection" {
  const type = etherType(fields);
  const destination = /(?:^|,)dst=([0-9a-f:]{17})(?:\/([0-9a-f:]{17}))?/i.exec(fields.get("eth") ?? "");
  const [, address = "", mask = "ff"] = destination ?? [];
  // IEEE 802.1D and 802.1Q: bridges do not forward these.
  if ((type !== null && slowTypes.has(type)) || /^01:80:c2:00:00:0/i.test(address)) return "control";
  if (type === 0x0806) return "arp";
  if ((firstByte(address) & firstByte(mask) & 1) === 1) return "multicast";
  return isNewConnection(fields.get("ct_state") ?? "") ? "new-connection" : "traffic";
}

/** Neighbour solicitation and advertisement (RFC 4861): IPv6's ARP. */
function isNeighbourDiscovery(fields: ReadonlyMap<string, string>): boolean {
  return /(?:^|,)type=13[56]\b/.test(fields.get("icmpv6") ?? "");
}

function firstByte(address: string): number {
  return Number.parseInt(address.slice(0, 2), 16) || 0;
}

/** The innermost type: a VLAN's is within encap(). */
function etherType(fields: ReadonlyMap<string, string>): number | null {
  const inner = /(?:^|[(,])eth_type\((0x[0-9a-f]+)/gi;
  const types = [...(fields.get("encap") ?? "").matchAll(inner)].map(([, type]) => Number(type));
  const own = /^0x[0-9a-f]+/i.exec(fields.get("eth_type") ?? "")?.[0];
  return types.at(-1) ?? (own === undefined ? null : Number(own));
}

/**
 * Whether connection tracking has the packet as new, related or invalid: `0x21/0x23`, `+new-est+trk`, or
 * `new|trk`. Source: linux include/uapi/linux/openvswitch.h, OVS_CS_F_NEW, _RELATED and _INVALID.
 */
function isNewConnection(state: string): boolean {
  const [, value, mask = value] = /^(0x[0-9a-f]+|\d+)(?:\/(0x[0-9a-f]+|\d+))?$/i.exec(state) ?? [];
  if (value !== undefined) return (Number(value) & Number(mask) & 0x15) !== 0;
  return /(?:^|[|+])(?:new|rel|inv)(?=$|[|+-])/.test(state);
}

/** Actions without parentheses that are no ports. Source: openvswitch lib/odp-util.c, format_odp_action(). */
const bareWords = new Set(["drop", "pop_vlan", "pop_eth", "pop_nsh", "ct_clear", "truncate", "nat"]);

/** The ports that a flow goes out of, also within `clone(...)`, `sample(...)` and `check_pkt_len(...)`. */
function outputsOf(actions: readonly string[]): string[] {
  return actions.flatMap((action) => {
    const [, name = "", inside] = /^([a-z][a-z0-9_]*)\((.*)\)$/is.exec(action) ?? [];
    if (inside === undefined) return bareWords.has(action) ? [] : [action];
    if (["clone", "actions", "gt", "le"].includes(name)) return outputsOf(partsOf(inside));
    if (["sample", "check_pkt_len"].includes(name))
      return outputsOf(partsOf(inside).filter((part) => /^(?:actions|gt|le)\(/.test(part)));
    return [];
  });
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? safe(Number(text)) : null;
}

function safe(number: number): number {
  return Math.min(number, Number.MAX_SAFE_INTEGER);
}

function secondsOf(text: string | undefined): number | null {
  const found = /^(\d+(?:\.\d+)?)s?$/.exec(text ?? "")?.[1];
  return found === undefined ? null : Number(found);
}

/** The names of a datapath's ports by number, and how many flows it holds: what `dpctl/show` prints. */
export function readDatapath(text: string): {
  readonly ports: ReadonlyMap<number, string>;
  readonly flows: number | null;
} {
  const ports = [...text.matchAll(/^\s*port (\d+): (\S+)/gm)].map(
    ([, number, name = ""]) => [Number(number), name] as const,
  );
  const flows = /^\s*flows: (\d+)\s*$/m.exec(text)?.[1];
  return { ports: new Map(ports), flows: flows === undefined ? null : Number(flows) };
}
