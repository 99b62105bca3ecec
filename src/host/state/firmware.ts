import * as z from "zod";
import { observed } from "./observed-schema.ts";
import { PciAddress } from "./schemas.ts";

/**
 * What a card's firmware is configured to: what it was made with, what it runs with, and what the next boot
 * gives it.
 */

const value = z.string().nullable();

export const FirmwareParameter = z
  .strictObject({ default: value, current: value, next: value, readOnly: z.boolean() })
  .meta({
    id: "FirmwareParameter",
    description:
      "in canonical form: true, false, a number, or the name of a choice such as ETH; null where the tool " +
      "does not show it",
  });
export type FirmwareParameter = z.infer<typeof FirmwareParameter>;

export const FirmwareConfiguration = z
  .strictObject({
    type: value,
    name: value,
    description: value,
    parameters: z.record(z.string(), FirmwareParameter),
  })
  .meta({
    id: "FirmwareConfiguration",
    description:
      "the card in the tool's words, and those of its parameters that decide about VFs; one that is not " +
      "listed, the card does not have",
  });
export type FirmwareConfiguration = z.infer<typeof FirmwareConfiguration>;

export const FirmwareCard = z
  .strictObject({
    card: z.string(),
    pfs: z.array(PciAddress),
    asked: PciAddress,
    tool: z.enum(["mlxconfig", "mstconfig"]).nullable(),
    version: value,
    configuration: observed(FirmwareConfiguration),
  })
  .meta({
    id: "FirmwareCard",
    description:
      "a card of vendor 15b3: the slot of its first function, its PFs, the PF by which it was asked, and " +
      "with what program",
  });
export type FirmwareCard = z.infer<typeof FirmwareCard>;
