import { commandLine } from "../../host/actions/command.ts";
import type { Ovs, OvsInterface } from "../../host/ovs/ovs.ts";
import { restartOfOvs } from "../../host/ovs/ovs-command.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState } from "../../host/state/state.ts";
import { unlessAnyEswitch } from "../reasons.ts";
import type { HostFinding, HostRequirement, HostView, NicView } from "../requirement.ts";
import {
  finding,
  type OvsView,
  ovsLine,
  ovsSubject,
  ovsView,
  uplinksOf,
  withRestart,
} from "./open-vswitch.ts";

/** Open vSwitch is told to offload, and does. */
export const ovsHwOffload: HostRequirement = {
  id: "ovs-hw-offload",
  stage: "ovs",
  title: "hw-offload is set, and ovs-vswitchd works with it",
  why:
    "Only then does Open vSwitch hand its flows to the NIC; otherwise each packet of a guest's VF " +
    "costs the host a trip through its CPU.",
  observe: [
    "ovs-vsctl get Open_vSwitch . other_config:hw-offload",
    "ovs-appctl upcall/show (it counts offloaded flows)",
    "tc qdisc show (an ingress or clsact qdisc on every port)",
    "ovs-vsctl --columns=name,other_config list Interface (since 3.7 hw-offload-priority can leave a " +
      "port out)",
  ],
  byHand: [
    "ovs-vsctl set Open_vSwitch . other_config:hw-offload=true",
    "systemctl restart openvswitch-switch",
  ],
  references: [
    "ovs-vswitchd.conf.db(5), other_config:hw-offload",
    "https://www.mail-archive.com/ovs-dev@openvswitch.org/msg51855.html (what needs a restart)",
  ],
  follows: ["ovs-running"],
  gate: false,
  notAsked: (spec, state) =>
    unlessAnyEswitch(spec) ??
    (spec.ovs === undefined && state.ovs === null ? "there is no Open vSwitch" : null),
  check: (view) => {
    if (view.spec.ovs === undefined) return undeclaredFindings(view);
    const seen = ovsView(view);
    if (seen === null) return [];
    const { ovs, nics, wanted } = seen;
    const word = (on: boolean) => (on ? "on" : "off");
    const found = { subject: ovsSubject(ovs), expected: `hw-offload ${word(wanted.hwOffload)}` };
    const say = (rest: Pick<HostFinding, "actual" | "severity" | "remedy">) => [
      finding(nics, { ...found, ...rest }),
    ];
    if (ovs.hwOffload !== wanted.hwOffload) {
      const set = {
        kind: "set-ovs",
        source: ovs.source,
        key: "hw-offload",
        value: String(wanted.hwOffload),
      } as const;
      return say({
        actual: `hw-offload ${word(ovs.hwOffload)}`,
        severity: wanted.hwOffload ? "error" : "warning",
        remedy: { kind: "actions", actions: [set] },
      });
    }
    const { offloadInEffect: inEffect } = ovs;
    if (isUnknown(inEffect)) {
      const text =
        "see whether flows are offloaded: ovs-appctl dpctl/dump-flows -m type=offloaded " +
        "(docs/openvswitch.md)";
      // Without ports there is no flow that could be missed.
      const severity = hasPorts(seen.ovs.bridges) ? "unknown" : "warning";
      return say({
        actual: `it cannot be told whether it works: ${inEffect.unknown}`,
        severity,
        remedy: { kind: "person", text },
      });
    }
    if (inEffect === wanted.hwOffload)
      return wanted.hwOffload ? nics.flatMap((nic) => priorityFindings(seen, nic)) : [];
    return say({
      actual:
        `set ${word(wanted.hwOffload)}, but ovs-vswitchd still works with it ${word(inEffect)}: it was ` +
        "started before",
      severity: wanted.hwOffload ? "error" : "warning",
      remedy: withRestart(seen, [], []),
    });
  },
};

/**
 * A spec that does not speak of Open vSwitch: nothing is done to it. But where it carries a NIC's packets,
 * all of them go through software while it does not offload, whoever looks after it.
 */
function undeclaredFindings({ state, nics }: HostView): HostFinding[] {
  const { ovs } = state;
  if (ovs === null || isUnknown(ovs) || !ovs.running) return [];
  const inEffect = known(ovs.offloadInEffect);
  if (ovs.hwOffload && inEffect !== false) return [];
  const carried = nics.filter((nic) => nic.nic.mode !== "sriov" && ownPorts(ovs, nic, state).length > 0);
  if (carried.length === 0) return [];
  const set = ovsLine(ovs, "ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:hw-offload=true");
  const restart = commandLine(restartOfOvs(ovs.source));
  const names = carried.flatMap((nic) => ownPorts(ovs, nic, state).slice(0, 1)).map(({ name }) => name);
  const carries = `and it carries ${names.join(" and ")}`;
  return [
    finding(carried, {
      subject: ovsSubject(ovs),
      expected: "hw-offload on",
      actual: `hw-offload ${ovs.hwOffload ? "on, not in effect" : "off"}, ${carries}`,
      severity: "error",
      remedy: {
        kind: "person",
        text:
          `add \`ovs: {}\` to the spec, then vflag apply; or ${set} && ${restart}, which interrupts the ` +
          "traffic of all guests here for some seconds; or, where it is meant to be off, add " +
          "`ovs: {hwOffload: false}`",
      },
    }),
  ];
}

/**
 * The ports of Open vSwitch that are the NIC's: its uplinks, and the representors of its VFs.
 * @param isAsked whether a port matters: most do not, and whose they are is asked of these only
 */
function ownPorts(
  { bridges }: Ovs,
  nic: NicView,
  { representors }: HostState,
  isAsked: (port: OvsInterface) => boolean = () => true,
): OvsInterface[] {
  const isOwn = (name: string) =>
    uplinksOf(nic).includes(name) ||
    representors.some(({ pf, netdev }) => netdev === name && nic.pfs.some(({ address }) => address === pf));
  return bridges
    .filter(({ datapathType }) => datapathType === "system")
    .flatMap(({ interfaces }) => interfaces.filter((port) => isAsked(port) && isOwn(port.name)));
}

/**
 * Since 3.7 a port can be left out: its list has no `tc`, or `none` before it.
 * Source: openvswitch lib/dpif-offload.c, dpif_offload_port_add(); ovs-vswitchd.conf.db(5),
 * hw-offload-priority.
 */
function priorityFindings({ ovs, view }: OvsView, nic: NicView): HostFinding[] {
  const leftOut = ({ offloadPriority }: OvsInterface) =>
    offloadPriority != null && !leadsToTc(offloadPriority);
  return ownPorts(ovs, nic, view.state, leftOut).map(({ name, offloadPriority }): HostFinding => {
    const remove = ovsLine(
      ovs,
      "ovs-vsctl",
      "remove",
      "Interface",
      name,
      "other_config",
      "hw-offload-priority",
    );
    const text = `${remove}; then restart Open vSwitch: it is read when a port is added`;
    const actual = `hw-offload-priority ${offloadPriority}: none of its flows is offloaded`;
    return finding([nic], {
      subject: name,
      expected: "offloaded by tc",
      actual,
      severity: "error",
      remedy: { kind: "person", text },
    });
  });
}

function leadsToTc(priority: string): boolean {
  const names = priority.split(",");
  const end = names.indexOf("none");
  return names.slice(0, end < 0 ? names.length : end).includes("tc");
}

function hasPorts(
  bridges: readonly { readonly interfaces: readonly { readonly ofport: number | null }[] }[],
): boolean {
  return bridges.some(({ interfaces }) => interfaces.some(({ ofport }) => (ofport ?? -1) > 0));
}
