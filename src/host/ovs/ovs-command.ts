import type { Action } from "../actions/action.ts";
import type { OvsSource } from "./ovs.ts";

/**
 * How the programs of Open vSwitch are started, on the host or in its container: argument vectors, for vflag
 * and for people.
 */

/** A program of Open vSwitch, where it is. */
export function inOvs(source: OvsSource, argv: readonly string[]): string[] {
  return source.kind === "native" ? [...argv] : [source.engine, "exec", source.name, ...argv];
}

/** What has to be said to ovs-vsctl for an action. */
export function vsctlWords(action: Extract<Action, { kind: "set-ovs" | "del-ovs-port" }>): string[] {
  if (action.kind === "set-ovs")
    return ["ovs-vsctl", "set", "Open_vSwitch", ".", `other_config:${action.key}=${action.value}`];
  return ["ovs-vsctl", "--if-exists", "del-port", action.bridge, action.port];
}

/**
 * What restarts Open vSwitch: its unit, or its container. On a host whose unit is not known, the name that
 * most have.
 */
export function restartOfOvs(source: OvsSource): string[] {
  if (source.kind === "container") return [source.engine, "restart", source.name];
  return ["systemctl", "restart", source.unit ?? "openvswitch-switch.service"];
}

/** Where Open vSwitch runs, in words. */
export function ovsPlace(source: OvsSource): string {
  return source.kind === "native"
    ? "Open vSwitch"
    : `Open vSwitch in ${source.engine}'s container ${source.name}`;
}
