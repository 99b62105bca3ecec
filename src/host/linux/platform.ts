import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseKernelArguments } from "../actions/kernel-arguments.ts";
import { isUnknown, type Observed, unknown } from "../state/observed.ts";
import type { BiosSign, Cpu, Platform } from "../state/platform.ts";
import { parsePciAddress } from "../state/values.ts";
import { findBootLoader } from "./boot/boot-loader.ts";
import { readKmsg } from "./log/kernel-log.ts";
import type { Kernel } from "./system/kernel.ts";
import { errnoName, reasonOf } from "./system/refusal.ts";

/**
 * What this machine is beneath its NICs.
 * @param bootLoader what is known of it already: grubby takes a second
 * @param log the kernel log, where it was read already
 */
export async function findPlatform(
  kernel: Pick<Kernel, "sysRoot" | "procRoot" | "devRoot" | "filesRoot" | "run">,
  bootLoader: Promise<Platform["bootLoader"]> = findBootLoader(kernel),
  log: Observed<readonly { readonly text: string }[]> = readKmsg(kernel.devRoot),
): Promise<Platform> {
  const { sysRoot, procRoot } = kernel;
  return {
    cpu: look(() => parseCpuInfo(readFileSync(join(procRoot, "cpuinfo"), "utf8"))),
    iommuGroups: look(
      () => readdirSync(join(sysRoot, "kernel/iommu_groups")).filter((name) => /^\d+$/.test(name)).length,
    ),
    arguments: look(() => parseKernelArguments(readFileSync(join(procRoot, "cmdline"), "utf8"))),
    lockdown: look(() => readLockdown(join(sysRoot, "kernel/security/lockdown"))),
    biosSigns: isUnknown(log) ? log : biosSignsIn(log.map(({ text }) => text)),
    bootLoader: await bootLoader,
  };
}

/**
 * The processor by what /proc/cpuinfo says of its first core. A BIOS that turns virtualization off takes the
 * flag away, on kernels that look: linux arch/x86/kernel/cpu/feat_ctl.c (vmx), arch/x86/kernel/cpu/amd.c
 * (svm).
 */
export function parseCpuInfo(text: string): Observed<Cpu> {
  const first = text.split(/\n\s*\n/).find((block) => block.trim() !== "");
  if (first === undefined) return unknown("/proc/cpuinfo is empty");
  const fields = new Map(
    first.split("\n").flatMap((line): [string, string][] => {
      const at = line.indexOf(":");
      return at === -1 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()]];
    }),
  );
  const vendor = fields.get("vendor_id") ?? null;
  const flags = fields.get("flags")?.split(/\s+/) ?? [];
  if (vendor !== null && flags.length === 0) return unknown("/proc/cpuinfo has a vendor_id and no flags");
  return { vendor, virtualization: flags.includes("vmx") ? "vmx" : flags.includes("svm") ? "svm" : null };
}

/** The word in brackets. Source: linux security/lockdown/lockdown.c, lockdown_read(). */
function readLockdown(path: string): Observed<string | null> {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    if (errnoName(error) === "ENOENT") return null;
    throw error;
  }
  return /(?:^|\s)\[([a-z]+)\](?:\s|$)/.exec(text)?.[1] ?? unknown(`${path}: not understood: ${text}`);
}

/**
 * Each line once. Source: linux drivers/pci/iov.c, sriov_enable(), now and before 3.20; for virtualization
 * see parseCpuInfo(), and kvm.
 */
const patterns: readonly (readonly [BiosSign["sign"], RegExp])[] = [
  ["mmio", /(?:^|\s)(\S+): (?:not enough MMIO resources for SR-IOV|SR-IOV: IOV BARS not allocated)/],
  [
    "bus-number",
    /(?:^|\s)(\S+): (?:SR-IOV: bus number out of range|can't enable \d+ VFs \(bus [0-9a-f]+ out of range of)/,
  ],
  [
    "virtualization",
    /^(?:kvm(?:_intel|_amd)?: (?:.*\s)?|x86\/cpu: (?:VMX|SVM)\b.*\s)(?:disabled|not enabled) \(?by bios\b/i,
  ],
];

/** What the kernel log says that points to a setting of the BIOS, each thing once, the newest words. */
export function biosSignsIn(log: readonly string[]): BiosSign[] {
  const found = new Map<string, BiosSign>();
  for (const text of log) {
    for (const [sign, pattern] of patterns) {
      const match = pattern.exec(text);
      const device = parsePciAddress(match?.[1] ?? null);
      if (match === null || (sign !== "virtualization" && device === null)) continue;
      found.set(`${sign} ${device}`, { sign, device, text });
    }
  }
  return [...found.values()];
}

function look<T>(read: () => Observed<T>): Observed<T> {
  try {
    return read();
  } catch (error) {
    return unknown(reasonOf(error));
  }
}
