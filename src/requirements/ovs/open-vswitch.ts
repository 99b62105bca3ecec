import type { Action } from "../../host/actions/action.ts";
import { commandLine } from "../../host/actions/command.ts";
import type { Ovs, OvsBridge, OvsInterface } from "../../host/ovs/ovs.ts";
import { inOvs, ovsPlace, restartOfOvs } from "../../host/ovs/ovs-command.ts";
import { isUnknown } from "../../host/state/observed.ts";
import type { Spec } from "../../spec/schema.ts";
import type { HostFinding, HostView, NicView, Remedy } from "../requirement.ts";

/** What the requirements of Open vSwitch have in common. */

/**
 * A host whose spec speaks of Open vSwitch, with NICs whose flows it can hand to hardware, and Open vSwitch
 * as it was found.
 */
export interface OvsView {
  readonly wanted: NonNullable<Spec["ovs"]>;
  readonly ovs: Ovs;
  /** NICs in mode switchdev or vf-lag. */
  readonly nics: readonly NicView[];
  readonly view: HostView;
}

/** NICs whose flows Open vSwitch can hand to hardware; none where the spec does not speak of Open vSwitch. */
export function offloadingNics({ spec, nics }: HostView): readonly NicView[] {
  return spec.ovs === undefined ? [] : nics.filter(({ nic }) => nic.mode !== "sriov");
}

/** Null where there is nothing to look at, or nothing to be seen: `ovs-running` then says so, once. */
export function ovsView(view: HostView): OvsView | null {
  const { ovs } = view.state;
  const nics = offloadingNics(view);
  if (view.spec.ovs === undefined || nics.length === 0 || ovs === null || isUnknown(ovs) || !ovs.running)
    return null;
  return { wanted: view.spec.ovs, ovs, nics, view };
}

/** A finding about Open vSwitch concerns the NICs that it offloads to. */
export function finding(nics: readonly NicView[], rest: Omit<HostFinding, "nics">): HostFinding {
  return { ...rest, nics: nics.map(({ nic }) => nic.name) };
}

/**
 * A restart interrupts guests: it is done only when vflag was told to, together with what has to precede it.
 * @param byHand the commands that precede it, for a person;
 * @param instead what else may help, a sentence
 */
export function withRestart(
  { ovs, view }: OvsView,
  before: readonly Action[],
  byHand: readonly string[],
  instead = "",
): Remedy {
  const restart: Action = { kind: "restart-ovs", source: ovs.source };
  const otherwise = instead === "" ? {} : { otherwise: instead };
  if (view.allowed.restartOvs === true)
    return { kind: "actions", actions: [...before, restart], ...otherwise };
  const commands = [...byHand, commandLine(restartOfOvs(ovs.source))].join(" && ");
  const text =
    `vflag apply --restart-ovs, or ${commands}: it interrupts the traffic of all guests here ` +
    `for some seconds`;
  return { kind: "person", text: instead === "" ? text : `${text}. Or ${instead}` };
}

/** The netdevs through which a NIC's packets leave: its bond, or its ports. */
export function uplinksOf({ nic, pfs }: NicView): string[] {
  if (nic.bond !== undefined) return [nic.bond];
  return pfs.flatMap(({ netdev }) => netdev ?? []);
}

/** A netdev's place in Open vSwitch. */
export function portNamed(
  ovs: Ovs,
  name: string,
): { readonly bridge: OvsBridge; readonly port: OvsInterface } | null {
  for (const bridge of ovs.bridges) {
    const port = bridge.interfaces.find((candidate) => candidate.name === name);
    if (port !== undefined) return { bridge, port };
  }
  return null;
}

/** A line for a person's shell. */
export function ovsLine(ovs: Ovs, ...words: readonly string[]): string {
  return commandLine(inOvs(ovs.source, words));
}

/** What findings about the whole of Open vSwitch are about. */
export function ovsSubject(ovs: Ovs): string {
  return ovsPlace(ovs.source);
}
