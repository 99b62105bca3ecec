import type { Profile } from "../profile.ts";

/**
 * A NIC with an eSwitch. Measured on one of 2017: a VF probe 0.45 s, switchdev with 2 VFs about 1.3 s, LAG
 * active about 1 s after the bond; see docs/simulated-host.md for the sources. Other cards are estimated
 * alike.
 */
export const switchdevNic: Profile = {
  eswitch: true,
  vfLag: true,
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

/** A NIC without one. */
export const plainNic: Profile = {
  ...switchdevNic,
  eswitch: false,
  vfLag: false,
  steering: [],
  totalVfs: 64,
  offset: (port) => 16 + port,
  stride: 4,
  tcOffload: false,
  seconds: { ...switchdevNic.seconds, probeVf: 0.34, unbindVf: 0.05 },
};
