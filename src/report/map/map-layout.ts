import type { MapPort } from "../../map/schema.ts";
import type { Density } from "./map-shapes.ts";
import { groupsOf, type VfGroup } from "./map-words.ts";

/** Where things are on the map, before anything is drawn. */

export const margin = 24;

interface Column {
  readonly x: number;
  readonly width: number;
}

export interface Columns {
  readonly bond: Column;
  readonly port: Column;
  readonly vf: Column;
  readonly user: Column;
  readonly width: number;
}

/** A map without a bond has no column for it. */
export function columnsOf(bonded: boolean): Columns {
  const bond = { x: margin, width: 210 };
  const port = { x: bonded ? bond.x + bond.width + 72 : margin, width: 226 };
  const vf = { x: port.x + port.width + 72, width: 404 };
  const user = { x: vf.x + vf.width + 44, width: 250 };
  return { bond, port, vf, user, width: user.x + user.width + margin };
}

/** With more rows, they are drawn close to each other. */
const manyRows = 10;

/** A VF's row on the picture. */
export interface Row {
  readonly group: VfGroup;
  readonly y: number;
  readonly height: number;
}

/** A port with its place. `middle` is where its lines begin and end. */
export interface PlacedPort {
  readonly port: MapPort;
  readonly rows: readonly Row[];
  readonly middle: number;
  readonly bottom: number;
  readonly density: Density;
}

export const portHeight = 78;

export const bondHeight = 100;

/** A port beside its rows of VFs, from `top` downwards. */
export function placePort(port: MapPort, top: number): PlacedPort {
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
export function isTall({ vfs: [vf], free }: VfGroup): boolean {
  return !free || vf.representor?.bridgePort?.error != null;
}
