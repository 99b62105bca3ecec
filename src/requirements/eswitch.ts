import type { Action } from "../host/action.ts";
import { known } from "../host/observed.ts";
import type { Eswitch, PhysicalFunction } from "../host/state.ts";
import type { NicSpec } from "../spec/schema.ts";
import type { Finding, Remedy } from "./requirement.ts";
import { aboutPf, heldVfs, nativeDriver } from "./virtual-functions.ts";

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

/** A finding on one eSwitch option. An option that only takes effect on the way to switchdev is set from legacy mode. */
export function optionFinding(pf: PhysicalFunction, expected: string, actual: string, set: Action, fromLegacy: boolean): Finding {
  return {
    ...aboutPf(pf),
    expected,
    actual,
    severity: "error",
    remedy: fromLegacy ? viaLegacy(pf, set) : { kind: "actions", actions: [set] },
  };
}

/** A finding on an option that the driver does not have. */
export function withoutOption(pf: PhysicalFunction, expected: string, actual: string, key: string): Finding {
  return { ...aboutPf(pf), expected, actual, severity: "error", remedy: { kind: "person", text: `drop \`${key}\` from the spec` } };
}

function viaLegacy(pf: PhysicalFunction, set: Action): Remedy {
  if (eswitchOf(pf)?.mode !== "switchdev") return { kind: "actions", actions: [set] };
  const held = heldVfs(pf);
  if (held.length > 0) {
    return { kind: "person", text: `the eSwitch must go through legacy mode for this, which cuts off VFs in use: ${held.join("; ")}` };
  }
  const driver = nativeDriver(pf);
  const unbind = pf.vfs
    .filter((vf) => vf.driver === driver)
    .map((vf): Action => ({ kind: "unbind-vf", pf: pf.address, vf: vf.address, driver }));
  return { kind: "actions", actions: [...unbind, { kind: "set-eswitch-mode", pf: pf.address, mode: "legacy" }, set] };
}
