import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Observed, unknown } from "../../state/observed.ts";
import { mostLines, mostMakers, type VfMaker } from "../../state/vf-makers.ts";
import { FileTooLarge, readRegular } from "../system/bounded-file.ts";
import type { Kernel } from "../system/kernel.ts";
import { errnoName, reasonOf } from "../system/refusal.ts";
import { netplanLines } from "./netplan-makers.ts";
import { type Place, places } from "./vf-maker-places.ts";

/** Nobody's configuration of a network is as long. */
const mostBytes = 1024 * 1024;

const ownName = /^(?:\d+-)?vflag[-.a-z0-9]*$/;

/** What else makes VFs on this machine; vflag's own files are none. */
export function findVfMakers({
  filesRoot,
  runRoot,
}: Pick<Kernel, "filesRoot" | "runRoot">): Observed<VfMaker[]> {
  try {
    const found = places.flatMap((place) => {
      const { folder } = place;
      const at = folder.startsWith("/run/") ? join(runRoot, folder.slice(5)) : join(filesRoot, folder);
      return makersIn(at, place);
    });
    return found.slice(0, mostMakers);
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

function makersIn(at: string, place: Place): VfMaker[] {
  let names: string[];
  try {
    names = readdirSync(at).sort();
  } catch (error) {
    if (errnoName(error) === "ENOENT" || errnoName(error) === "ENOTDIR") return [];
    throw error;
  }
  return names
    .filter((name) => place.name.test(name) && !ownName.test(name))
    .flatMap((name) => {
      const text = textOf(join(at, name));
      const lines = text === null ? [] : linesOf(text, place).slice(0, mostLines);
      return lines.length === 0 ? [] : [{ kind: place.kind, path: join(place.folder, name), lines }];
    });
}

/** Null: a folder, a pipe, a device, a link to nowhere, or too long to be a configuration. */
function textOf(path: string): string | null {
  try {
    return readRegular(path, mostBytes)?.toString() ?? null;
  } catch (error) {
    if (error instanceof FileTooLarge || ["ENOENT", "ELOOP", "ENXIO"].includes(errnoName(error) ?? ""))
      return null;
    throw error;
  }
}

/** The lines that make VFs; of others only one that names the port is taken along, as some have secrets. */
function linesOf(text: string, { makes, harmless, ports }: Place): VfMaker["lines"] {
  if (makes === "netplan") return netplanLines(text);
  const all = logicalLines(text);
  return all.flatMap(({ line, text: whole }, index) => {
    const at = /^\s*[#;]/.test(whole) ? -1 : whole.replace(harmless ?? /$^/, "").search(makes);
    if (at < 0) return [];
    const named = ports === undefined ? undefined : nearest(all, index, ports);
    return [{ line, text: excerpt(whole, whole.search(makes)), port: named?.trim().slice(0, 200) ?? null }];
  });
}

/** A line that goes on after a backslash is one, as in a udev rule, a unit and a script. */
function logicalLines(text: string): { readonly line: number; readonly text: string }[] {
  const lines: { readonly line: number; text: string }[] = [];
  let open = false;
  for (const [index, piece] of text.split(/\r?\n/).entries()) {
    const last = lines.at(-1);
    if (open && last !== undefined) last.text += piece.replace(/\\$/, "");
    else lines.push({ line: index + 1, text: piece.replace(/\\$/, "") });
    // A comment goes on in no line.
    open = piece.endsWith("\\") && !/^\s*[#;]/.test(piece);
  }
  return lines;
}

/** The section's line that names the port is above, or, as these are in no order, the first below. */
function nearest(
  lines: readonly { readonly text: string }[],
  index: number,
  ports: RegExp,
): string | undefined {
  const is = ({ text }: { readonly text: string }) => ports.test(text);
  return (lines.slice(0, index).findLast(is) ?? lines.slice(index).find(is))?.text;
}

/** What is around a place in a long line. */
function excerpt(text: string, at: number): string {
  return text.length <= 400 ? text : text.slice(Math.max(0, at - 300), Math.max(0, at - 300) + 400);
}
