import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Ovs } from "../../ovs/ovs.ts";
import type { OvsLog, OvsLogLine } from "../../ovs/ovs-log.ts";
import { plainText } from "../../plain-text.ts";
import { isUnknown, type Observed, unknown } from "../../state/observed.ts";
import type { Kernel } from "../system/kernel.ts";

/** How much of a log's end is read, and how much of it a state has at most. */
const tailBytes = 256 * 1024;
const mostLines = 100;
const longestLine = 300;
const limit = 10_000;

/**
 * Where the log is on the host: Open vSwitch's own place, and Kolla's, which is a volume of the container's
 * engine. Source: openvswitch vswitchd/ovs-vswitchd.8 (--log-file); kolla-ansible, roles/common (kolla_logs).
 */
const files = [
  "/var/log/openvswitch/ovs-vswitchd.log",
  "/var/log/kolla/openvswitch/ovs-vswitchd.log",
  "/var/lib/docker/volumes/kolla_logs/_data/openvswitch/ovs-vswitchd.log",
  "/var/lib/containers/storage/volumes/kolla_logs/_data/openvswitch/ovs-vswitchd.log",
];

/**
 * The end of ovs-vswitchd's log, from a file on the host or by the container's engine; null where there is no
 * Open vSwitch.
 */
export async function findOvsLog(
  { filesRoot, run }: Pick<Kernel, "filesRoot" | "run">,
  ovs: Observed<Ovs | null>,
): Promise<Observed<OvsLog | null>> {
  if (ovs === null || isUnknown(ovs)) return ovs;
  const { source } = ovs;
  const places = source.kind === "native" ? files.slice(0, 1) : files.slice(1);
  for (const file of places) {
    const text = readTail(join(filesRoot, file));
    if (text !== null) return { from: file, ...parseOvsLog(text) };
  }
  if (source.kind === "native") return unknown(`there is no ${places.join(" or ")} that can be read`);
  const argv = [source.engine, "logs", "--tail", "2000", source.name];
  try {
    const { stdout, stderr, code } = await run(argv, { limit });
    const parsed = parseOvsLog(`${stdout}\n${stderr}`);
    // A container that logs into a file says next to nothing here: that is not a log without errors.
    if (code === 0 && (parsed.sinceStart || parsed.lines.length > 0))
      return { from: argv.join(" "), ...parsed };
  } catch {
    // Whatever kept the engine from it: it is not known.
  }
  return unknown(`neither a file of Kolla's nor ${argv.join(" ")} has ovs-vswitchd's log`);
}

const modules = /^(?:dpif|netdev_offload|netdev_tc_offloads|netdev_linux|tc|bridge|ofproto_dpif|netlink)/;
const linePattern = /^(\d{4}-\d\d-\d\dT[\d:.]+Z?)\|\d+\|([^|(]+)(?:\([^|]*\))?\|([A-Z]+)\|(.*)$/;

/**
 * `time|number|module(thread)|level|text` lines; those of another form are skipped. What was said before the
 * last start is over. Source: openvswitch lib/vlog.c, the default pattern of --verbose:
 * %D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m.
 */
export function parseOvsLog(text: string): Pick<OvsLog, "sinceStart" | "lines"> {
  let sinceStart = false;
  const found = new Map<string, OvsLogLine>();
  for (const line of text.split("\n")) {
    const [, time = "", module = "", level = "", said = ""] = linePattern.exec(line) ?? [];
    if (time === "") continue;
    if (/^ovs-vswitchd \(Open vSwitch\) \d/.test(said)) {
      sinceStart = true;
      found.clear();
    }
    if (
      (level !== "EMER" && level !== "ERR" && level !== "WARN") ||
      !modules.test(module) ||
      said.startsWith("Dropped ")
    )
      continue;
    const short = plainText(said.length <= longestLine ? said : `${said.slice(0, longestLine)}...`);
    const key = `${module} ${short}`;
    const times = (found.get(key)?.times ?? 0) + 1;
    found.delete(key);
    found.set(key, { time, level, module, text: short, times });
  }
  return { sinceStart, lines: [...found.values()].slice(-mostLines) };
}

/** The end of a file, from the beginning of a line; null where it cannot be read. */
function readTail(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return null;
  }
  try {
    const { size } = fstatSync(file);
    const from = Math.max(0, size - tailBytes);
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    const length = readSync(file, buffer, 0, buffer.length, from);
    const text = buffer.toString("utf8", 0, length);
    return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}
