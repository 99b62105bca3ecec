import { join } from "node:path";
import {
  type FirmwareSettings,
  type FirmwareTool,
  settingArguments,
} from "../../actions/firmware-settings.ts";
import { cardsOf } from "../../cards.ts";
import type { FirmwareCard, FirmwareConfiguration } from "../../state/firmware.ts";
import { isUnknown, type Observed, unknown } from "../../state/observed.ts";
import type { HostState } from "../../state/state.ts";
import type { PciAddress } from "../../state/values.ts";
import type { Kernel } from "../system/kernel.ts";
import { ProgramError, type ProgramResult } from "../system/program.ts";
import { Refusal, reasonOf } from "../system/refusal.ts";
import { readText } from "../system/sysfs.ts";
import { parseFirmwareJson } from "./firmware-json.ts";
import { firmwareErrorOf, parseFirmwareQuery, parseFirmwareToolVersion } from "./firmware-text.ts";

/**
 * The configuration of the cards' firmware, through mstconfig (Debian's mstflint) or mlxconfig (MFT).
 * Both take PCI addresses and need no `mst start`. The answer is taken as text: JSON, which newer versions
 * offer, goes to a file only. The firmware is never reset: that takes all ports of the card down.
 */

/** Which program to use; `auto`: the first that is installed. */
export type FirmwareToolChoice = FirmwareTool | "auto";

/** Programs in the order in which `auto` tries them. */
const tools: readonly FirmwareTool[] = ["mstconfig", "mlxconfig"];

/** In ms. A query of all parameters of a ConnectX-5 takes 5 s (openshift/sriov-network-operator issue 48). */
const queryLimit = 60_000;
const setLimit = 60_000;

const vendor = "15b3";

/**
 * What the program exits with when it could not read some groups of settings, such as those of a boot ROM
 * that the card does not have: the table of all others is printed whole. Source: mstflint
 * mlxconfig/mlxcfg_ui.cpp, queryDevCfg(); seen with 4.21.
 */
const partlyRead = 3;
const needed = ["SRIOV_EN", "NUM_OF_VFS"] as const;

/**
 * Asks every card of vendor 15b3 once, all at the same time; a host without such a card starts no program.
 */
export async function findFirmware(
  kernel: Pick<Kernel, "run" | "sysRoot">,
  state: Pick<HostState, "pfs" | "netdevs">,
  choice: FirmwareToolChoice,
): Promise<Observed<FirmwareCard[]>> {
  const pfs = state.pfs.filter((pf) => pf.vendor === vendor).map(({ address }) => address);
  if (pfs.length === 0) return [];
  const found = await findTool(kernel, choice);
  const cards = Map.groupBy(pfs, cardsOf(state));
  return Promise.all(
    [...cards].map(async ([card, ports]): Promise<FirmwareCard> => {
      const asked = ports.toSorted()[0];
      if (asked === undefined) throw new Error(`card ${card} has no PF`);
      const about = { card, pfs: ports, asked };
      if (isUnknown(found)) return { ...about, tool: null, version: null, configuration: found };
      return { ...about, ...found, configuration: await queryFirmware(kernel, found.tool, asked) };
    }),
  );
}

/** Sets values for the next boot, and reads them back. Throws Refusal with the program's words. */
export async function setFirmware(
  kernel: Pick<Kernel, "run" | "sysRoot">,
  pf: PciAddress,
  tool: FirmwareTool,
  settings: FirmwareSettings,
): Promise<void> {
  const argv = [tool, "-d", pf, "-y", "set", ...settingArguments(settings)];
  const answer = await kernel.run(argv, { limit: setLimit });
  if (answer.code !== 0) throw new Refusal(null, `${argv.join(" ")}: ${failureOf(kernel, answer)}`);
  const configuration = await queryFirmware(kernel, tool, pf);
  if (isUnknown(configuration))
    throw new Refusal(null, `${argv.join(" ")}: done, but it cannot be read back: ${configuration.unknown}`);
  const otherwise = Object.entries(settings).flatMap(([name, wanted]) => {
    const next = configuration.parameters[name]?.next ?? null;
    return next === wanted ? [] : [`${name} is ${next ?? "not shown"} for the next boot, not ${wanted}`];
  });
  if (otherwise.length > 0)
    throw new Refusal(null, `${argv.join(" ")}: it said that this is done, but ${otherwise.join(", ")}`);
}

async function queryFirmware(
  kernel: Pick<Kernel, "run" | "sysRoot">,
  tool: FirmwareTool,
  pf: PciAddress,
): Promise<Observed<FirmwareConfiguration>> {
  const argv = [tool, "-d", pf, "-e", "query"];
  try {
    const answer = await kernel.run(argv, { limit: queryLimit });
    const partial = answer.code === partlyRead ? parseFirmwareQuery(answer.stdout) : null;
    if (partial !== null && !isUnknown(partial) && needed.every((name) => name in partial.parameters))
      return partial;
    if (answer.code !== 0) return unknown(`${argv.join(" ")}: ${failureOf(kernel, answer)}`);
    const table = parseFirmwareQuery(answer.stdout);
    const configuration = isUnknown(table) ? await queryAsJson(kernel, tool, pf, table) : table;
    return isUnknown(configuration) ? unknown(`${argv.join(" ")}: ${configuration.unknown}`) : configuration;
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

/**
 * A table in a layout that is not known.
 * @param table why it was not understood, which is told unless the JSON is
 */
async function queryAsJson(
  { run }: Pick<Kernel, "run">,
  tool: FirmwareTool,
  pf: PciAddress,
  table: Observed<FirmwareConfiguration>,
): Promise<Observed<FirmwareConfiguration>> {
  const { code, stdout } = await run([tool, "-d", pf, "-j", "/dev/stdout", "query"], { limit: queryLimit });
  const configuration = code === 0 ? parseFirmwareJson(stdout) : table;
  return isUnknown(configuration) ? table : configuration;
}

async function findTool(
  { run }: Pick<Kernel, "run">,
  choice: FirmwareToolChoice,
): Promise<Observed<{ tool: FirmwareTool; version: string | null }>> {
  const asked = choice === "auto" ? tools : [choice];
  for (const tool of asked) {
    try {
      const { stdout } = await run([tool, "--version"], { limit: queryLimit });
      return { tool, version: parseFirmwareToolVersion(stdout) };
    } catch (error) {
      if (!(error instanceof ProgramError) || error.code !== "ENOENT") return unknown(reasonOf(error));
    }
  }
  const wanted =
    choice === "auto" ? "neither mstconfig nor mlxconfig is installed" : `${choice} is not installed`;
  return unknown(`${wanted} (mstconfig is in the package mstflint)`);
}

/** What a program said, and what it does not say: that the kernel's lockdown keeps it from the card. */
function failureOf({ sysRoot }: Pick<Kernel, "sysRoot">, { stdout, stderr, code }: ProgramResult): string {
  const words = `exit code ${code ?? "none"}: ${firmwareErrorOf(stdout, stderr)}`;
  const lockdown = lockdownOf(sysRoot);
  if (lockdown !== null && lockdown !== "none") {
    return (
      `${words}. The kernel's lockdown is on (${lockdown}; secure boot does that) and keeps programs ` +
      `from a card's registers: kernel_lockdown(7)`
    );
  }
  return words;
}

/**
 * The bracketed word of the lockdown file; null where the kernel has none, or securityfs is not mounted.
 * Source: kernel_lockdown(7).
 */
function lockdownOf(sysRoot: string): string | null {
  return /\[(\w+)\]/.exec(readText(join(sysRoot, "kernel/security/lockdown")) ?? "")?.[1] ?? null;
}
