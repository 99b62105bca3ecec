import { word } from "../../host/actions/command.ts";
import type { Unit } from "../../host/state/installation.ts";
import { isUnknown, known, notLookedThen } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import { isVfMakersUnit, type VfMaker } from "../../host/state/vf-makers.ts";
import { atNextBoot, type HostFinding, type HostRequirement, type NicView } from "../requirement.ts";

/** vflag alone makes the VFs of the declared NICs at boot. */
export const otherVfMakers: HostRequirement = {
  id: "other-vf-makers",
  stage: "platform",
  title: "nothing else makes VFs, or sets an eSwitch's mode, at boot",
  why:
    "Who comes first decides how many VFs there are and when they are bound: made after switchdev, or " +
    "bound before the bond is there, they keep a LAG off, and nothing but a reboot mends that.",
  observe: [
    "grep -rlE 'sriov_numvfs|SR-IOVVirtualFunctions|total-vfs|sriov-num-vfs|virtual-function-count' " +
      "/etc/udev/rules.d /etc/systemd /etc/NetworkManager /etc/netplan /etc/network /etc/rc.local " +
      "/etc/tmpfiles.d /etc/sysfs.conf /etc/sysfs.d /etc/cron*",
    "systemctl list-unit-files '*sriov*' '*vf-lag*' '*vflag*'",
  ],
  byHand: [
    "Take the lines out of the file, or disable the unit; vflag's own units make the VFs (vflag render).",
  ],
  references: [
    "systemd.link(5): SR-IOVVirtualFunctions=",
    "nm-settings-keyfile(5): sriov.total-vfs",
    "netplan-yaml(5): virtual-function-count, embedded-switch-mode",
    "os-net-config os_net_config/sriov_config.py, sriov_bind_config.py",
    "sriov-network-operator pkg/consts/constants.go: SriovServicePath, SriovPostNetworkServicePath",
    "stackhpc.linux roles/sriov/tasks/config.yml",
  ],
  follows: [],
  gate: false,
  check: ({ state, nics }) => {
    const { vfMakers } = state;
    const makers = known(vfMakers) ?? [];
    // A state of a version that did not look is none of somebody who could not.
    const unseen =
      isUnknown(vfMakers) && vfMakers.unknown !== notLookedThen.unknown ? [vfMakers.unknown] : [];
    const netplan = makers.some(({ kind }) => kind === "netplan");
    const units = known(state.units) ?? [];
    const read = new Set(makers.filter(({ kind }) => kind === "unit").map(({ path }) => nameOf(path)));
    return [
      ...unseen.map((why) => finding(nics, "files of the next boot", `not known: ${why}`, lookByHand)),
      ...makers.flatMap((maker) => makerFinding(maker, nics, state)),
      ...units
        .filter(({ name }) => isVfMakersUnit(name) && !read.has(name))
        .filter(({ name }) => !(netplan && name.startsWith("netplan-")))
        .filter(startsAtBoot)
        .map((unit) => finding(nics, unit.name, unitText(unit), unitRemedy(unit.name))),
    ];
  },
};

const lookByHand = "run vflag as root, or look by hand: grep -rl sriov_numvfs /etc";

/** A unit that a generator made has no state of its own to be enabled by. */
function startsAtBoot({ enabled, active }: Unit): boolean {
  if (enabled?.startsWith("masked") === true) return false;
  return enabled?.startsWith("enabled") === true || (enabled !== "disabled" && active === "active");
}

function unitText({ enabled, active }: Unit): string {
  return [...(enabled === null ? [] : [enabled]), active].join(", ");
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function makerFinding(
  { kind, path, lines }: VfMaker,
  nics: readonly NicView[],
  state: HostState,
): HostFinding[] {
  const about = lines.map((line) => ({ line: line.line, nics: concerned(line, nics, state) }));
  const first = about.find((each) => each.nics.length > 0);
  if (first === undefined) return [];
  const all = nics.filter((nic) => about.some((each) => each.nics.includes(nic)));
  const makes = `it makes VFs too (line ${first.line})`;
  if (kind !== "unit") return [finding(all, path, makes, fileRemedies[kind](path))];
  const name = nameOf(path);
  const unit = known(state.units)?.find((each) => each.name === name);
  if (unit !== undefined && !startsAtBoot(unit)) return [];
  const actual = unit === undefined ? makes : `${makes}; ${unitText(unit)}`;
  return [finding(all, name, actual, unitRemedy(name))];
}

/** A line that names ports is about these; another may be about any. */
function concerned(
  { text, port }: VfMaker["lines"][number],
  nics: readonly NicView[],
  state: HostState,
): readonly NicView[] {
  const words = port === null ? text : `${port} ${text}`;
  const names = (pf: PhysicalFunction) => namesOf(pf, state).some((name) => stands(name, words));
  return state.pfs.some(names) ? nics.filter(({ pfs }) => pfs.some(names)) : nics;
}

function namesOf({ netdev, address }: PhysicalFunction, { netdevs }: HostState): string[] {
  const found = netdevs.find(({ name }) => name === netdev);
  const others = found === undefined ? [] : [...found.altNames, ...(found.mac === null ? [] : [found.mac])];
  return [address, ...(netdev === null ? [] : [netdev]), ...others];
}

/** As a whole word: ens3f0 does not stand in ens3f0np0. */
function stands(name: string, text: string): boolean {
  const [within, wanted] = [text.toLowerCase(), name.toLowerCase()];
  for (let at = within.indexOf(wanted); at >= 0; at = within.indexOf(wanted, at + 1)) {
    const around = `${within[at - 1] ?? " "}${within[at + wanted.length] ?? " "}`;
    if (!/\w/.test(around)) return true;
  }
  return false;
}

const fileRemedies: Readonly<Record<Exclude<VfMaker["kind"], "unit">, (path: string) => string>> = {
  udev: (path) => `take the line out of ${path}, then udevadm control --reload`,
  link: (path) => `take SR-IOVVirtualFunctions= and the [SR-IOV] sections out of ${path}`,
  "network-manager": (path) => `take the section [sriov] out of ${path}, then nmcli connection reload`,
  netplan: (path) =>
    `take virtual-function-count and embedded-switch-mode out of ${path}, then netplan generate`,
  settings: (path) => `take the line out of ${path}`,
  script: (path) => `take the line out of ${path}`,
};

function unitRemedy(name: string): string {
  const disable = `systemctl disable ${word(name)}`;
  if (/^sriov_(?:config|bind)\.service$/.test(name))
    return `take the sriov_pf entries out of os-net-config's configuration, then ${disable}`;
  if (/^sriov-config(?:-post-network)?\.service$/.test(name))
    return `take this node out of sriov-network-operator's policies (nodeSelector), then ${disable}`;
  if (name.startsWith("netplan-"))
    return "take virtual-function-count and embedded-switch-mode out of /etc/netplan, then netplan generate";
  return `see what it does (systemctl cat ${word(name)}), then ${disable}`;
}

function finding(nics: readonly NicView[], subject: string, actual: string, text: string): HostFinding {
  return {
    nics: nics.map(({ nic }) => nic.name),
    subject,
    expected: "no VFs made by it",
    actual,
    severity: "warning",
    bites: atNextBoot,
    remedy: { kind: "person", text },
  };
}
