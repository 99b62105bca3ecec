import { known } from "../../state/observed.ts";
import { behaviour, type Fault } from "../fault.ts";
import { logOvs, startOvs } from "./ovs.ts";

/** What goes wrong with Open vSwitch: how it was started and set, and what it lost. */
export const ovsFaults = {
  "ovs-reads-at-start": behaviour("ovs-vswitchd takes hw-offload up only when it starts"),
  "ovs-forgets-bond": behaviour("Open vSwitch gives bonds no ingress block, whenever it starts"),
  "flows-in-software": behaviour(
    "Open vSwitch cannot put guests' flows into hardware, for no reason that is seen elsewhere",
  ),
  "ovs-offload-off": {
    summary: "Open vSwitch is not told to offload (hw-offload), and was started so",
    apply: (world) => {
      const ovs = known(world.state.ovs);
      if (ovs != null) ovs.hwOffload = false;
      startOvs(world);
    },
  },
  "ovs-skip-hw": {
    summary: "Open vSwitch keeps rules out of the hardware (tc-policy skip_hw)",
    apply: (world) => {
      const ovs = known(world.state.ovs);
      if (ovs != null) ovs.tcPolicy = "skip_hw";
    },
  },
  "ovs-stopped": {
    summary: "ovs-vswitchd has died",
    apply: (world) => {
      const ovs = known(world.state.ovs);
      if (ovs == null) return;
      ovs.running = false;
      ovs.offloadInEffect = { unknown: "ovs-vswitchd does not answer" };
    },
  },
  "ingress-block-missing": {
    summary: "the bond's ingress block got lost when Open vSwitch restarted",
    apply: (world) => {
      const bonds = world.state.bonds.map(({ name }) => name);
      for (const qdisc of known(world.state.ingressQdiscs) ?? [])
        if (bonds.includes(qdisc.netdev)) qdisc.block = null;
      for (const bond of bonds)
        logOvs(world, "ERR", "dpif_netlink", `failed to offload flow: No such file or directory: ${bond}`);
    },
  },
  "stale-port": {
    summary: "Open vSwitch has a port of a representor that is gone for good",
    apply: (world) => {
      const [bridge] = known(world.state.ovs)?.bridges ?? [];
      const base = world.state.pfs[0]?.netdev?.replace(/np\d+$/, "");
      if (bridge === undefined || base === undefined) return;
      const name = `${base}npf0vf99`;
      const error = `could not open network device ${name} (No such device)`;
      bridge.interfaces = bridge.interfaces.filter((port) => port.name !== name);
      bridge.interfaces.push({ name, port: name, type: "", ofport: -1, error, ifaceId: null });
      logOvs(world, "WARN", "bridge", error);
    },
  },
} satisfies Record<string, Fault>;
