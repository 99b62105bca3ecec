import { inPlainText } from "../../host/plain-text.ts";
import type { HostMap, MapFlows, MapNic, MapPort } from "../../map/schema.ts";
import { markup } from "../terminal/escape.ts";
import { bothText } from "../text/traffic-text.ts";
import {
  type Box,
  type Density,
  type EdgeState,
  edge,
  group,
  rect,
  styles,
  type TextKind,
  text,
} from "./map-shapes.ts";
import {
  eswitchText,
  flowStateOf,
  freeText,
  groupName,
  groupsOf,
  isActiveLag,
  lagPortText,
  lagText,
  linkText,
  nicText,
  sizeText,
  usersOf,
  type VfGroup,
} from "./map-words.ts";

/**
 * The map as a picture: one SVG document that needs nothing else, light or dark as its reader prefers. Left
 * to right: the bond, the ports, their VFs with representors, and who has them; a line's colour says who
 * carries the flows. It can stand in an HTML page as it is: its styles hold for itself only.
 */
export function mapSvg(seen: HostMap): string {
  const map = inPlainText(seen);
  const bonded = map.nics.some(({ bond }) => bond !== null);
  const columns = columnsOf(bonded);
  let y = 84;
  const parts: string[] = [];
  for (const nic of map.nics) {
    const block = nicBlock(nic, columns, y);
    parts.push(block.svg);
    y = block.bottom + 28;
  }
  if (map.nics.length === 0) {
    parts.push(
      text({
        x: margin,
        y: y + 6,
        words: "This host has no SR-IOV capable network port that the kernel knows.",
        room: 900,
      }),
    );
    y += 28;
  }
  for (const note of map.notes) {
    parts.push(
      text({ x: margin, y: y + 2, words: `? ${note}`, room: columns.width - 2 * margin, kind: "doubt" }),
    );
    y += 20;
  }
  parts.push(legend(y + 12));
  const height = y + 40;
  const { width } = columns;
  const about = `${map.hostname}: ${sizeText(map)}`;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="vflag-map" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${markup(about)}</title>`,
    `<style>${styles}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    text({ x: margin, y: 38, words: map.hostname, room: 700, kind: "head" }),
    text({
      x: margin,
      y: 60,
      words: `${sizeText(map)}  ·  kernel ${map.kernel}  ·  ${map.observedAt}`,
      room: 1100,
      kind: "faint",
    }),
    ...parts,
    "</svg>",
  ];
  return `${lines.join("\n")}\n`;
}

const margin = 24;

interface Column {
  readonly x: number;
  readonly width: number;
}

interface Columns {
  readonly bond: Column;
  readonly port: Column;
  readonly vf: Column;
  readonly user: Column;
  readonly width: number;
}

/** A map without a bond has no column for it. */
function columnsOf(bonded: boolean): Columns {
  const bond = { x: margin, width: 210 };
  const port = { x: bonded ? bond.x + bond.width + 72 : margin, width: 226 };
  const vf = { x: port.x + port.width + 72, width: 404 };
  const user = { x: vf.x + vf.width + 44, width: 250 };
  return { bond, port, vf, user, width: user.x + user.width + margin };
}

const manyRows = 10;

/** A VF's row on the picture. */
interface Row {
  readonly group: VfGroup;
  readonly y: number;
  readonly height: number;
}

/** A port with its place. `middle` is where its lines begin and end. */
interface PlacedPort {
  readonly port: MapPort;
  readonly rows: readonly Row[];
  readonly middle: number;
  readonly bottom: number;
  readonly density: Density;
}

function nicBlock(nic: MapNic, columns: Columns, top: number): { svg: string; bottom: number } {
  const inner = columns.width - 2 * margin;
  const lag = lagText(nic);
  const title = [text({ x: margin + 16, y: top + 27, words: nicText(nic), room: 560, kind: "title" })];
  if (lag !== null) {
    const kind = isActiveLag(nic) ? "good" : "doubt";
    title.push(
      text({ x: columns.width - margin - 16, y: top + 27, words: lag, room: 420, kind, anchor: "end" }),
    );
  }
  if (nic.problem !== null) {
    title.push(text({ x: margin + 16, y: top + 50, words: nic.problem, room: inner - 32, kind: "bad" }));
    return { svg: [frame(top, 66, inner), ...title].join("\n"), bottom: top + 66 };
  }
  let y = top + 46;
  const ports = nic.ports.map((port) => {
    const placed = placePort(port, y);
    y = placed.bottom + 20;
    return placed;
  });
  const bottom = Math.max(y - 4, top + 46 + (nic.bond === null ? 0 : bondHeight) + 16);
  const first = ports[0]?.middle ?? top + 96;
  const dense = ports.some(({ density }) => density === "dense");
  const middle = dense
    ? first + (bondHeight - portHeight) / 2
    : (first + (ports.at(-1)?.middle ?? first)) / 2;
  return {
    svg: [
      frame(top, bottom - top, inner),
      ...title,
      ...ports.flatMap((port) => portParts(nic, port, dense ? first : middle, columns)),
      ...bondParts(nic, middle, columns),
    ].join("\n"),
    bottom,
  };
}

const portHeight = 78;
const bondHeight = 100;

function placePort(port: MapPort, top: number): PlacedPort {
  const groups = groupsOf(port);
  const density: Density = groups.length > manyRows ? "dense" : "roomy";
  let y = top;
  const rows = groups.map((group): Row => {
    const height = isTall(group) && density === "roomy" ? 46 : 26;
    const row = { group, y, height };
    y += height + (density === "roomy" ? 8 : 5);
    return row;
  });
  const filled = Math.max(0, y - 8 - top);
  const height = Math.max(portHeight, filled);
  const lowered = rows.map((row) => ({ ...row, y: row.y + (height - filled) / 2 }));
  return {
    port,
    rows: lowered,
    middle: top + (density === "dense" ? portHeight : height) / 2,
    bottom: top + height,
    density,
  };
}

/** A VF that somebody has, or whose place in a bridge is broken, takes two lines. */
function isTall({ vfs: [vf], free }: VfGroup): boolean {
  return !free || vf.representor?.bridgePort?.error != null;
}

function bondParts(nic: MapNic, middle: number, { bond: column }: Columns): string[] {
  const { bond } = nic;
  if (bond === null) return [];
  const place = bond.bridgePort === null ? "in no bridge" : `port of ${bond.bridgePort.bridge}`;
  const flows = bond.flows === null ? "" : bothText(bond.flows);
  const box = { x: column.x + 16, y: middle - bondHeight / 2, width: column.width - 16, height: bondHeight };
  return group([
    rect(box, bond.up ? "box" : "box broken"),
    text({ x: box.x + 12, y: box.y + 24, words: bond.name, room: box.width - 24, kind: "name" }),
    text({
      x: box.x + 12,
      y: box.y + 43,
      words: `${bond.mode}${bond.up ? "" : ", down"}`,
      room: box.width - 24,
      kind: "small",
    }),
    text({ x: box.x + 12, y: box.y + 62, words: place, room: box.width - 24, kind: "small" }),
    text({
      x: box.x + 12,
      y: box.y + 83,
      words: flows || "no flows seen",
      room: box.width - 24,
      kind: stateClass(bond.flows),
    }),
  ]);
}

function portParts(
  nic: MapNic,
  { port, rows, middle, density }: PlacedPort,
  bondMiddle: number,
  columns: Columns,
): string[] {
  const { port: column, vf } = columns;
  const x = nic.bond === null ? column.x + 16 : column.x;
  const box = {
    x,
    y: middle - portHeight / 2,
    width: column.width - (nic.bond === null ? 16 : 0),
    height: portHeight,
  };
  const link = linkText(port);
  const slave = nic.bond?.slaves.find(({ netdev }) => netdev === port.netdev);
  const right = columns.bond.x + columns.bond.width;
  const enslaved =
    nic.bond !== null && slave !== undefined
      ? [edge(right, bondMiddle, box.x, middle, slave.up ? stateOf(nic.bond.flows) : "broken", density)]
      : [];
  const facts = `${port.address}, ${eswitchText(port)}`;
  const doubt = link === "up" ? "" : link;
  const third =
    lagPortText(port) ??
    (port.bridgePort === null ? (port.model ?? "") : `port of ${port.bridgePort.bridge}`);
  return [
    ...enslaved,
    ...rows
      .toSorted(quietFirst)
      .map((row) => edge(box.x + box.width, middle, vf.x, row.y + row.height / 2, rowState(row), density)),
    ...group([
      rect(box, link === "up" ? "box" : "box broken"),
      text({
        x: box.x + 12,
        y: box.y + 24,
        words: port.netdev ?? "(no netdev)",
        room: box.width - (doubt === "" ? 24 : 84),
        kind: "name",
      }),
      text({ x: box.x + box.width - 12, y: box.y + 24, words: doubt, room: 60, kind: "bad", anchor: "end" }),
      text({ x: box.x + 12, y: box.y + 44, words: facts, room: box.width - 24, kind: "small" }),
      text({ x: box.x + 12, y: box.y + 63, words: third, room: box.width - 24, kind: "small" }),
    ]),
    ...rows.flatMap((row) => rowParts(row, port, columns)),
  ];
}

function rowParts({ group: found, y, height }: Row, port: MapPort, { vf: column, user }: Columns): string[] {
  const [vf] = found.vfs;
  const { representor } = vf;
  const flows = representor?.flows ?? null;
  const box = { x: column.x, y, width: column.width, height };
  const inner = box.width - 24;
  if (!isTall(found)) {
    const words = `${groupName(found)}: ${freeText(found, port)}`;
    const short = words.length * 7 <= inner ? words : `${freeText(found, port)}: ${groupName(found)}`;
    return [
      rect(box, "box idle"),
      text({ x: box.x + 12, y: y + 17, words: short, room: inner, kind: "faint" }),
    ];
  }
  const users = usersOf(vf);
  const place = representor?.bridgePort ?? null;
  const error = place?.error ?? null;
  const bridge = error ?? (representor === null ? (vf.mac ?? "") : (place?.bridge ?? "in no bridge"));
  const name = representor === null ? groupName(found) : `${groupName(found)}  ${representor.netdev}`;
  const told = flows === null ? "" : bothText(flows);
  const facts = `${vf.address}  ${vf.driver ?? "unbound"}  ${bridge}`;
  const line = y + (height > 26 ? 19 : 17);
  const at = y + height / 2;
  const holder = { x: user.x, y, width: user.width - 16, height };
  return [
    ...(users.length === 0
      ? []
      : [edge(box.x + box.width, at, holder.x, at, rowState({ group: found, y, height }), "roomy")]),
    ...group(
      [
        rect(box, error !== null ? "box broken" : users.length === 0 ? "box idle" : "box"),
        text({ x: box.x + 12, y: line, words: name, room: told === "" ? inner : 204, kind: "name" }),
        text({
          x: box.x + box.width - 12,
          y: line,
          words: told,
          room: 176,
          kind: stateClass(flows),
          anchor: "end",
        }),
        height > 26
          ? text({
              x: box.x + 12,
              y: y + 37,
              words: facts,
              room: inner,
              kind: error === null ? "small" : "bad",
            })
          : "",
      ],
      [facts, ...(place?.ifaceId == null ? [] : [`iface-id ${place.ifaceId}`])].join(", "),
    ),
    ...(users.length === 0 ? [] : userParts(users, holder)),
  ];
}

function userParts(users: readonly string[], box: Box): string[] {
  const [first = "", ...more] = users;
  const [, name = first, detail = ""] = /^(.*?)(?: \((.*)\))?$/s.exec(first) ?? [];
  const below = more.length === 0 ? detail : `and ${more.join(", ")}`;
  const room = box.width - 24;
  if (box.height <= 26) {
    const words = below === "" ? name : `${name}  ${below.replace(/^domain /, "")}`;
    return group(
      [rect(box, "box user"), text({ x: box.x + 12, y: box.y + 17, words, room, kind: "small" })],
      users.join(", "),
    );
  }
  const line = below === "" ? box.y + box.height / 2 + 5 : box.y + 19;
  return group(
    [
      rect(box, "box user"),
      text({ x: box.x + 12, y: line, words: name, room, kind: "name" }),
      text({ x: box.x + 12, y: box.y + 37, words: below, room, kind: "small" }),
    ],
    users.join(", "),
  );
}

function frame(y: number, height: number, width: number): string {
  return `<rect class="frame" x="${margin}" y="${y}" width="${width}" height="${height}" rx="10"/>`;
}

function rowState({ group: { vfs } }: Row): EdgeState {
  const [vf] = vfs;
  if (vf.representor?.bridgePort?.error != null) return "broken";
  return stateOf(vf.representor?.flows ?? null);
}

/** Lines share a trunk, on which a line without flows must not cover one with them. */
function quietFirst(a: Row, b: Row): number {
  return Number(rowState(a) !== "none") - Number(rowState(b) !== "none");
}

function stateOf(flows: MapFlows | null): EdgeState {
  return flows === null ? "none" : flowStateOf(flows);
}

function stateClass(flows: MapFlows | null): TextKind {
  const state = stateOf(flows);
  return state === "hardware"
    ? "flow good"
    : state === "software" || state === "partial"
      ? "flow doubt"
      : "flow faint";
}

const legendWords = [
  ["hardware", "flows in hardware"],
  ["software", "flows in software"],
  ["exempt", "in software, rightly"],
  ["none", "no flows seen"],
  ["broken", "down or broken"],
] as const;

function legend(y: number): string {
  return legendWords
    .map(([state, words], at) => {
      const x = margin + at * 184;
      return `${edge(x, y, x + 28, y, state)}${text({ x: x + 36, y: y + 4, words, room: 150, kind: "faint" })}`;
    })
    .join("\n");
}
