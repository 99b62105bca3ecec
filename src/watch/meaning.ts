import { lagBondModes } from "../drivers/registry.ts";
import { isUnknown, type Observed } from "../host/state/observed.ts";
import type { Fact, FactKind, Facts } from "./fact.ts";

/** What a change means for whoever runs guests on the NIC, in the words of an operator. */
export interface Meaning {
  readonly effect: "worse" | "better" | "neutral";
  /** Empty where the change says it all. */
  readonly text: string;
}

/** A fact of one key, before and after; undefined: it was not there. */
export interface Turn {
  readonly key: string;
  readonly kind: FactKind;
  readonly nic: string;
  readonly subject: string;
  readonly before: Observed<string | null>;
  readonly after: Observed<string | null>;
}

/** What surrounds the change. */
export interface Around {
  readonly after: Facts;
  /** The names that the NIC's own ports have, before or after. */
  readonly ports: ReadonlySet<string>;
}

const worse = (text: string): Meaning => ({ effect: "worse", text });
const better = (text: string): Meaning => ({ effect: "better", text });
const neutral = (text = ""): Meaning => ({ effect: "neutral", text });

/** What one turn means. */
export function meaningOf(turn: Turn, around: Around): Meaning {
  const { before, after } = turn;
  if (isUnknown(after)) return neutral(`it cannot be seen any more: ${after.unknown}`);
  if (isUnknown(before)) return neutral("it can be seen again");
  return meanings[turn.kind](after, before, turn, around);
}

type Explain = (after: string | null, before: string | null, turn: Turn, around: Around) => Meaning;

const meanings: Record<FactKind, Explain> = {
  port: (after) =>
    after === null
      ? worse("the PCI function has vanished: see dmesg for the device and its driver")
      : better("the port is back"),
  driver: (after) =>
    after === null
      ? worse("without its driver the port has no netdev, and its VFs have no port")
      : better(""),
  netdev: (after, before) => {
    if (after === null) return worse("its netdev is in another network namespace, or its driver shows none");
    return before === null
      ? better("")
      : neutral("what is configured under the old name misses the port now");
  },
  link: (after, _before, turn, around) => {
    if (after === "up") return better("the port carries traffic again");
    const cause =
      after === "switched off"
        ? "somebody switched it off (ip link set down)"
        : "cable, transceiver, or the switch's port";
    return worse(`${cause}; ${othersUp(turn, around)}`);
  },
  eswitch: (after) => {
    if (after === "switchdev") return better("representors can be had, and VF-LAG");
    return worse(
      "there are no representors: nothing of the VFs goes through Open vSwitch, and there is no VF-LAG",
    );
  },
  setting: () => neutral(),
  "vf-count": (after, before) => {
    if (after === null || after === "0") return worse("whoever had a VF of this port has lost it");
    return Number(after) < Number(before) ? worse("VFs are gone") : neutral();
  },
  vf: (after, before) =>
    after === null
      ? worse("whoever had it has lost it")
      : before === null
        ? neutral()
        : neutral("it has another address"),
  "vf-driver": (after, _before, _turn, around) => {
    if (after === null) return neutral("unbound: nobody drives it");
    const lag = [...around.after.values()].find(({ kind, nic }) => kind === "lag" && nic === _turn.nic);
    if (lag !== undefined && lag.value === "disabled")
      return worse("bound while the LAG is not active: the firmware will not make the LAG");
    return neutral(after === "vfio-pci" ? "bound, for a guest" : "bound");
  },
  "vf-holder": (after) => neutral(after === null ? "nobody has it any more" : ""),
  "vf-setting": () => neutral(),
  representor: (after, before) => {
    if (after === null)
      return worse("the eSwitch has no port for that VF any more: Open vSwitch can give it nothing");
    return before === null ? better("") : neutral("it was renamed: a bridge may have the old name");
  },
  "representor-link": (after) =>
    after === "switched off" ? worse("its VF is cut off from the bridge") : better(""),
  bond: (after) =>
    after === null
      ? worse("without the bond there is no LAG, and the host has lost its network over it")
      : better(""),
  "bond-mode": (after) => {
    if (lagBondModes.includes(after ?? "")) return neutral("the NIC can do this mode");
    return worse(`the NIC's LAG forms only with ${lagBondModes.join(", ")}`);
  },
  "bond-link": (after) =>
    after === "switched off" ? worse("the host's network over the bond is off") : better(""),
  lacp: (after) => {
    if (after === null) return worse("LACP has no active aggregator");
    return after.endsWith("no partner") ? worse("the switch does not speak LACP on these ports") : neutral();
  },
  slave: (after, before, turn, around) => {
    const own = around.ports.has(turn.subject);
    if (after === null)
      return own
        ? worse("the NIC's LAG needs both ports in the bond")
        : better(`${before} is rid of a port that is not the NIC's`);
    return own
      ? better("")
      : worse("it is no port of this NIC: one more slave disables the LAG without a message");
  },
  "slave-link": (after) =>
    after === "up" ? better("bonding sends by it again") : worse("bonding sends nothing by it"),
  lag: (after) => {
    if (after === "active, type switchdev") return better("VFs outlive the loss of a port");
    if (after?.startsWith("active, type roce") === true)
      return worse("made before switchdev: VFs lose their network with one port");
    return worse("VF-LAG is off: VFs lose their network with their port");
  },
  "lag-mapping": (after, before) => mapping(after ?? "", before ?? ""),
  ovs: (after) =>
    after === "runs" ? better("") : worse("nobody hands flows to the NIC, and new flows find no answer"),
  "ovs-setting": (after, _before, { subject }) => {
    if (subject === "hw-offload")
      return after === "on"
        ? better("it takes effect at once, or when ovs-vswitchd is started anew")
        : worse("new flows stay in software");
    if (after === "works with tc") return better("flows can go to the NIC");
    if (after === "does not work with tc") return worse("no flow goes to the NIC");
    if (subject === "tc-policy" && after === "skip_hw") return worse("flows are kept out of the NIC");
    return neutral();
  },
  "ovs-port": (after, before) => {
    if (after === null) return worse("no bridge has it any more");
    if (after.includes(": ")) return worse("the bridge cannot use it");
    return before === null ? better("the bridge has it") : neutral();
  },
  "ingress-block": (after) =>
    after === null || after === "no block"
      ? worse("flows that arrive by the bond are not offloaded")
      : neutral(),
  flows: (after) => {
    if (after === "in hardware") return better("the NIC forwards them again");
    return worse("the host's processors forward them; `vflag map` shows which");
  },
};

/** What the NIC's other ports do while one is down. */
function othersUp(turn: Turn, around: Around): string {
  const up = [...around.after].flatMap(([key, { kind, nic, subject, value }]: readonly [string, Fact]) =>
    kind === "link" && nic === turn.nic && key !== turn.key && value === "up" ? [subject] : [],
  );
  return up.length === 0
    ? "no other port of the NIC has a link"
    : `${up.join(", ")} still ${up.length === 1 ? "has" : "have"} a link`;
}

/**
 * Where the NIC sends what belongs to each port. `1:2`: what belongs to port 1 leaves by port 2. Plain
 * numbers: the ports that are in use. In mode active-backup all leaves by one port at any time. Source: linux
 * drivers/net/ethernet/mellanox/mlx5/core/lag/debugfs.c, mapping_show(); lag.c,
 * mlx5_infer_tx_affinity_mapping().
 */
function mapping(after: string, before: string): Meaning {
  const used = (text: string) => [...new Set(text.split(" ").map((entry) => entry.split(":").at(-1)))];
  const now = used(after);
  if (now.length > 1) return better(`ports ${now.join(" and ")} carry the traffic`);
  const text = `failover: all leaves by port ${now.join()}`;
  return used(before).length > 1 ? worse(text) : neutral(text);
}
