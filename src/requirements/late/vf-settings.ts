import type { Action } from "../../host/actions/action.ts";
import { word } from "../../host/actions/command.ts";
import { isUnknown } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction, VfSettings, VirtualFunction } from "../../host/state/state.ts";
import type { NicSpec } from "../../spec/schema.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { aboutVf, heldBy, nativeDriver, type Subject } from "../virtual-functions.ts";

/**
 * What the PF administers of each VF is as declared; without a declaration it is the orchestrator's affair.
 */
export const vfSettings: Requirement = {
  id: "vf-settings",
  stage: "late",
  title: "MAC, trust, spoof check and link state of VFs are as declared",
  why:
    "A VF takes its address when its driver binds: without one from the PF it has another at every " +
    "boot, and some firmware forgets it at a mode change.",
  observe: ["ip link show PF"],
  byHand: ["ip link set PF vf N mac MAC (before the VF is bound)"],
  references: ["ip-link(8)", "linux drivers/net/ethernet/mellanox/mlx5/core/esw/legacy.c"],
  follows: ["vf-count", "vf-links", "eswitch-mode", "bond", "lag"],
  gate: false,
  check: ({ nic, pfs, state }) => {
    return pfs.flatMap((pf, port) =>
      pf.vfs.flatMap((vf) => settingFinding(pf, vf, wantedFor(nic, port, vf), state)),
    );
  },
};

/** The declared settings of one VF. @param port the port's place in the NIC, from 0 */
export function wantedSettings(nic: NicSpec, port: number, vf: number): Partial<VfSettings> {
  const { mac, trust, spoofCheck, linkState } = nic.vfSettings;
  return {
    ...(mac === undefined
      ? {}
      : { mac: mac.toLowerCase().replace("{port}", byte(port)).replace("{vf}", byte(vf)) }),
    ...(trust === undefined ? {} : { trust }),
    ...(spoofCheck === undefined ? {} : { spoofCheck }),
    ...(linkState === undefined ? {} : { linkState }),
  };
}

/**
 * What is declared, and a link: in switchdev mode the link state of VFs reads `disable`, and a VF of a NIC in
 * mode sriov that was left so has none. 6.1 and 6.12 set `auto` on the way back to legacy mode (linux
 * esw/legacy.c, esw_legacy_enable()); not every kernel does.
 */
function wantedFor(nic: NicSpec, port: number, vf: VirtualFunction): Partial<VfSettings> {
  const declared = wantedSettings(nic, port, vf.index);
  const cutOff =
    nic.mode === "sriov" &&
    declared.linkState === undefined &&
    !isUnknown(vf.settings) &&
    vf.settings.linkState === "disable";
  return cutOff ? { ...declared, linkState: "auto" } : declared;
}

function settingFinding(
  pf: PhysicalFunction,
  vf: VirtualFunction,
  wanted: Partial<VfSettings>,
  state: HostState,
): Finding[] {
  // A guest's VF belongs to the orchestrator: Nova and libvirt set its address when they plug it.
  if (Object.keys(wanted).length === 0 || heldBy(vf) !== null || pf.netdev === null) return [];
  const about = aboutVf(pf, vf);
  if (isUnknown(vf.settings)) {
    const text = `look by hand: ip link show ${word(pf.netdev)}`;
    return [
      {
        ...about,
        expected: describe(wanted),
        actual: vf.settings.unknown,
        severity: "unknown",
        remedy: { kind: "person", text },
      },
    ];
  }
  const observed: Partial<VfSettings> = vf.settings;
  const off = Object.fromEntries(
    settingNames.flatMap((key) =>
      wanted[key] !== undefined && wanted[key] !== observed[key] ? [[key, wanted[key]]] : [],
    ),
  );
  if (Object.keys(off).length === 0) return addressFinding(pf, vf, wanted, state, about);
  const actual = Object.fromEntries(Object.keys(off).map((key) => [key, Reflect.get(observed, key)]));
  return [
    {
      ...about,
      expected: describe(off),
      actual: describe(actual),
      severity: "error",
      remedy: {
        kind: "actions",
        actions: [
          ...unbinding(pf, vf, off),
          {
            kind: "set-vf-settings",
            netdev: pf.netdev,
            ...indexOf(pf.netdev, state),
            vf: vf.index,
            settings: off,
          },
        ],
      },
    },
  ];
}

/**
 * A VF takes its address when its driver binds: for a new one it is unbound, and `vfs-bound` binds it again.
 */
function unbinding(pf: PhysicalFunction, vf: VirtualFunction, off: Partial<VfSettings>): Action[] {
  const driver = nativeDriver(pf);
  return off.mac === undefined || vf.driver !== driver
    ? []
    : [{ kind: "unbind-vf", pf: pf.address, vf: vf.address, driver }];
}

/**
 * The PF administers the address, and yet the VF has another: it was bound before, or its driver did not take
 * it. vflag does not bind it again and again: whether that helps is the driver's affair (igbvf takes it only
 * while the PF is up).
 */
function addressFinding(
  pf: PhysicalFunction,
  vf: VirtualFunction,
  wanted: Partial<VfSettings>,
  state: HostState,
  about: Subject,
): Finding[] {
  const netdev = state.netdevs.find((candidate) => candidate.device === vf.address);
  if (wanted.mac === undefined || netdev === undefined || netdev.mac === wanted.mac || vf.driver === null)
    return [];
  const again =
    `echo ${vf.address} > /sys/bus/pci/drivers/${word(vf.driver)}/unbind, and the same to ` +
    `bind, with ${word(pf.netdev ?? pf.address)} up`;
  return [
    {
      ...about,
      expected: `MAC ${wanted.mac} on its netdev ${netdev.name}`,
      actual: `MAC ${netdev.mac ?? "not told"}`,
      severity: "error",
      remedy: { kind: "person", text: `bind it anew while nothing uses it: ${again}` },
    },
  ];
}

function indexOf(name: string, state: HostState): { index?: number } {
  const netdev = state.netdevs.find((candidate) => candidate.name === name);
  return netdev === undefined ? {} : { index: netdev.index };
}

const settingNames = ["mac", "trust", "spoofCheck", "linkState"] as const;

function describe(settings: object): string {
  const words = { mac: "MAC", trust: "trust", spoofCheck: "spoof check", linkState: "link state" };
  const say = (value: unknown) => (value === true ? "on" : value === false ? "off" : String(value));
  return settingNames
    .flatMap((key) => (key in settings ? [`${words[key]} ${say(Reflect.get(settings, key))}`] : []))
    .join(", ");
}

function byte(value: number): string {
  return value.toString(16).padStart(2, "0");
}
