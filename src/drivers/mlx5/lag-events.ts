import { anyOf } from "../../host/any-of.ts";

/**
 * The texts of mlx5 and bonding that tell of a LAG, of all kernels since 4.9: see lag-log.ts for their
 * sources.
 */

/** What one line of the kernel log tells of a card's LAG and of what it depends on. */
export type LagEvent =
  | { readonly kind: "start"; readonly port: string }
  | { readonly kind: "eswitch"; readonly port: string; readonly mode: "legacy" | "switchdev" | "none" }
  | {
      readonly kind: "map";
      readonly mapping: string[];
      readonly made: boolean | null;
      readonly sharedFdb: boolean | null;
    }
  | { readonly kind: "made"; readonly sharedFdb: boolean; readonly portSelection: string | null }
  | { readonly kind: "failed" | "modify-failed" }
  | { readonly kind: "joined" | "left"; readonly slave: string };

/**
 * `lag map` and its relatives in all their forms: with and without a colon, as one line or as ports or active
 * ports.
 */
const mapped = anyOf(/port 1:(\d+) port 2:(\d+)/, /active ports: ?([\d, ]+)/).source;
const mapOptions = /(?: shared_fdb:([01]))?(?: mode:(\w+))?\s*$/.source;
const mapPattern = new RegExp(`(modify )?lag map(:?) ?(?:${mapped})${mapOptions}`);

const failedPattern = anyOf(
  /Failed to create LAG(?: \(| port selection| in shared FDB mode)/,
  /Failed to create SD shared FDB/,
  /Failed to (?:de)?activate (?:VF|RoCE) LAG/,
  /Failed to enable lag/,
  /LAG is not supported with SRIOV/,
);
const eswitchPattern = anyOf(
  /E-Switch: (Enable|Disable): mode\((LEGACY|OFFLOADS)\)/i,
  /E-Switch: E-Switch enable SRIOV: nvfs\(\d+\) mode \(([12])\)/i,
  /E-Switch: disable SRIOV: /i,
);

/** Since v5.3 the slave stands before what happens to it. */
const joinedOrLeft = anyOf(
  /\(slave (\S+)\): (?:Enslaving|Releasing) /,
  /Enslaving (\S+) as /,
  /Releasing \w+ interface (\S+)/,
).source;
const bondPattern = new RegExp(`^([^\\s:]+)(?: \\([^)]*\\))?: (?:${joinedOrLeft})`);

/**
 * What a line tells; null for others.
 * @param ports the addresses of the card's PFs
 * @param names of their netdevs
 * @param bond the name of the bond that they are in
 */
export function lagEventOf(
  text: string,
  ports: readonly string[],
  names: readonly string[],
  bond: string | null,
): LagEvent | null {
  const port = ports.find(
    (address) => text.startsWith(`mlx5_core ${address}: `) || text.startsWith(`mlx5_core ${address} `),
  );
  if (port !== undefined) return driverEvent(text, port);
  const [, master, newer, enslaved, released] = bondPattern.exec(text) ?? [];
  const slave = newer ?? enslaved ?? released;
  if (slave === undefined || (master !== bond && !names.includes(slave))) return null;
  return { kind: text.includes("Enslaving ") ? "joined" : "left", slave };
}

function driverEvent(text: string, port: string): LagEvent | null {
  if (text.includes(": firmware version: ")) return { kind: "start", port };
  const eswitch = eswitchPattern.exec(text);
  if (eswitch !== null) {
    const [, verb, word, number] = eswitch;
    const on = verb?.toLowerCase() === "enable" || number !== undefined;
    return {
      kind: "eswitch",
      port,
      mode: !on ? "none" : word === "OFFLOADS" || number === "2" ? "switchdev" : "legacy",
    };
  }
  if (failedPattern.test(text)) return { kind: "failed" };
  if (text.includes("Failed to modify LAG (")) return { kind: "modify-failed" };
  const map = mapPattern.exec(text);
  if (map !== null) {
    const [, modify, colon, first, second, active, shared] = map;
    const mapping =
      active === undefined ? [`1:${first}`, `2:${second}`] : active.split(",").map((each) => each.trim());
    // With a colon, or by active ports, making and changing are told in the same words.
    const isMade = modify !== undefined ? false : colon === "" && active === undefined ? true : null;
    return { kind: "map", mapping, made: isMade, sharedFdb: shared === undefined ? null : shared === "1" };
  }
  const told = /: shared_fdb:([01]) mode:(\w+)\s*$/.exec(text);
  return told === null ? null : { kind: "made", sharedFdb: told[1] === "1", portSelection: told[2] ?? null };
}
