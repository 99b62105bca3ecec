import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Observed, unknown } from "../../state/observed.ts";
import { mostLines, mostMakers, type VfMaker } from "../../state/vf-makers.ts";
import { FileTooLarge, readBounded } from "../system/bounded-file.ts";
import type { Kernel } from "../system/kernel.ts";
import { errnoName, reasonOf } from "../system/refusal.ts";

/** Where files are that make VFs at boot, and how they say so. */
interface Place {
  readonly kind: VfMaker["kind"];
  readonly folder: string;
  /** The files of the folder that are read. */
  readonly name: RegExp;
  /** What makes VFs, or sets a mode. */
  readonly makes: RegExp;
  /** What names the port beside it; where this is left out, the line itself. */
  readonly ports?: RegExp;
}

/** Nobody's configuration of a network is as long. */
const mostBytes = 1024 * 1024;

const bySysfs = /sriov_numvfs|devlink\s+dev\s+eswitch\s+set/;
const udev = { kind: "udev", name: /\.rules$/, makes: bySysfs } as const;
const link = {
  kind: "link",
  name: /\.link$/,
  makes: /^\s*SR-IOVVirtualFunctions\s*=/,
  ports: /^\s*(?:OriginalName|Path|MACAddress|PermanentMACAddress|Property)\s*=/,
} as const;
const profile = {
  kind: "network-manager",
  name: /^[^.].*$/,
  makes: /^\s*(?:total-vfs|eswitch-mode)\s*=/,
  ports: /^\s*(?:interface-name|mac-address)\s*=/,
} as const;

/**
 * Source: udev(7), systemd.link(5): SR-IOVVirtualFunctions= (since 251), nm-settings-keyfile(5): [sriov],
 * netplan(5): virtual-function-count, embedded-switch-mode; stackhpc.linux, roles/sriov/tasks/config.yml (a
 * udev rule); interfaces(5), rc.local.
 */
const places: readonly Place[] = [
  { ...udev, folder: "/etc/udev/rules.d" },
  { ...udev, folder: "/run/udev/rules.d" },
  { ...link, folder: "/etc/systemd/network" },
  { ...link, folder: "/run/systemd/network" },
  { ...profile, folder: "/etc/NetworkManager/system-connections" },
  { ...profile, folder: "/run/NetworkManager/system-connections" },
  {
    kind: "netplan",
    folder: "/etc/netplan",
    name: /\.yaml$/,
    makes: /^\s*(?:virtual-function-count|embedded-switch-mode)\s*:/,
    ports: /^\s+[\w.-]+\s*:\s*$/,
  },
  { kind: "script", folder: "/etc/network", name: /^interfaces$/, makes: bySysfs },
  { kind: "script", folder: "/etc/network/interfaces.d", name: /^[\w-]+$/, makes: bySysfs },
  { kind: "script", folder: "/etc", name: /^rc\.local$/, makes: bySysfs },
  { kind: "script", folder: "/etc/rc.d", name: /^rc\.local$/, makes: bySysfs },
];

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
      const lines = text === null ? [] : linesOf(text, place);
      return lines.length === 0 ? [] : [{ kind: place.kind, path: join(place.folder, name), lines }];
    });
}

function textOf(path: string): string | null {
  try {
    return readBounded(path, mostBytes).toString();
  } catch (error) {
    // A folder of that name, a link to nowhere, or what is no configuration: nobody's maker of VFs.
    if (error instanceof FileTooLarge || ["ENOENT", "EISDIR", "ELOOP"].includes(errnoName(error) ?? ""))
      return null;
    throw error;
  }
}

/**
 * The lines that make VFs, and those nearest above that name the port: a profile's are at its top, netplan's
 * is the key over it. Other lines stay where they are, as some have secrets.
 */
function linesOf(text: string, { makes, ports }: Place): VfMaker["lines"] {
  const all = text.split(/\r?\n/).map((line, index) => ({ line: index + 1, text: line.slice(0, 200) }));
  const made = all.filter((line) => makes.test(line.text) && !/^\s*[#;]/.test(line.text)).slice(0, 2);
  const named = made.flatMap(({ line }) => {
    const before =
      ports === undefined ? undefined : all.slice(0, line).findLast((each) => ports.test(each.text));
    return before === undefined ? [] : [before];
  });
  const seen = new Map([...named, ...made].map((each) => [each.line, each]));
  return [...seen.values()].sort((a, b) => a.line - b.line).slice(0, mostLines);
}
