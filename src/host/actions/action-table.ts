import type { Action } from "./action.ts";

export type Kind = Action["kind"];
export type ActionOf<K extends Kind> = Extract<Action, { readonly kind: K }>;

/** What is known of each kind of action: whoever has to know asks here, and lists no kinds of his own. */
export interface Traits {
  /**
   * What it must not run beside: all else that is done to its card, to the host itself, or to netdevs, which
   * share one kernel lock (RTNL). `vf`: VFs are bound at the same time; each is a device of its own.
   * `prepares`: VFs are unbound port by port, and before what is done to their card.
   */
  readonly lane: "card" | "host" | "netdevs" | "vf" | "prepares";
  /**
   * What the host looks at right before it, because it must not always be done: see safety.ts. `vfs`: the
   * port with all its VFs.
   */
  readonly sight: "nothing" | "port" | "vfs" | "vf" | "netdev" | "ovs-port";
  /** Whether it can cut somebody off: it is then on the disk before it is done. */
  readonly cutsOff: boolean;
  /**
   * Whether it interrupts guests although nothing forbids it: one in a run is enough, whether it helped or
   * not.
   */
  readonly interrupts?: true;
  /** Whether it changes nothing, and its answer says whether others are to be done. */
  readonly isQuestion?: true;
  /** The PCI function whose lock the kernel holds meanwhile. */
  readonly locks?: "pf" | "vf";
  /** What a glance at the PCI bus must take in to show all that it has changed. */
  readonly glance?: "vfs" | "pfs";
  /** What the host has read once, and has to read again after it. */
  readonly rereads?: "boot loader" | "firmware" | "Open vSwitch's log";
  /** How long it takes, in seconds, by estimate; of what depends on the NIC see simulated/durations.ts. */
  readonly seconds: number | "by NIC";
}

const table = {
  "set-vf-autoprobe": { lane: "card", sight: "nothing", cutsOff: false, glance: "pfs", seconds: "by NIC" },
  "set-vf-count": {
    lane: "card",
    sight: "vfs",
    cutsOff: true,
    locks: "pf",
    glance: "vfs",
    seconds: "by NIC",
  },
  "unbind-vf": { lane: "prepares", sight: "vf", cutsOff: true, locks: "vf", seconds: "by NIC" },
  "bind-vf": { lane: "vf", sight: "nothing", cutsOff: false, locks: "vf", seconds: "by NIC" },
  "set-steering": { lane: "card", sight: "port", cutsOff: true, seconds: "by NIC" },
  // The driver refuses it in switchdev mode whatever it can do; in legacy mode nobody asks.
  "ask-steering": { lane: "card", sight: "nothing", cutsOff: false, isQuestion: true, seconds: "by NIC" },
  "set-inline": { lane: "card", sight: "port", cutsOff: true, seconds: "by NIC" },
  "set-encap": { lane: "card", sight: "port", cutsOff: true, seconds: "by NIC" },
  "set-eswitch-mode": { lane: "card", sight: "vfs", cutsOff: true, seconds: "by NIC" },
  "ask-eswitch-mode": { lane: "card", sight: "port", cutsOff: true, isQuestion: true, seconds: "by NIC" },
  "set-tc-offload": { lane: "netdevs", sight: "nothing", cutsOff: false, seconds: 0.001 },
  // The carrier of a port would drop, and nobody is cut off; there are hundreds of these.
  "set-channels": { lane: "netdevs", sight: "netdev", cutsOff: false, seconds: 0.05 },
  "set-vf-settings": { lane: "netdevs", sight: "nothing", cutsOff: false, seconds: 0.001 },
  // Waiting takes as long as it takes: the action itself moves the twin's clock.
  "activate-lag": { lane: "card", sight: "nothing", cutsOff: false, seconds: 0 },
  // The card goes on with what it runs with. The program sets, and asks for everything once more: 5 s on a
  // ConnectX-5 (openshift/sriov-network-operator issue 48).
  "set-firmware": { lane: "card", sight: "nothing", cutsOff: false, rereads: "firmware", seconds: 6 },
  // Nothing that runs notices files, units and kernel arguments before the next boot.
  "write-file": { lane: "host", sight: "nothing", cutsOff: false, rereads: "boot loader", seconds: 0.02 },
  "remove-file": { lane: "host", sight: "nothing", cutsOff: false, rereads: "boot loader", seconds: 0.02 },
  "enable-unit": { lane: "host", sight: "nothing", cutsOff: false, seconds: 0.02 },
  "disable-unit": { lane: "host", sight: "nothing", cutsOff: false, seconds: 0.02 },
  "set-ovs": { lane: "host", sight: "nothing", cutsOff: false, seconds: 0.05 },
  // It is done only when the operator said so, and the command says what it interrupts. Measured in the lab,
  // under emulation: 9 s.
  "restart-ovs": {
    lane: "host",
    sight: "nothing",
    cutsOff: false,
    interrupts: true,
    rereads: "Open vSwitch's log",
    seconds: 5,
  },
  "del-ovs-port": { lane: "host", sight: "ovs-port", cutsOff: true, seconds: 0.05 },
  "update-boot-loader": {
    lane: "host",
    sight: "nothing",
    cutsOff: false,
    rereads: "boot loader",
    seconds: 5,
  },
  "set-kernel-arguments": {
    lane: "host",
    sight: "nothing",
    cutsOff: false,
    rereads: "boot loader",
    seconds: 5,
  },
} as const satisfies { readonly [K in Kind]: Traits };

/** The kinds with this trait. */
export type KindsWith<Name extends keyof Traits, Value extends Traits[Name]> = {
  [K in Kind]: (typeof table)[K] extends { readonly [N in Name]: Value } ? K : never;
}[Kind];

export function traitsOf({ kind }: Action): Traits {
  return table[kind];
}

/** Whether an action has this trait, for the compiler too. */
export function has<Name extends keyof Traits, const Value extends Traits[Name]>(
  action: Action,
  name: Name,
  ...values: readonly Value[]
): action is ActionOf<KindsWith<Name, Value>> {
  const trait = traitsOf(action)[name];
  return values.some((value) => value === trait);
}
