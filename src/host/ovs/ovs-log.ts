import * as z from "zod";
import { observed } from "../state/observed-schema.ts";

/**
 * What ovs-vswitchd wrote into its log since it was started, as far as it is about ports, rules and offload.
 */

export const OvsLogLine = z
  .strictObject({
    time: z.string(),
    level: z.enum(["EMER", "ERR", "WARN"]),
    module: z.string(),
    text: z.string(),
    times: z.int().min(1),
  })
  .meta({
    id: "OvsLogLine",
    description: "time: of the last one, as ovs-vswitchd wrote it; times: how often it wrote just this",
  });
export type OvsLogLine = z.infer<typeof OvsLogLine>;

export const OvsLog = z
  .strictObject({ from: z.string(), sinceStart: z.boolean(), lines: z.array(OvsLogLine) })
  .meta({
    id: "OvsLog",
    description:
      "from: the file or command that it was read by; sinceStart: what was read reaches back to " +
      "ovs-vswitchd's last start",
  });
export type OvsLog = z.infer<typeof OvsLog>;

/**
 * As a state has it; one that was saved before vflag looked at this log reads as not known. Null: there is no
 * Open vSwitch.
 */
export const observedOvsLog = observed(OvsLog.nullable()).default({
  unknown: "saved by a version of vflag that did not look at it",
});
