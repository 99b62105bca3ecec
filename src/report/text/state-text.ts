import { inPlainText } from "../../host/plain-text.ts";
import { isUnknown } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import { heldBy } from "../../requirements/virtual-functions.ts";
import { count, type Style, table } from "../terminal/style.ts";

/** `inspect` for the eye: the ports, their eSwitches and VFs, and the bonds. */
export function stateText(seen: HostState, style: Style): string {
  const state = inPlainText(seen);
  const head = style.faint(`${state.hostname} · kernel ${state.kernel} · observed ${state.observedAt}`);
  if (state.pfs.length === 0)
    return `${head}\n\nThis host has no SR-IOV capable network port that the kernel knows.\n`;
  const blocks = state.pfs.map((pf) => portBlock(pf, state, style).join("\n"));
  const bonds = state.bonds.map((bond) => {
    const lacp =
      bond.lacp === null ? "" : `, LACP with ${count(bond.lacp.ports, "port")}, partner ${bond.lacp.partner}`;
    const slaves = bond.slaves.map((slave) => `${slave.netdev}${slave.up ? "" : " (down)"}`).join(", ");
    return `${style.strong(bond.name)}  ${bond.mode}: ${slaves === "" ? "no slaves" : slaves}${lacp}`;
  });
  const paragraphs = [
    head,
    ...platformLines(state),
    ...blocks,
    ...firmwareBlocks(state, style),
    ...bonds,
    ...ovsBlock(state, style),
  ];
  return `${paragraphs.join("\n\n")}\n`;
}

/** What the host is beneath its ports; nothing where nobody looked. */
function platformLines({ platform }: HostState): string[] {
  if (isUnknown(platform)) return [];
  const { cpu, iommuGroups, lockdown, bootLoader } = platform;
  const rows = [
    [
      "processor",
      isUnknown(cpu)
        ? "unknown"
        : `${cpu.vendor ?? "not x86"}, ${cpu.virtualization ?? "no virtualization flag"}`,
    ],
    ["IOMMU groups", isUnknown(iommuGroups) ? "unknown" : String(iommuGroups)],
    ["kernel arguments", isUnknown(platform.arguments) ? "unknown" : platform.arguments.join(" ")],
    ["lockdown", isUnknown(lockdown) ? "unknown" : (lockdown ?? "not in this kernel")],
    ["boot loader", isUnknown(bootLoader) ? "unknown" : bootLoader.kind],
  ];
  return [["platform", ...table(rows, "  ")].join("\n")];
}

function ovsBlock({ ovs }: HostState, style: Style): string[] {
  if (ovs === null) return [];
  const title = style.strong("Open vSwitch");
  if (isUnknown(ovs)) return [`${title}  unknown: ${ovs.unknown}`];
  const place =
    ovs.source.kind === "native" ? "" : `  in ${ovs.source.engine}'s container ${ovs.source.name}`;
  const effect = isUnknown(ovs.offloadInEffect)
    ? "perhaps in effect"
    : ovs.offloadInEffect
      ? "in effect"
      : "not in effect";
  const policy = ovs.tcPolicy === null ? "" : `, tc-policy ${ovs.tcPolicy}`;
  const offload = `hw-offload ${ovs.hwOffload ? "on" : "off"}, ${effect}${policy}`;
  const bridges = ovs.bridges.map(({ name, interfaces }) => [name, `${count(interfaces.length, "port")}`]);
  return [
    [
      `${title}  ${ovs.version ?? "version unknown"}${place}  ${ovs.running ? offload : "not running"}`,
      ...table(bridges, "  "),
    ].join("\n"),
  ];
}

function portBlock(pf: PhysicalFunction, state: HostState, style: Style): string[] {
  const netdev = state.netdevs.find((candidate) => candidate.name === pf.netdev);
  const title = [
    style.strong(pf.netdev ?? "(no netdev)"),
    pf.address,
    `${pf.model ?? ""} [${pf.vendor}:${pf.product}]`,
    `driver ${pf.driver ?? "none"}`,
  ].join("  ");
  const rows: string[][] = [
    ["firmware", say(pf.firmware)],
    ["IOMMU group", pf.iommuGroup === null ? "none" : String(pf.iommuGroup)],
    ["NUMA node", pf.numaNode === null ? "none" : String(pf.numaNode)],
    ["eSwitch", eswitchText(pf)],
    ["LAG", lagText(pf)],
    ["netdev", netdevText(netdev)],
    ["channels", channelsText(netdev)],
    ["tc offload", netdev === undefined ? "none" : offloadText(netdev.tcOffload)],
    ["VFs", vfText(pf, state)],
  ];
  return [title, ...table(rows, "  "), ...vfRows(pf, state)];
}

/** Each card's firmware, as far as it decides about VFs; on a host without such cards nothing. */
function firmwareBlocks({ firmware }: HostState, style: Style): string[] {
  if (isUnknown(firmware)) return [`${style.strong("firmware configuration")}  unknown: ${firmware.unknown}`];
  return firmware.map(({ card, tool, configuration }) => {
    const title = `${style.strong(`firmware of card ${card}`)}${tool === null ? "" : `  ${tool}`}`;
    if (isUnknown(configuration)) return `${title}  unknown: ${configuration.unknown}`;
    const rows = Object.entries(configuration.parameters).map(([name, { current, next }]) => {
      return [
        name,
        current === next
          ? (next ?? "not told")
          : `${current ?? "not told"}, ${next ?? "not told"} from the next boot on`,
      ];
    });
    return [title, ...table(rows, "  ")].join("\n");
  });
}

function vfRows(pf: PhysicalFunction, state: HostState): string[] {
  const rows = pf.vfs.map((vf) => {
    const representor = state.representors.find(
      (candidate) => candidate.pf === pf.address && candidate.vf === vf.index,
    );
    const netdev = state.netdevs.find((candidate) => candidate.device === vf.address);
    const holders = heldBy(vf) ?? "";
    return [
      `VF ${vf.index}`,
      vf.address,
      vf.driver ?? "unbound",
      netdev?.name ?? "-",
      isUnknown(vf.settings) ? "MAC unknown" : vf.settings.mac,
      representor === undefined ? "" : `representor ${representor.netdev}`,
      holders,
    ];
  });
  return table(rows, "    ");
}

function netdevText(netdev: HostState["netdevs"][number] | undefined): string {
  if (netdev === undefined) return "none";
  const master = netdev.master === null ? "" : `, in ${netdev.master}`;
  return `${netdev.mac ?? "no MAC"}, ${netdev.up ? "up" : "down"}${master}`;
}

function vfText(pf: PhysicalFunction, state: HostState): string {
  if (pf.sriov === null) return "no SR-IOV capability";
  const representors = state.representors.filter((representor) => representor.pf === pf.address).length;
  const autoprobe = pf.sriov.autoprobe === false ? ", autoprobe off" : "";
  const shown = representors > 0 ? `, ${count(representors, "representor")}` : "";
  return `${pf.sriov.count} of ${pf.sriov.total}${autoprobe}${shown}`;
}

function eswitchText(pf: PhysicalFunction): string {
  if (isUnknown(pf.eswitch)) return `unknown: ${pf.eswitch.unknown}`;
  if (pf.eswitch === null) return "none";
  const { mode, inline, encap, steering } = pf.eswitch;
  const options = [
    inline === null ? null : `inline ${inline}`,
    encap === null ? null : `encap ${encap ? "on" : "off"}`,
    isUnknown(steering)
      ? `steering unknown (${steering.unknown})`
      : steering === null
        ? null
        : `steering ${steering}`,
  ];
  return [mode, ...options.filter((option) => option !== null)].join(", ");
}

function lagText(pf: PhysicalFunction): string {
  if (isUnknown(pf.lag)) return `unknown: ${pf.lag.unknown}`;
  if (pf.lag === null) return "none";
  const { state, type, sharedFdb } = pf.lag;
  return `${state}${type === null ? "" : `, type ${type}`}${sharedFdb === true ? ", shared FDB" : ""}`;
}

function channelsText(netdev: HostState["netdevs"][number] | undefined): string {
  if (netdev === undefined || netdev.channels === null) return "none to set";
  return isUnknown(netdev.channels)
    ? `unknown: ${netdev.channels.unknown}`
    : `${netdev.channels.combined} of ${netdev.channels.max}`;
}

function offloadText(feature: HostState["netdevs"][number]["tcOffload"]): string {
  if (isUnknown(feature)) return `unknown: ${feature.unknown}`;
  return `${feature.on ? "on" : "off"}${feature.fixed ? " [fixed]" : ""}`;
}

function say(value: PhysicalFunction["firmware"]): string {
  if (isUnknown(value)) return `unknown: ${value.unknown}`;
  return value ?? "not told";
}
