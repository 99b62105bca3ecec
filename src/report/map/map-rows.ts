import type { MapPort } from "../../map/schema.ts";
import { bothText } from "../text/traffic-text.ts";
import { stateClass, stateOf } from "./map-flows.ts";
import { type Columns, isTall, type Row } from "./map-layout.ts";
import { type Box, type EdgeState, edge, group, rect, text } from "./map-shapes.ts";
import { freeText, groupName, usersOf } from "./map-words.ts";

/** A row of a port's VFs: the VF with its representor, and who has it. */
export function rowParts(
  { group: found, y, height }: Row,
  port: MapPort,
  { vf: column, user }: Columns,
): string[] {
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

/** What a row's lines show. */
export function rowState({ group: { vfs } }: Row): EdgeState {
  const [vf] = vfs;
  if (vf.representor?.bridgePort?.error != null) return "broken";
  return stateOf(vf.representor?.flows ?? null);
}

/** Lines share a trunk, on which a line without flows must not cover one with them. */
export function quietFirst(a: Row, b: Row): number {
  return Number(rowState(a) !== "none") - Number(rowState(b) !== "none");
}
