/**
 * The settings of a ConnectX's firmware that decide about VFs, and how they are written. Nothing here loads
 * zod.
 */

/**
 * Programs that ask and set the firmware's configuration: mstconfig is in mstflint, mlxconfig in NVIDIA's
 * MFT.
 */
export type FirmwareTool = "mlxconfig" | "mstconfig";

/** Exact names: a card has others that contain them, such as `SRIOV_EN_P1` or `PF_NUM_OF_VFS`. */
export const firmwareParameters = ["SRIOV_EN", "NUM_OF_VFS", "LINK_TYPE_P1", "LINK_TYPE_P2"] as const;
export type FirmwareParameterName = (typeof firmwareParameters)[number];

/** Values in canonical form: `true`, `false`, a number, or the name of a choice such as `ETH`. */
export type FirmwareSettings = Readonly<Partial<Record<FirmwareParameterName, string>>>;

/**
 * A value as the tools show it, in canonical form: `True(1)` is `true`, `ETH(2)` is `ETH`, `8` and
 * `Array[0..7]` are themselves; null for `N/A`, which stands for a value that the card did not tell. Source:
 * mstflint mlxconfig/mlxcfg_ui.cpp, printValue() and printParam().
 */
export function canonicalValue(shown: string): string | null {
  if (shown === "N/A") return null;
  const choice = /^([^()]+)\(\d+\)$/.exec(shown)?.[1];
  if (choice === "True" || choice === "False") return choice.toLowerCase();
  return choice ?? shown;
}

/** `SRIOV_EN=1`, as every version of the tools takes it. Throws where a value is none of this parameter. */
export function settingArguments(settings: FirmwareSettings): string[] {
  return firmwareParameters.flatMap((name) => {
    const value = settings[name];
    return value === undefined ? [] : [`${name}=${toolValue(name, value)}`];
  });
}

function toolValue(name: FirmwareParameterName, value: string): string {
  const known =
    name === "SRIOV_EN" ? { true: "1", false: "0" } : name === "NUM_OF_VFS" ? {} : { IB: "1", ETH: "2" };
  const word = new Map(Object.entries(known)).get(value);
  if (word !== undefined) return word;
  if (name === "NUM_OF_VFS" && /^\d{1,5}$/.test(value)) return value;
  throw new Error(`${JSON.stringify(value)} is no value of ${name}`);
}
