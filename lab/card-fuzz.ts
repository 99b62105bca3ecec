import { readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { type ExecResult, mustRun, run } from "./exec.ts";
import type { Tools } from "./tools.ts";

/**
 * The card as a hostile guest would drive it: built with the address and undefined-behaviour sanitizers, with
 * a million commands, changed, made up, and those that a real driver asked for among them.
 */
export interface Fuzzing {
  readonly tools: Tools;
  /** The sanitizers' build of the card. */
  readonly card: string;
  /** QEMU, and where it finds its files. */
  readonly qemu: readonly string[];
  /** What a real driver asked for, recorded. */
  readonly recording: string;
}

/** What must be loaded into QEMU before the sanitizers' build is. */
export async function sanitizers({ tools, card }: Pick<Fuzzing, "tools" | "card">): Promise<string> {
  const named = (await mustRun(["gcc", "-print-file-name=libasan.so"], { env: tools.env })).trim();
  const library = await realpath(named).catch(() => readlink(named));
  return `${library} ${card}`;
}

/** @param mistake whether the card shall make a mistake itself, which must be found */
export async function fuzz(
  of: Fuzzing,
  commands: number,
  seed: number,
  mistake = false,
): Promise<ExecResult> {
  const argv = [
    ...of.qemu,
    ...["-M", "q35", "-S", "-m", "1500", "-display", "none", "-nodefaults"],
    ...["-device", "pcie-root-port,id=slot1,bus=pcie.0,slot=1"],
    ...["-device", "connectx,id=nic0p0,bus=slot1,addr=0.0,multifunction=on,x-pcie-ari-nextfn-1=on"],
    ...["-device", "connectx,id=nic0p1,bus=slot1,addr=0.1"],
  ];
  const settings = {
    LD_PRELOAD: await sanitizers(of),
    LD_LIBRARY_PATH: of.tools.env["LD_LIBRARY_PATH"] ?? "",
    QEMU_MODULE_DIR: of.tools.env["QEMU_MODULE_DIR"] ?? "",
    ASAN_OPTIONS: "detect_leaks=0",
    CONNECTX_FUZZ: `${commands}:${seed}`,
    CONNECTX_REPLAY: of.recording,
    ...(mistake ? { CONNECTX_FUZZ_BUG: "1" } : {}),
  };
  // The variables are for QEMU alone, not for what starts it.
  return run(["env", ...Object.entries(settings).map(([name, value]) => `${name}=${value}`), ...argv], {
    timeout: 600_000,
  });
}

/** QEMU of the tools, with where it finds its firmware. */
export function qemuOf(tools: Tools): string[] {
  const path = (name: string): string => join(tools.root, "usr", name);
  return [
    path("bin/qemu-system-x86_64"),
    ...["share/qemu", "share/seabios", "lib/ipxe/qemu"].flatMap((name) => ["-L", path(name)]),
  ];
}
