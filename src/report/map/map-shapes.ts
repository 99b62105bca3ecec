import { markup } from "../terminal/escape.ts";
import type { flowStateOf } from "./map-words.ts";

/** The shapes that a map's picture is made of, and their colours. */

/**
 * How a port's VFs are drawn: few with room, many in one line each, and the port above them instead of beside
 * their middle.
 */
export type Density = "roomy" | "dense";

/** Shapes with a tooltip. */
export function group(parts: readonly string[], tooltip = ""): string[] {
  return [
    "<g>",
    ...(tooltip === "" ? [] : [`<title>${markup(tooltip)}</title>`]),
    ...parts.filter((part) => part !== ""),
    "</g>",
  ];
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function rect({ x, y, width, height }: Box, kind: string): string {
  return `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>`;
}

export type EdgeState = ReturnType<typeof flowStateOf> | "broken";

/** A curve between few, and for many a trunk from which each branches off. */
export function edge(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  state: EdgeState,
  density: Density = "roomy",
): string {
  const bend = (x1 + x2) / 2;
  const curve = density === "dense" ? `H${bend}V${y2}H${x2}` : `C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}`;
  return `<path class="edge ${state}" d="M${x1} ${y1}${y1 === y2 ? `H${x2}` : curve}"/>`;
}

export type TextKind =
  | "head"
  | "title"
  | "name"
  | "small"
  | "faint"
  | "good"
  | "doubt"
  | "bad"
  | "flow good"
  | "flow doubt"
  | "flow faint";

interface Text {
  readonly x: number;
  readonly y: number;
  readonly words: string;
  /** How wide it may be. */
  readonly room: number;
  readonly kind?: TextKind;
  readonly anchor?: "end";
}

/** How wide a character is, about, in the largest of the fonts that a reader may have. */
const widths: Readonly<Record<string, number>> = {
  head: 13,
  title: 9.6,
  name: 8,
  small: 6.9,
  faint: 7,
  good: 7.4,
  doubt: 7.4,
  bad: 7,
};

/** One line of text, cut to its room; what was cut shows when it is pointed at. */
export function text({ x, y, words, room, kind, anchor }: Text): string {
  if (words === "") return "";
  const each = kind === undefined ? 7.4 : (widths[kind] ?? 6.9);
  // Two blanks shrink to one, unless one of them is of the kind that does not.
  const shown = cut(words.replaceAll("  ", "\u00a0 "), Math.floor(room / each));
  const tooltip = shown.replaceAll("\u00a0", " ") === words ? "" : `<title>${markup(words)}</title>`;
  const style = kind === undefined ? "" : ` class="${kind}"`;
  const placing = anchor === undefined ? "" : ` text-anchor="${anchor}"`;
  return `<text x="${x}" y="${y}"${style}${placing}>${markup(shown)}${tooltip}</text>`;
}

/** The beginning of a text, as wide as so many letters; what is written in squares counts twice. */
function cut(words: string, most: number): string {
  let width = 0;
  const kept: string[] = [];
  for (const character of words) {
    width += (character.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1;
    if (width > most) return `${kept.slice(0, -1).join("").trimEnd()}…`;
    kept.push(character);
  }
  return words;
}

/** Colours with a contrast of 4.5 and more on their ground: Web Content Accessibility Guidelines 2, 1.4.3. */
const palettes = {
  light: {
    paper: "#ffffff",
    frame: "#f6f7f9",
    line: "#c3c8d0",
    box: "#ffffff",
    user: "#eef3fb",
    ink: "#1c2128",
    faint: "#5a6370",
    good: "#0f6e3a",
    doubt: "#9a4b00",
    bad: "#b3261e",
  },
  dark: {
    paper: "#14171c",
    frame: "#1b2027",
    line: "#4a5462",
    box: "#232a33",
    user: "#22303f",
    ink: "#e8ebef",
    faint: "#a3adba",
    good: "#5cc98a",
    doubt: "#f0a050",
    bad: "#ff8a80",
  },
} as const;

/** Without custom properties: not every program that shows SVG knows them. */
function colours(palette: Readonly<Record<keyof typeof palettes.light, string>>): string {
  const { paper, frame: ground, line, box, user, ink, faint, good, doubt, bad } = palette;
  const rules = [
    [".paper", `fill:${paper}`],
    [".frame", `fill:${ground};stroke:${line}`],
    [".box", `fill:${box};stroke:${line}`],
    [".user", `fill:${user}`],
    [".broken", `stroke:${bad}`],
    ["text", `fill:${ink}`],
    [".small", `fill:${faint}`],
    [".faint", `fill:${faint}`],
    [".good", `fill:${good}`],
    [".doubt", `fill:${doubt}`],
    [".bad", `fill:${bad}`],
    [".edge", `fill:none;stroke:${line}`],
    [".edge.hardware", `stroke:${good}`],
    [".edge.partial", `stroke:${doubt}`],
    [".edge.software", `stroke:${doubt}`],
    [".edge.exempt", `stroke:${faint}`],
    [".edge.broken", `stroke:${bad}`],
  ];
  return rules.map(([selector, declarations]) => `.vflag-map ${selector}{${declarations}}`).join("");
}

const sans = "font-family:system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif";
/** They hold within `.vflag-map` only. */
export const styles = [
  `.vflag-map{${sans};font-size:13px}`,
  ".vflag-map .head{font-size:22px;font-weight:600}",
  ".vflag-map .title{font-size:16px;font-weight:600;white-space:pre}",
  ".vflag-map .name{font-weight:600;white-space:pre}",
  ".vflag-map .small,.vflag-map .faint,.vflag-map .flow,.vflag-map .bad{font-size:12px;white-space:pre}",
  ".vflag-map .idle{stroke-dasharray:4 3}",
  ".vflag-map .edge{stroke-width:1.5}",
  ".vflag-map .edge.hardware,.vflag-map .edge.software,.vflag-map .edge.partial{stroke-width:2.5}",
  ".vflag-map .edge.broken,.vflag-map .edge.exempt{stroke-dasharray:6 4}",
  colours(palettes.light),
  `@media (prefers-color-scheme:dark){${colours(palettes.dark)}}`,
].join("");
