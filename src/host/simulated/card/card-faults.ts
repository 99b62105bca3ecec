import { profileOf } from "../../../drivers/registry.ts";
import { cardsOf } from "../../cards.ts";
import { known } from "../../state/observed.ts";
import { behaviour, type Fault } from "../fault.ts";
import { cardOf } from "../world.ts";
import { disabledLag, stick } from "./lag.ts";

/** What a card's firmware refuses, forgets or cannot do, and what the kernel's driver was built without. */
export const cardFaults = {
  "mode-change-fails": behaviour("the firmware fails every eSwitch mode change"),
  "eswitch-busy": behaviour(
    "rules that somebody keeps in the hardware make the first port's eSwitch refuse another mode",
  ),
  "lag-refused": behaviour("the firmware refuses to create the LAG"),
  "forgets-vf-macs": behaviour("the firmware forgets the VFs' addresses at a mode change"),
  "mode-change-out-of-memory": behaviour(
    "there is no memory for the ports' netdevs at an eSwitch mode change",
  ),
  "lag-stuck": {
    summary: "the bond changed while VFs were bound: the firmware keeps the LAG that the driver gave up",
    apply: (world) => {
      for (const pf of world.state.pfs) {
        const ports = cardOf(world, pf);
        const lag = known(pf.lag);
        if (ports[0] !== pf || lag?.state !== "active" || lag.type !== "switchdev") continue;
        stick(world, ports);
        delete world.hidden.lagActiveAt[cardsOf(world.state)(pf.address)];
        for (const port of ports) port.lag = disabledLag(lag.members);
      }
    },
  },
  "kernel-without-tc-offload": {
    summary: "the kernel's mlx5 was built without CONFIG_MLX5_CLS_ACT: it offloads no flow (Debian's 6.12)",
    apply: (world) => {
      world.state.kernelOptions = { CONFIG_MLX5_CLS_ACT: false };
      const representors = new Set(world.state.representors.map(({ netdev }) => netdev));
      for (const netdev of world.state.netdevs) {
        const own = world.state.pfs.find((pf) => pf.netdev === netdev.name);
        if (representors.has(netdev.name)) netdev.tcOffload = { on: false, fixed: true };
        else if (own !== undefined && profileOf(own).tcOffload)
          netdev.tcOffload = { on: known(own.eswitch)?.mode === "switchdev", fixed: true };
      }
      for (const pf of world.state.pfs) {
        const lag = known(pf.lag);
        if (lag?.sharedFdb === true) lag.sharedFdb = false;
      }
    },
  },
  "no-smfs": {
    summary: "the card cannot do software managed steering (smfs)",
    apply: (world) => {
      for (const pf of world.state.pfs) {
        const eswitch = known(pf.eswitch);
        if (eswitch?.steering === "smfs") eswitch.steering = "dmfs";
      }
    },
  },
  "no-encap": {
    summary: "the card cannot encapsulate",
    apply: (world) => {
      for (const pf of world.state.pfs) {
        const eswitch = known(pf.eswitch);
        if (eswitch?.encap === true) eswitch.encap = false;
      }
    },
  },
  "firmware-takes-encap": behaviour("the firmware makes tables that encapsulate also while a VF is driven"),
  "firmware-frees-lag": behaviour("the firmware gives up a LAG also while a VF is driven"),
  "firmware-keeps-lag-over-64": behaviour("the firmware offers a LAG also with NUM_OF_VFS above 64"),
} satisfies Record<string, Fault>;
