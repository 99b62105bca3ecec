import { modelOf } from "../models.ts";
import type { PhysicalFunction } from "../state.ts";

/** What a NIC model does, and how long it takes: the numbers of the simulated host's rules. Times are in seconds. */
export interface Profile {
  readonly eswitch: boolean;
  readonly vfLag: boolean;
  /** Whether mlx4-style module options make the VFs, instead of sysfs. */
  readonly vfsByModule: boolean;
  /** `vport`: the inline mode can be set (ConnectX-4). `none`: only `none` is taken (ConnectX-5 and later). */
  readonly inline: "vport" | "none";
  readonly steering: readonly ("dmfs" | "smfs" | "hmfs")[];
  readonly totalVfs: number;
  readonly offset: (port: number) => number;
  readonly stride: number;
  readonly pfChannels: number;
  readonly representorChannels: number;
  readonly tcOffload: boolean;
  /** Whether a LAG spreads flows by a table (port_select_flow_table): ConnectX-6 Dx and later. */
  readonly lagByHash: boolean;
  readonly seconds: {
    readonly createVf: number;
    readonly destroyVf: number;
    readonly probeVf: number;
    readonly unbindVf: number;
    readonly modeChange: number;
    readonly modeChangePerVf: number;
    readonly lag: number;
    readonly request: number;
  };
}

/**
 * Measured on a ConnectX-5 (Ex): a VF probe 0.45 s, switchdev with 2 VFs about 1.3 s, LAG active about 1 s after the bond;
 * see docs/simulated-host.md for the sources. The other cards are estimated alike.
 */
const connectx: Profile = {
  eswitch: true,
  vfLag: true,
  vfsByModule: false,
  inline: "none",
  steering: ["dmfs", "smfs"],
  totalVfs: 64,
  offset: (port) => 2 + port * 63,
  stride: 1,
  pfChannels: 63,
  representorChannels: 18,
  tcOffload: true,
  lagByHash: false,
  seconds: {
    createVf: 0.012,
    destroyVf: 0.01,
    probeVf: 0.45,
    unbindVf: 0.1,
    modeChange: 1.1,
    modeChangePerVf: 0.1,
    lag: 1,
    request: 0.001,
  },
};

const intel: Profile = {
  ...connectx,
  eswitch: false,
  vfLag: false,
  steering: [],
  totalVfs: 64,
  offset: (port) => 16 + port,
  stride: 4,
  tcOffload: false,
  seconds: { ...connectx.seconds, probeVf: 0.34, unbindVf: 0.05 },
};

const byModel: Readonly<Record<string, Profile>> = {
  "ConnectX-3": { ...connectx, eswitch: false, vfLag: false, vfsByModule: true, steering: [], tcOffload: false, totalVfs: 16 },
  "ConnectX-3 Pro": { ...connectx, eswitch: false, vfLag: false, vfsByModule: true, steering: [], tcOffload: false, totalVfs: 16 },
  "ConnectX-4": { ...connectx, vfLag: false, inline: "vport", steering: ["dmfs"] },
  "ConnectX-4 Lx": { ...connectx, vfLag: false, inline: "vport", steering: ["dmfs"] },
  ...Object.fromEntries(["ConnectX-6 Dx", "ConnectX-6 Lx", "ConnectX-7"].map((name) => [name, { ...connectx, lagByHash: true }])),
  "ConnectX-8": { ...connectx, lagByHash: true, steering: ["dmfs", "hmfs"] },
  "ConnectX-9": { ...connectx, lagByHash: true, steering: ["dmfs", "hmfs"] },
  "82576": { ...intel, totalVfs: 7, offset: () => 128, stride: 2, pfChannels: 2 },
};

/** The profile of a PF's model; a model that is not known behaves as what was observed of it says. */
export function profileOf(pf: PhysicalFunction): Profile {
  const name = modelOf(pf.vendor, pf.product)?.name ?? "";
  return byModel[name] ?? (pf.vendor === "15b3" || pf.eswitch !== null ? connectx : intel);
}
