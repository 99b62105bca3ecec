import { hasFirmwareTool } from "../../drivers/registry.ts";
import type { Action } from "../../host/actions/action.ts";
import { commandsOf } from "../../host/actions/command.ts";
import type { FirmwareParameterName, FirmwareSettings } from "../../host/actions/firmware-settings.ts";
import { type CardOf, cardsOf } from "../../host/cards.ts";
import type { FirmwareCard, FirmwareConfiguration, FirmwareParameter } from "../../host/state/firmware.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import type { NicSpec } from "../../spec/schema.ts";
import { isEthernet, isInfiniband, linkOf, linkTypeName } from "../early/link-type.ts";
import { unlessDeclared } from "../reasons.ts";
import type { HostFinding, HostRequirement, HostView, NicView, Remedy } from "../requirement.ts";
import { pfName } from "../virtual-functions.ts";
import { afterReboot, firmwareCardOf, isOn, loadText } from "./firmware-wait.ts";

/**
 * The firmware of each declared card offers the VFs that its ports want, now and after the next boot.
 *
 * Looked at only where the spec has a section `firmware`. What counts for today is what the kernel shows:
 * where every declared port already offers enough VFs and the firmware cannot be asked, that is a warning.
 * NUM_OF_VFS is one value for all ports of a card, so the largest number wanted on it; a larger one stays.
 */
export const firmware: HostRequirement = {
  id: "firmware",
  stage: "firmware",
  title: "the cards' firmware offers the VFs that are wanted",
  why:
    "A ConnectX offers no more VFs than NUM_OF_VFS, and none without SRIOV_EN; new values count from " +
    "the next boot on.",
  observe: ["mstconfig -d ADDRESS -e query | grep -wE 'Configurations:|SRIOV_EN|NUM_OF_VFS|LINK_TYPE_P[12]'"],
  byHand: [
    "mstconfig -d ADDRESS set SRIOV_EN=1 NUM_OF_VFS=N (the largest N that a port of this card wants; " +
      "LINK_TYPE_P1=2 makes port 1 Ethernet, 1 InfiniBand)",
    "Then reboot (switch a host with a DPU off and on). mstfwreset loads the values without a reboot, but " +
      "takes all ports of the card down.",
  ],
  references: [
    "mstconfig(1)",
    "https://github.com/Mellanox/mstflint (mlxconfig/), and its issue 416 about the kernel's lockdown",
    "kernel_lockdown(7)",
  ],
  follows: [],
  gate: false,
  notAsked: ({ firmware }) => unlessDeclared("firmware", firmware),
  check: (view) => wantedCards(view).flatMap((card) => [...settings(card, view), ...manyVfs(card, view)]),
};

/** A card with ports of declared NICs. */
interface WantedCard {
  readonly name: string;
  readonly nics: readonly NicView[];
  readonly pfs: readonly PhysicalFunction[];
  readonly ports: readonly { readonly pf: PhysicalFunction; readonly link: NicSpec["link"] }[];
  /** The largest number of VFs that a port of it wants. */
  readonly vfs: number;
}

function wantedCards({ nics, state }: HostView): WantedCard[] {
  const cardOf: CardOf = cardsOf(state);
  const ports = nics.flatMap((view) =>
    view.pfs.map((pf) => ({ view, pf })).filter(({ pf }) => hasFirmwareTool(pf.vendor)),
  );
  return [...Map.groupBy(ports, ({ pf }) => cardOf(pf.address))].map(([name, found]) => ({
    name,
    nics: [...new Set(found.map(({ view }) => view))],
    pfs: found.map(({ pf }) => pf),
    ports: found.map(({ pf, view }) => ({ pf, link: view.nic.link })),
    vfs: Math.max(...found.map(({ view }) => view.nic.vfs)),
  }));
}

function settings(wanted: WantedCard, { spec, state }: HostView): HostFinding[] {
  const [first] = wanted.pfs;
  if (first === undefined) return [];
  const enough = wanted.pfs.every((pf) => pf.sriov !== null && pf.sriov.total >= wanted.vfs);
  const finding = (
    actual: string,
    severity: HostFinding["severity"],
    remedy: Remedy,
    names: readonly string[] = [],
  ): HostFinding[] => {
    const links = wanted.ports.flatMap(({ pf, link }) => {
      const name = linkTypeName(pf, state);
      return name !== null && names.includes(name)
        ? [`, ${name} ${link === "infiniband" ? "IB" : "ETH"}`]
        : [];
    });
    const expected = `SRIOV_EN on, NUM_OF_VFS at least ${wanted.vfs}${links.join("")}`;
    return [{ ...aboutCard(wanted), expected, actual, severity, remedy }];
  };
  const cannotTell = (reason: string): HostFinding[] => {
    if (enough) {
      const text =
        `look by hand, if the number of VFs is to survive the next boot: ` +
        `${commandFor(first, { SRIOV_EN: "true", NUM_OF_VFS: String(wanted.vfs) })} sets it`;
      return finding(reason, "warning", { kind: "person", text });
    }
    const text =
      `look by hand, and set what is missing: ` +
      `${commandFor(first, { SRIOV_EN: "true", NUM_OF_VFS: String(wanted.vfs) })}; then ${loadText(first)}`;
    return finding(reason, "unknown", { kind: "person", text });
  };
  const card = firmwareCardOf(first, state);
  if (isUnknown(state.firmware)) return cannotTell(state.firmware.unknown);
  if (card === undefined) return cannotTell("this card was not asked");
  if (isUnknown(card.configuration)) return cannotTell(card.configuration.unknown);
  const judged = judge(wanted, card.configuration, state);
  if ("unclear" in judged) return cannotTell(judged.unclear);
  const names = Object.keys(judged.toSet);
  if (names.length > 0) {
    const actual = sentence(names, card.configuration);
    // It works until the next boot only.
    const severity = enough && !judged.otherLink ? "warning" : "error";
    const locked = names.filter((name) => parameter(card.configuration, name)?.readOnly === true);
    if (locked.length > 0) {
      const text =
        `the card lets this host read ${locked.join(" and ")} only: whoever owns it (the DPU's ` +
        `own system, or mstprivhost) must set it`;
      return finding(actual, severity, { kind: "person", text }, names);
    }
    const action: Action = {
      kind: "set-firmware",
      pf: card.asked,
      tool: card.tool ?? "mstconfig",
      settings: judged.toSet,
    };
    if (spec.firmware?.manage === true)
      return finding(actual, severity, { kind: "actions", actions: [action] }, names);
    return finding(
      actual,
      severity,
      { kind: "person", text: `${commandsOf(action).join("; ")}; then ${loadText(first)}` },
      names,
    );
  }
  if (judged.waiting.length === 0 || (enough && !judged.otherLink)) return [];
  const text = `${afterReboot(first)}. ${resetText(card)}`;
  return finding(
    `${sentence(judged.waiting, card.configuration)}: set, and waiting for a boot`,
    "error",
    { kind: "reboot", text },
    judged.waiting,
  );
}

interface Judged {
  /** What the next boot would not bring. */
  readonly toSet: FirmwareSettings;
  /** What the next boot brings and is not there yet. */
  readonly waiting: readonly string[];
  /** A port runs as Ethernet where InfiniBand is wanted, or the other way round. */
  readonly otherLink: boolean;
}

function judge(
  wanted: WantedCard,
  { parameters }: FirmwareConfiguration,
  state: HostState,
): Judged | { unclear: string } {
  const toSet: Partial<Record<FirmwareParameterName, string>> = {};
  const waiting: string[] = [];
  const { SRIOV_EN: enabled, NUM_OF_VFS: count } = parameters;
  if (enabled?.next == null || count?.next == null) {
    const missing = Object.entries({ SRIOV_EN: enabled, NUM_OF_VFS: count }).filter(
      ([, seen]) => seen?.next == null,
    );
    return { unclear: `the card does not show ${missing.map(([name]) => name).join(" and ")}` };
  }
  if (!/^\d+$/.test(count.next)) return { unclear: `NUM_OF_VFS is not a number: ${count.next}` };
  if (!isOn(enabled.next)) toSet.SRIOV_EN = "true";
  else if (!isOn(enabled.current)) waiting.push("SRIOV_EN");
  if (Number(count.next) < wanted.vfs) toSet.NUM_OF_VFS = String(wanted.vfs);
  else if (count.current === null || Number(count.current) < wanted.vfs) waiting.push("NUM_OF_VFS");
  let otherLink = false;
  for (const { pf, link } of wanted.ports) {
    const name = linkTypeName(pf, state);
    const type = name === null ? undefined : parameters[name];
    // Cards that are Ethernet only have no such parameter.
    if (name === null || type === undefined || type.next === null) continue;
    const now = type.current ?? (linkOf(pf, state) === "infiniband" ? "IB" : "ETH");
    const isWanted = link === "infiniband" ? isInfiniband : isEthernet;
    // A port of a fabric stays one: only who declares it has it changed (see `link-type`).
    if (link === undefined && isInfiniband(now) && isInfiniband(type.next)) continue;
    if (!isWanted(type.next)) toSet[name] = link === "infiniband" ? "IB" : "ETH";
    else if (!isWanted(now)) waiting.push(name);
    if (!isWanted(now)) otherLink = true;
  }
  return { toSet, waiting, otherLink };
}

/**
 * Over 64 VFs in the firmware can keep the LAG from becoming active, however few are made. One that is active
 * is proof of the contrary.
 */
function manyVfs(wanted: WantedCard, { state }: HostView): HostFinding[] {
  const lagged = wanted.nics.filter(({ nic }) => nic.mode === "vf-lag");
  const [first] = wanted.pfs;
  const card = first === undefined ? undefined : firmwareCardOf(first, state);
  const count = known(card?.configuration)?.parameters["NUM_OF_VFS"];
  const largest = Math.max(Number(count?.current ?? 0), Number(count?.next ?? 0));
  if (first === undefined || lagged.length === 0 || !(largest > 64)) return [];
  const lags = wanted.pfs.map((pf) => known(pf.lag));
  if (lags.some((lag) => lag?.state === "active" && lag.type === "switchdev")) return [];
  const fewer =
    `if the LAG does not become active: ${commandFor(first, { NUM_OF_VFS: "64" }, card)}; then ` +
    `${loadText(first)}`;
  const text =
    wanted.vfs > 64 ? `if the LAG does not become active, declare 64 VFs a port at most. ${fewer}` : fewer;
  const actual =
    `NUM_OF_VFS is ${largest}: some firmware makes no LAG with more than 64, even when fewer ` +
    `VFs are made ("PF is configured with more than 64 VFs")`;
  const expected = "NUM_OF_VFS of 64 at most for VF-LAG";
  return [
    {
      ...aboutCard({ ...wanted, nics: lagged }),
      expected,
      actual,
      severity: "warning",
      remedy: { kind: "person", text },
    },
  ];
}

function aboutCard({ name, pfs, nics }: WantedCard): Pick<HostFinding, "subject" | "nics"> {
  return {
    subject: `card ${name} (${pfs.map((pf) => pf.netdev ?? pfName(pf)).join(", ")})`,
    nics: nics.map(({ nic }) => nic.name),
  };
}

/** `NUM_OF_VFS is 4, 16 from the next boot on`. */
function sentence(names: readonly string[], configuration: FirmwareConfiguration): string {
  return names
    .map((name) => {
      const { current, next } = parameter(configuration, name) ?? { current: null, next: null };
      if (current === null) return `${name} is ${next} for the next boot`;
      return current === next
        ? `${name} is ${current}`
        : `${name} is ${current}, ${next} from the next boot on`;
    })
    .join("; ");
}

function parameter(
  configuration: FirmwareCard["configuration"],
  name: string,
): FirmwareParameter | undefined {
  return known(configuration)?.parameters[name];
}

function commandFor(pf: PhysicalFunction, values: FirmwareSettings, card?: FirmwareCard): string {
  return commandsOf({
    kind: "set-firmware",
    pf: card?.asked ?? pf.address,
    tool: card?.tool ?? "mstconfig",
    settings: values,
  }).join("; ");
}

function resetText({ asked, tool }: FirmwareCard): string {
  const program = tool === "mlxconfig" ? "mlxfwreset" : "mstfwreset";
  return (
    `\`${program} -d ${asked} reset\` can load it without a reboot, but takes down all ports of the ` +
    `card and whatever runs over them: vflag never does it`
  );
}
