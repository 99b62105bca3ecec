import { driverOf } from "../../../drivers/registry.ts";
import { anyOf } from "../../any-of.ts";
import type { KernelLine, KernelLog } from "../../state/kernel-log.ts";
import { isUnknown, type Observed } from "../../state/observed.ts";
import type { HostState } from "../../state/state.ts";
import { slotOf } from "../../state/values.ts";
import type { KernelRecord } from "./kernel-records.ts";

/** At most so many lines, and so many characters of them, stand in a state: the newest. */
const mostLines = 300;
const mostCharacters = 48_000;
const longestLine = 400;

/** What of the kernel log concerns the NICs, their bonds and what lies beneath them. */
export function kernelLinesOf(
  log: Observed<readonly KernelRecord[]>,
  state: Pick<HostState, "pfs" | "bonds">,
): Observed<KernelLog> {
  if (isUnknown(log)) return log;
  const concerns = concerning(state);
  const about = log.filter(concerns);
  const lines: KernelLine[] = [];
  let characters = 0;
  for (const { seconds, level, device, text } of about.toReversed()) {
    const short = text.length <= longestLine ? text : `${text.slice(0, longestLine)}...`;
    characters += short.length;
    if (lines.length === mostLines || characters > mostCharacters) break;
    lines.push({ seconds, level, device, text: short });
  }
  const complete = log.length > 0 && log.every(({ gap }) => !gap);
  return { complete, omitted: about.length - lines.length, lines: lines.reverse() };
}

/** Talk that says nothing of what is right or wrong, of which there is much when there are many VFs. */
const chatter = anyOf(
  /: renamed from |enabling device |MLX5E: StrdRq|Rate limit: |\bgroup \d+$|PCIe bandwidth/,
  /\bLink (?:up|is up|becomes ready)|not ready$/,
  /fw query isn't supported by the FW/,
);
const telling = anyOf(
  /\blag\b|Enslaving|Releasing|single FDB|shared_fdb/i,
  /E-Switch|esw|SR-?IOV|firmware version|MMIO/i,
  /Link down|definitely down/i,
);

/**
 * Warnings and worse about NICs and the IOMMU, and beneath them only what tells of SR-IOV, eSwitch, LAG and
 * bonds.
 */
function concerning({ pfs, bonds }: Pick<HostState, "pfs" | "bonds">): (record: KernelRecord) => boolean {
  const functions = new Set<string>(
    pfs.flatMap(({ address, vfs }) => [address, ...vfs.map((vf) => vf.address)]),
  );
  const ports = new Set<string>(pfs.map(({ address }) => address));
  const slots = new Set<string>(pfs.map(({ address }) => slotOf(address)));
  const drivers = new Set(
    pfs.flatMap(({ driver }) => (driver === null ? [] : [driver, driverOf(driver).vfDriver])),
  );
  const names = new Set(bonds.map(({ name }) => name));
  return ({ device, level, text }) => {
    if (chatter.test(text)) return false;
    const word = /^[^\s:]+/.exec(text)?.[0] ?? "";
    const worse = level === null || level <= 4;
    if (/^(?:kvm|x86\/cpu)/.test(text)) return worse && /bios/i.test(text);
    if (text.startsWith("tc mirred to Houston: ")) return true;
    if (/^(?:DMAR|AMD-Vi|iommu)\b/.test(text)) return worse;
    if (names.has(word) || word === "bonding") return worse || telling.test(text);
    const known = device !== null && (functions.has(device) || slots.has(slotOf(device)));
    if (!known && !drivers.has(word.replace(/\.\w+$/, ""))) return false;
    return worse || (telling.test(text) && (device === null || ports.has(device)));
  };
}
