import * as z from "zod";
import { canonicalValue, firmwareParameters } from "../../actions/firmware-settings.ts";
import type { FirmwareConfiguration } from "../../state/firmware.ts";
import { type Observed, unknown } from "../../state/observed.ts";

/**
 * What a query with `-j FILE` writes: the same as the table, in a form that does not change with its widths.
 * It is asked for where the table is not understood. Source: mstflint mlxconfig/mlxcfg_ui.cpp,
 * WriteSingleParam(); versions before it have no `-j`.
 */

const shown = z.union([z.string(), z.number()]).nullish();
const Parameter = z.object({
  default_value: shown,
  current_value: shown,
  next_value: shown,
  read_only: z.boolean().nullish(),
});
const word = z.string().nullish();
const Device = z.object({
  device_type: word,
  name: word,
  description: word,
  tlv_configuration: z.record(z.string(), z.unknown()),
});

/** @param text what the program printed, with the JSON among it */
export function parseFirmwareJson(text: string): Observed<FirmwareConfiguration> {
  const parsed = Device.safeParse(onlyDevice(text));
  if (!parsed.success) return unknown(`not understood: ${parsed.error.issues[0]?.message ?? "no device"}`);
  const { device_type, name, description, tlv_configuration } = parsed.data;
  const parameters: FirmwareConfiguration["parameters"] = {};
  for (const parameter of firmwareParameters) {
    if (!(parameter in tlv_configuration)) continue;
    const found = Parameter.safeParse(tlv_configuration[parameter]);
    // Without what the next boot brings nothing can be decided.
    if (!found.success || found.data.next_value == null)
      return unknown(`not understood: ${parameter} in the JSON of a query`);
    const { default_value, current_value, next_value, read_only } = found.data;
    const canonical = (value: z.infer<typeof shown>) =>
      value == null ? null : canonicalValue(String(value));
    parameters[parameter] = {
      default: canonical(default_value),
      current: canonical(current_value),
      next: canonical(next_value),
      readOnly: read_only ?? false,
    };
  }
  return { type: told(device_type), name: told(name), description: told(description), parameters };
}

function onlyDevice(text: string): unknown {
  try {
    const devices: unknown = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
    const all = Object.entries(z.record(z.string(), z.unknown()).parse(devices)).filter(([key]) =>
      /^Device #\d+$/.test(key),
    );
    return all.length === 1 ? all[0]?.[1] : undefined;
  } catch {
    return undefined;
  }
}

function told(text: string | null | undefined): string | null {
  return text == null || text === "" || text === "N/A" ? null : text;
}
