import { driverOf } from "../../drivers/registry.ts";
import type { Action } from "../../host/actions/action.ts";
import { describeUsers } from "../../host/in-use.ts";
import { known } from "../../host/state/observed.ts";
import type { RefusedSetting } from "../../host/state/refused.ts";
import type { Eswitch, HostState, PhysicalFunction } from "../../host/state/state.ts";
import type { NicSpec } from "../../spec/schema.ts";
import { heldVfs } from "../held-vfs.ts";
import type { Finding, Remedy } from "../requirement.ts";
import { aboutPf, nativeDriver } from "../virtual-functions.ts";

/** The eSwitch of a PF as far as it was observed. */
export function eswitchOf(pf: PhysicalFunction): Eswitch | undefined {
  return known(pf.eswitch) ?? undefined;
}

/** The eSwitch mode that a NIC's mode asks for. */
export function wantedMode(nic: NicSpec): Eswitch["mode"] {
  return nic.mode === "sriov" ? "legacy" : "switchdev";
}

/** True when the PF's eSwitch is observed in another mode than the one that is wanted. */
export function modeChangePending(nic: NicSpec, pf: PhysicalFunction): boolean {
  const eswitch = eswitchOf(pf);
  return eswitch !== undefined && eswitch.mode !== wantedMode(nic);
}

/**
 * How an option that takes effect on the way to switchdev is set: at once in legacy mode; from switchdev mode
 * by way of legacy, which cuts off every VF and is begun only where it is known to end well.
 */
export interface OptionChange {
  readonly expected: string;
  readonly actual: string;
  readonly set: Action;
  /**
   * What the device is asked before anything is taken apart; null where no question without consequences
   * tells whether it can do this.
   */
  readonly question: readonly Action[] | null;
}

/** A finding on such an option. */
export function optionFinding(
  pf: PhysicalFunction,
  { expected, actual, set, question }: OptionChange,
  state: HostState,
): Finding {
  const remedy = eswitchOf(pf)?.mode === "switchdev" ? viaLegacy(pf, set, question, state) : actions([set]);
  return { ...aboutPf(pf), expected, actual, severity: "error", remedy };
}

/** A finding on an option that the driver does not have. */
export function withoutOption(pf: PhysicalFunction, expected: string, actual: string, key: string): Finding {
  return {
    ...aboutPf(pf),
    expected,
    actual,
    severity: "error",
    remedy: { kind: "person", text: `drop \`${key}\` from the spec` },
    lasting: true,
  };
}

/** A finding on an option that the device was asked for, and cannot do. */
export function refusedOption(
  pf: PhysicalFunction,
  expected: string,
  actual: string,
  key: string,
  refused: RefusedSetting,
): Finding {
  const text =
    `drop \`${key}\` from the spec: this card cannot do it, so that vflag does not ask it ` +
    `again (with another kernel or firmware it does)`;
  return {
    ...withoutOption(
      pf,
      expected,
      `${actual}: the card refuses it ("${lastSentence(refused.words, pf)}")`,
      key,
    ),
    remedy: { kind: "person", text },
  };
}

/** Asks whether an eSwitch would change its mode now; nothing where its driver has no such question. */
export function modeQuestion(pf: PhysicalFunction): Action[] {
  const mode = eswitchOf(pf)?.mode;
  return mode === undefined || !driverOf(pf.driver).answersModeQuestion
    ? []
    : [{ kind: "ask-eswitch-mode", pf: pf.address, mode }];
}

/** A failed request is told as `what was tried: error: the driver's sentence`. */
function lastSentence(words: string, { driver }: PhysicalFunction): string {
  const sentence = words.replace(/^.*?: E[A-Z]+: /, "");
  return driver !== null && sentence.startsWith(`${driver}: `)
    ? sentence.slice(`${driver}: `.length)
    : sentence;
}

function viaLegacy(
  pf: PhysicalFunction,
  set: Action,
  question: readonly Action[] | null,
  state: HostState,
): Remedy {
  const users = describeUsers(pf.users);
  const held = heldVfs(pf, state);
  if (users !== null) {
    const text =
      `the eSwitch must go through legacy mode for this, which takes the host's own traffic ` +
      `off this port: ${users}`;
    return { kind: "person", text };
  }
  if (held.length > 0) {
    return {
      kind: "person",
      text: `the eSwitch must go through legacy mode for this, which cuts off VFs in use: ${held.join("; ")}`,
    };
  }
  if (question === null) {
    const text =
      "the early stage sets it before switchdev. In switchdev mode nobody can ask the card whether it can " +
      "do this, and to go by way of legacy mode would cut off its VFs for nothing if it cannot";
    return { kind: "reboot", text };
  }
  const driver = nativeDriver(pf);
  const unbind = pf.vfs
    .filter((vf) => vf.driver === driver)
    .map((vf): Action => ({ kind: "unbind-vf", pf: pf.address, vf: vf.address, driver }));
  return actions([
    ...question,
    ...modeQuestion(pf),
    ...unbind,
    { kind: "set-eswitch-mode", pf: pf.address, mode: "legacy" },
    set,
  ]);
}

function actions(list: Action[]): Remedy {
  return { kind: "actions", actions: list };
}
