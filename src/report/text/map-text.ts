import { inPlainText } from "../../host/plain-text.ts";
import type { HostMap, MapBridgePort, MapFlows, MapNic, MapPort } from "../../map/schema.ts";
import {
  eswitchText,
  freeText,
  groupName,
  groupsOf,
  hasFlows,
  isActiveLag,
  lagPortText,
  lagText,
  linkText,
  nicText,
  sizeText,
  usersOf,
  type VfGroup,
} from "../map/map-words.ts";
import type { Style } from "../terminal/style.ts";
import { carriedText } from "./traffic-text.ts";

interface Branch {
  readonly lines: readonly string[];
  readonly children?: readonly Branch[];
}

/** The map as a tree for a terminal, drawn in ASCII. */
export function mapText(seen: HostMap, style: Style): string {
  const map = inPlainText(seen);
  const head = style.faint(`${map.hostname} - kernel ${map.kernel} - observed ${map.observedAt}`);
  const nics = map.nics.map((nic) => drawn(nicBranch(nic, style)).join("\n"));
  const none =
    map.nics.length === 0 ? ["This host has no SR-IOV capable network port that the kernel knows."] : [];
  const notes = map.notes.map((note) => style.doubtful(`? ${note}`)).join("\n");
  return `${[head, ...nics, ...none, ...(notes === "" ? [] : [notes]), sizeText(map)].join("\n\n")}\n`;
}

function nicBranch(nic: MapNic, style: Style): Branch {
  const lag = lagText(nic);
  const active = isActiveLag(nic);
  const title = [
    style.strong(nicText(nic)),
    ...(lag === null ? [] : [active ? style.good(lag) : style.doubtful(lag)]),
  ].join("  ");
  if (nic.problem !== null) return { lines: [title, `  ${style.bad(nic.problem)}`] };
  const ports = nic.ports.map((port) => portBranch(port, style));
  const { bond } = nic;
  if (bond === null) return { lines: [title], children: ports };
  const slaves = bond.slaves.map(({ netdev, up }) => `${netdev}${up ? "" : " (down)"}`).join(", ");
  const facts = `${bond.mode}, ${bond.up ? "up" : style.bad("down")}: ${slaves || "no ports"}`;
  const first = `bond ${style.strong(bond.name)}  ${facts}${placeText(bond.bridgePort, style)}`;
  return { lines: [title], children: [{ lines: [first, ...flowLines(bond.flows, style)] }, ...ports] };
}

function portBranch(port: MapPort, style: Style): Branch {
  const lag = lagPortText(port);
  const link = linkText(port);
  const facts = [
    port.address,
    ...(port.model === null ? [] : [port.model]),
    eswitchText(port),
    link === "up" ? link : style.bad(link),
    ...(lag === null ? [] : [lag]),
  ];
  const name = style.strong(port.netdev ?? "(no netdev)");
  const title = `port ${name}  ${facts.join(", ")}${placeText(port.bridgePort, style)}`;
  return {
    lines: [title, ...flowLines(port.flows, style)],
    children: groupsOf(port).map((group) => vfBranch(group, port, style)),
  };
}

function vfBranch(group: VfGroup, port: MapPort, style: Style): Branch {
  const [vf] = group.vfs;
  const { representor } = vf;
  const error = representor?.bridgePort?.error ?? null;
  if (group.free && error === null)
    return { lines: [style.faint(`${groupName(group)}  ${freeText(group, port)}`)] };
  const driver = vf.driver ?? "unbound";
  const users = usersOf(vf).map((user) => style.strong(user));
  const use = users.length === 0 ? style.faint("free") : users.join(", ");
  const netdev = vf.netdev === null ? "" : ` ${vf.netdev}`;
  const first = `${groupName(group)}  ${vf.address}  ${driver}${netdev}  ${use}`;
  if (representor === null) return { lines: [first] };
  const down = representor.up ? "" : " (down)";
  return {
    lines: [
      first,
      `  representor ${representor.netdev}${down}${placeText(representor.bridgePort, style)}`,
      ...flowLines(representor.flows, style).map((line) => `  ${line}`),
    ],
  };
}

function placeText(place: MapBridgePort | null, style: Style): string {
  if (place === null) return "";
  const id = place.ifaceId === null ? "" : `, iface-id ${place.ifaceId}`;
  const error = place.error === null ? "" : `: ${style.bad(place.error)}`;
  return `  in ${place.bridge}${id}${error}`;
}

function flowLines(flows: MapFlows | null, style: Style): string[] {
  if (flows === null || !hasFlows(flows)) return [];
  const paint = (side: MapFlows["in"]) => {
    const text = carriedText(side);
    return side.software.flows > 0 ? style.doubtful(text) : side.hardware.flows > 0 ? style.good(text) : text;
  };
  return (["in", "out"] as const).flatMap((side) => {
    const text = paint(flows[side]);
    return text === "" ? [] : [`  flows ${side.padEnd(3)} ${text}`];
  });
}

/** The lines of a tree; a branch's own lines after its first stand beside the trunk of its children. */
function drawn({ lines: [first = "", ...more], children = [] }: Branch): string[] {
  const trunk = children.length === 0 ? "  " : "| ";
  const below = children.flatMap((child, at) => {
    const last = at === children.length - 1;
    const [head = "", ...rest] = drawn(child);
    return [`${last ? "`-" : "|-"} ${head}`, ...rest.map((line) => `${last ? "  " : "| "} ${line}`)];
  });
  return [first, ...more.map((line) => `${trunk}${line}`), ...below];
}
