import type { KernelLine } from "../host/state/kernel-log.ts";
import { isUnknown, known } from "../host/state/observed.ts";
import type { PhysicalFunction } from "../host/state/state.ts";
import { slotOf } from "../host/state/values.ts";
import type { Deviation, NicView } from "../requirements/requirement.ts";
import { tunnelsOf } from "../requirements/traffic/traffic.ts";
import { symptoms } from "./catalogue.ts";
import type { Symptom } from "./symptom.ts";

/** A line of a log that concerns a NIC and still matters. */
export interface Sighting {
  /** Which symptom it is; null where vflag does not know the line. */
  readonly symptom: string | null;
  readonly log: "kernel-log" | "ovs-log";
  /** Since the kernel started; null in Open vSwitch's log, which has times of day. */
  readonly seconds: number | null;
  /** The time as Open vSwitch's log has it. */
  readonly time: string | null;
  /** The PCI function that it is about. */
  readonly device: string | null;
  readonly text: string;
  /** How often it was seen, of this function. */
  readonly times: number;
  /** What it means and what to do; null where it is not known. */
  readonly means: string | null;
  readonly remedy: string | null;
  /** The requirements whose failure it explains. */
  readonly explains: readonly string[];
}

const kernelSymptoms = symptoms.filter(({ shows, patterns }) => shows !== "ovs-log" && patterns.length > 0);
const ovsSymptoms = symptoms.filter(({ shows }) => shows === "ovs-log");
const lately = 15 * 60 * 1000;
/** So many lines that are not known are shown of a NIC that does not work. */
const mostStrange = 3;

/**
 * The lines of the logs that matter for a NIC now, the kernel's first, the oldest first: symptoms that
 * explain something that is wrong, those that matter by themselves, and where the NIC does not work the last
 * errors of the kernel log that vflag does not know.
 */
export function sightings(view: NicView, deviations: readonly Deviation[]): Sighting[] {
  const wrong = new Set(deviations.map(({ requirement }) => requirement));
  const { found, strange } = kernelSightings(view);
  const inOvs = ovsSightings(view);
  const seen = new Set([...found, ...inOvs].map(({ symptom }) => symptom));
  const telling = [...found, ...inOvs].filter((sighting) => {
    const symptom = symptoms.find(({ id }) => id === sighting.symptom);
    if (symptom?.partOf?.some((other) => seen.has(other)) === true) return false;
    if (symptom?.alone === "always" || sighting.explains.some((requirement) => wrong.has(requirement)))
      return true;
    return symptom?.alone === "lately" && isLate(sighting.time, view);
  });
  const broken = deviations.some(({ severity }) => severity !== "warning");
  // What is known to explain it is not to be lost among lines that are not.
  const explained = telling.some(({ log }) => log === "kernel-log");
  return [...telling, ...(broken && !explained ? strange.slice(-mostStrange) : [])].toSorted(
    (a, b) => (a.seconds ?? Number.POSITIVE_INFINITY) - (b.seconds ?? Number.POSITIVE_INFINITY) || 0,
  );
}

function isLate(time: string | null, { state }: NicView): boolean {
  const age = Date.parse(state.observedAt) - Date.parse(time ?? "");
  return Math.abs(age) <= lately;
}

/** What Open vSwitch says of the NIC's bond, ports and representors since it was started. */
function ovsSightings({ nic, pfs, state }: NicView): Sighting[] {
  const log = state.ovsLog;
  if (log === null || isUnknown(log)) return [];
  const ports = pfs.flatMap(({ netdev }) => netdev ?? []);
  const representors = state.representors
    .filter(({ pf }) => pfs.some(({ address }) => address === pf))
    .map(({ netdev }) => netdev);
  const uplinks = [...ports, ...(nic.bond === undefined ? [] : [nic.bond])];
  const names = [...uplinks, ...representors];
  const ways = tunnelsOf({ bond: nic.bond ?? null, physnet: nic.physnet, pfs }, state);
  const bases = ports.map((name) => name.replace(/np\d+$/, ""));
  return log.lines.flatMap(({ time, module, level, text, times }) => {
    const words = text.split(/[^\p{L}\p{N}_.-]+/u);
    const named = {
      own: words.some((word) => names.includes(word) || bases.some((base) => word.startsWith(`${base}npf`))),
      uplink: words.some((word) => uplinks.includes(word)),
      tunnel: words.some((word) => ways.includes(word)),
      // Nothing tells whose it is: it may be this NIC's.
      nothing: true,
    };
    const symptom = ovsSymptoms.find(({ patterns, names: must }) => {
      if (!patterns.some((pattern) => pattern.test(`${module}|${level}|${text}`))) return false;
      return named[must ?? "own"] || /ingress (?:qdisc|block)/.test(text);
    });
    if (symptom === undefined) return [];
    const { id, cause, remedy, explains } = symptom;
    return [
      {
        symptom: id,
        log: "ovs-log",
        seconds: null,
        time,
        device: null,
        text,
        times,
        means: cause,
        remedy,
        explains,
      } as const,
    ];
  });
}

function kernelSightings(view: NicView): { readonly found: Sighting[]; readonly strange: Sighting[] } {
  const log = view.state.kernelLog;
  if (isUnknown(log)) return { found: [], strange: [] };
  const about = log.lines.map((line, index) => ({ line, index })).filter(({ line }) => concerns(view, line));
  const found = new Map<string, Sighting>();
  const strange: Sighting[] = [];
  for (const { line, index } of about) {
    const symptom = kernelSymptoms.find(({ patterns }) =>
      patterns.some((pattern) => pattern.test(line.text)),
    );
    const later = log.lines.slice(index + 1);
    if (symptom === undefined) {
      if (line.level !== null && line.level <= 3 && !restarted(line, later))
        strange.push(sightingOf(line, null, 1));
      continue;
    }
    if (isOver(symptom, line, later, view)) continue;
    const key = `${symptom.id} ${line.device}`;
    const times = (found.get(key)?.times ?? 0) + 1;
    found.delete(key);
    found.set(key, sightingOf(line, symptom, times));
  }
  return { found: [...found.values()], strange };
}

function sightingOf({ seconds, device, text }: KernelLine, symptom: Symptom | null, times: number): Sighting {
  const { id = null, cause = null, remedy = null, explains = [] } = symptom ?? {};
  return {
    symptom: id,
    log: "kernel-log",
    seconds,
    time: null,
    device,
    text,
    times,
    means: cause,
    remedy,
    explains,
  };
}

/** Lines about the NIC's functions (VFs that are gone too), its bond, and the host beneath it. */
function concerns({ nic, pfs }: NicView, { device, text }: KernelLine): boolean {
  const functions = pfs.flatMap((pf) => [pf, ...pf.vfs]);
  if (
    device !== null &&
    functions.some(({ address }) => address === device || slotOf(address) === slotOf(device))
  )
    return true;
  if (/^(?:DMAR|AMD-Vi)/.test(text))
    return functions.some(({ address }) => text.includes(address) || text.includes(`[${address.slice(5)}]`));
  if (nic.bond !== undefined && text.startsWith(`${nic.bond}: `)) return true;
  return device === null && /^(?:kvm|x86\/cpu|tc mirred)/.test(text);
}

function isOver(
  symptom: Symptom,
  line: KernelLine,
  later: readonly KernelLine[],
  { nic, pfs, state }: NicView,
): boolean {
  const { device } = line;
  switch (symptom.over) {
    case "driver-start":
      return restarted(line, later);
    case "lag":
      if (restarted(line, later) || pfs.some((pf) => known(pf.lag)?.state === "active")) return true;
      return made(later, pfs) || bondedAgain(later, pfs);
    case "switchdev":
      if (restarted(line, later)) return true;
      return later.some(
        (next) =>
          next.device === device &&
          /E-Switch: (?:Enable: mode\(OFFLOADS\)|E-Switch enable SRIOV: .*mode \(2\))/.test(next.text),
      );
    case "vfs": {
      const pf = pfs.find(({ address }) => address === device);
      return (
        restarted(line, later) || (pf?.sriov != null && pf.sriov.count >= nic.vfs && pf.vfs.length >= nic.vfs)
      );
    }
    case "vf-driver": {
      const pf = pfs.find(({ address }) => address === device);
      if (pf !== undefined) return restarted(line, later);
      const vf = pfs.flatMap(({ vfs }) => vfs).find(({ address }) => address === device);
      return vf === undefined || vf.driver !== null;
    }
    case "bond-up":
      return state.bonds.some(
        ({ name, slaves }) =>
          name === nic.bond && slaves.length >= pfs.length && slaves.every(({ up }) => up),
      );
    case "never":
      return false;
  }
}

/** At its start the driver tells its firmware's version. */
function restarted({ device }: KernelLine, later: readonly KernelLine[]): boolean {
  return (
    device !== null &&
    later.some((next) => next.device === device && next.text.includes(": firmware version: "))
  );
}

/** A port left its bond later: what was refused of that bond says nothing of one that was made since. */
function bondedAgain(later: readonly KernelLine[], pfs: readonly PhysicalFunction[]): boolean {
  return later.some(({ text }) => {
    const [, newer, older] =
      /^\S+(?: \([^)]*\))?: (?:\(slave (\S+)\): Releasing |Releasing \w+ interface (\S+))/.exec(text) ?? [];
    return pfs.some(({ netdev }) => netdev !== null && (netdev === newer || netdev === older));
  });
}

/**
 * Whether the LAG was made later: the driver says so before it asks the firmware, which may refuse at once.
 */
function made(later: readonly KernelLine[], pfs: readonly PhysicalFunction[]): boolean {
  const own = later.filter(({ device }) => pfs.some(({ address }) => address === device));
  const last = own.findLastIndex(({ text }) => /(?<!modify )\blag map/.test(text));
  return (
    last !== -1 &&
    !own
      .slice(last)
      .some(({ text }) => /Failed to (?:create LAG|(?:de)?activate (?:VF|RoCE) LAG|enable lag)/.test(text))
  );
}
