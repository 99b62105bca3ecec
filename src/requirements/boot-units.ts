import { earlyUnit, lateUnit, type Unit as UnitFile } from "../boot/units.ts";
import type { Action } from "../host/action.ts";
import { isUnknown } from "../host/observed.ts";
import type { HostState } from "../host/state.ts";
import type { HostFinding, HostRequirement, Remedy } from "./requirement.ts";

/** Where a unit goes that no package brought. */
const folder = "/etc/systemd/system";

/** The next boot brings the NICs up again: both units are there, as this version wants them, and enabled. */
export const bootUnits: HostRequirement = {
  id: "boot-units",
  stage: "persistence",
  title: "the two boot stages are installed and enabled",
  why: "VFs and eSwitch modes are gone after a reboot; only in this order around networking do they come back with an active LAG.",
  observe: ["systemctl status vflag-early.service vflag-late.service", "systemctl cat vflag-early.service"],
  byHand: [
    "vflag render vflag-early.service > /etc/systemd/system/vflag-early.service (and the late one)",
    "systemctl daemon-reload && systemctl enable vflag-early.service vflag-late.service",
  ],
  references: ["systemd.special(7): network-pre.target, network-online.target", "systemctl(1)"],
  gate: false,
  check: ({ spec, state }) => {
    const wanted = spec.nics.some((nic) => nic.persistence === "systemd");
    if (!wanted) return [];
    const program = state.program ?? "/usr/bin/vflag";
    return [earlyUnit({ program }), lateUnit({ program })].flatMap((unit) => unitFindings(unit, state));
  },
};

function unitFindings(wanted: UnitFile, state: HostState): HostFinding[] {
  const finding = (actual: string, severity: HostFinding["severity"], remedy: Remedy): HostFinding[] => {
    return [{ subject: wanted.name, expected: "installed and enabled", actual, severity, remedy }];
  };
  for (const seen of [state.files, state.units]) {
    if (!isUnknown(seen)) continue;
    return finding(seen.unknown, "unknown", { kind: "person", text: `look by hand: systemctl status ${wanted.name}` });
  }
  if (isUnknown(state.files) || isUnknown(state.units)) return [];
  const unit = state.units.find((candidate) => candidate.name === wanted.name);
  const path = unit?.path ?? `${folder}/${wanted.name}`;
  const file = state.files.find((candidate) => candidate.path === path);
  const actions: Action[] = [];
  const said: string[] = [];
  if (unit === undefined || file?.text !== wanted.text) {
    said.push(unit === undefined ? "not installed" : "not as this version wants it");
    // What a package brought stays as it is: the file in /etc goes before it.
    actions.push({ kind: "write-file", path: `${folder}/${wanted.name}`, text: wanted.text, render: wanted.name, reload: "systemd" });
  }
  if (unit?.enabled !== "enabled") {
    if (unit !== undefined) said.push(unit.enabled ?? "not enabled");
    actions.push({ kind: "enable-unit", unit: wanted.name });
  }
  return actions.length === 0 ? [] : finding(said.join(", "), "warning", { kind: "actions", actions });
}
