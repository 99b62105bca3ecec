import { switchdevNic } from "../generic/profiles.ts";
import type { Profile } from "../profile.ts";

/**
 * By model, where it is not a ConnectX-5's. A LAG spreads flows by a table (port_select_flow_table) in
 * ConnectX-6 Dx and later.
 */
const byModel: Readonly<Record<string, Profile>> = {
  "ConnectX-4": { ...switchdevNic, vfLag: false, inline: "vport", steering: ["dmfs"] },
  "ConnectX-4 Lx": { ...switchdevNic, vfLag: false, inline: "vport", steering: ["dmfs"] },
  ...Object.fromEntries(
    ["ConnectX-6 Dx", "ConnectX-6 Lx", "ConnectX-7"].map((name) => [
      name,
      { ...switchdevNic, lagByHash: true },
    ]),
  ),
  "ConnectX-8": { ...switchdevNic, lagByHash: true, steering: ["dmfs", "hmfs"] },
  "ConnectX-9": { ...switchdevNic, lagByHash: true, steering: ["dmfs", "hmfs"] },
};

export function profileOf(model: string | undefined): Profile {
  return byModel[model ?? ""] ?? switchdevNic;
}
