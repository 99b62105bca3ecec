/**
 * What a NIC model does, and how long it takes: the numbers of the simulated host's rules. Times are in
 * seconds.
 */
export interface Profile {
  readonly eswitch: boolean;
  readonly vfLag: boolean;
  /** `vport`: the inline mode can be set. `none`: only `none` is taken. */
  readonly inline: "vport" | "none";
  readonly steering: readonly ("dmfs" | "smfs" | "hmfs")[];
  readonly totalVfs: number;
  readonly offset: (port: number) => number;
  readonly stride: number;
  readonly pfChannels: number;
  readonly representorChannels: number;
  readonly tcOffload: boolean;
  /** Whether a LAG spreads flows by a table. */
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
