import { inPlainText } from "../../host/plain-text.ts";
import type { HostMap, MapNic } from "../../map/schema.ts";
import { markup } from "../terminal/escape.ts";
import { bothText } from "../text/traffic-text.ts";
import { stateClass, stateOf } from "./map-flows.ts";
import {
  bondHeight,
  type Columns,
  columnsOf,
  margin,
  type PlacedPort,
  placePort,
  portHeight,
} from "./map-layout.ts";
import { quietFirst, rowParts, rowState } from "./map-rows.ts";
import { edge, group, rect, styles, text } from "./map-shapes.ts";
import { eswitchText, isActiveLag, lagPortText, lagText, linkText, nicText, sizeText } from "./map-words.ts";

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

function frame(y: number, height: number, width: number): string {
  return `<rect class="frame" x="${margin}" y="${y}" width="${width}" height="${height}" rx="10"/>`;
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
      const line = edge(x, y, x + 28, y, state);
      return `${line}${text({ x: x + 36, y: y + 4, words, room: 150, kind: "faint" })}`;
    })
    .join("\n");
}
