import type { Ovs, OvsInterface } from "../../host/ovs/ovs.ts";
import { unlessOvs } from "../reasons.ts";
import type { HostFinding, HostRequirement, NicView, Remedy } from "../requirement.ts";
import { finding, type OvsView, ovsLine, ovsView, uplinksOf } from "./open-vswitch.ts";

/** Ports of Open vSwitch that stand for the NIC have their netdevs. */
export const ovsStalePorts: HostRequirement = {
  id: "ovs-stale-ports",
  stage: "ovs",
  title: "every port of Open vSwitch for the NIC has its netdev",
  why:
    "A representor that was made anew, or has another name now, leaves a dead port behind; the guest " +
    "that it was for has no network.",
  observe: ["ovs-vsctl show (error: could not open network device ...)"],
  byHand: [
    "of no guest any more: ovs-vsctl --if-exists del-port BRIDGE PORT",
    "of a guest: stop and start the guest, so that Nova plugs it anew",
  ],
  references: ["ovs-vswitchd.conf.db(5), Interface error"],
  follows: ["ovs-running", "vf-count", "eswitch-mode", "representors", "bond"],
  gate: false,
  notAsked: unlessOvs,
  check: (view) => {
    const seen = ovsView(view);
    if (seen === null) return [];
    return seen.ovs.bridges.flatMap((bridge) =>
      bridge.interfaces.flatMap((port) => portFindings(seen, bridge.name, port)),
    );
  },
};

function portFindings(seen: OvsView, bridge: string, port: OvsInterface): HostFinding[] {
  const { ovs, view, nics } = seen;
  if (port.error === null) return [];
  const nic = nics.find((candidate) => standsFor(candidate, port.name));
  if (nic === undefined) return [];
  const exists = view.state.netdevs.some(({ name }) => name === port.name);
  // A bond that networking has not made yet is a port as soon as it is there.
  if (!exists && uplinksOf(nic).includes(port.name)) return [];
  const found = { subject: `${port.name} in ${bridge}`, expected: "a netdev", actual: port.error };
  const remedy: Remedy =
    !exists && port.ifaceId === null && cannotComeBack(nic, port.name)
      ? { kind: "actions", actions: [{ kind: "del-ovs-port", source: ovs.source, bridge, port: port.port }] }
      : { kind: "person", text: advice(ovs, bridge, port, exists) };
  return [finding([nic], { ...found, severity: exists ? "error" : "warning", remedy })];
}

function advice(ovs: Ovs, bridge: string, { port, name, ifaceId }: OvsInterface, exists: boolean): string {
  if (exists) {
    const again = ["--if-exists", "del-port", bridge, port, "--", "add-port", bridge, name];
    if (ifaceId === null) return `add it anew: ${ovsLine(ovs, "ovs-vsctl", ...again)}`;
  }
  if (ifaceId !== null)
    return `it is Neutron port ${ifaceId}: stop and start the guest that has it, so that Nova plugs it anew`;
  const removal = ovsLine(ovs, "ovs-vsctl", "--if-exists", "del-port", bridge, port);
  return `if nothing needs it any more: ${removal}`;
}

/** The NIC's uplinks, and what is or was called like a representor of its VFs. */
function standsFor(view: NicView, name: string): boolean {
  return (
    uplinksOf(view).includes(name) ||
    view.state.representors.some((own) => own.netdev === name && isOfNic(view, own.pf)) ||
    vfOf(view, name) !== null
  );
}

function isOfNic({ pfs }: NicView, address: string): boolean {
  return pfs.some((pf) => pf.address === address);
}

/**
 * The VF that a name means by the scheme of systemd's udev: `ens3f0npf0vf3`. Source:
 * systemd.net-naming-scheme(7).
 */
function vfOf({ pfs }: NicView, name: string): { readonly pf: string; readonly vf: number } | null {
  for (const { netdev, address } of pfs) {
    const base = netdev?.replace(/np\d+$/, "");
    if (base === undefined || !name.startsWith(`${base}n`)) continue;
    const [, vf] = /^n(?:c\d+)?pf\d+vf(\d{1,5})$/.exec(name.slice(base.length)) ?? [];
    if (vf !== undefined) return { pf: address, vf: Number(vf) };
  }
  return null;
}

/**
 * No netdev of this name will appear by itself: there is no such VF to be, or its representor is called
 * otherwise.
 */
function cannotComeBack(view: NicView, name: string): boolean {
  const meant = vfOf(view, name);
  if (meant === null) return false;
  if (meant.vf >= view.nic.vfs) return true;
  return view.state.representors.some(
    ({ pf, vf, netdev }) => pf === meant.pf && vf === meant.vf && netdev !== name,
  );
}
