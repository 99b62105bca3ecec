import { type Artefact, isMadeByVflag } from "../../boot/artefact.ts";
import { isUnitPath, unitArtefacts } from "../../boot/units.ts";
import type { Action } from "../../host/actions/action.ts";
import { reloadingOnce } from "../../host/actions/reloads.ts";
import type { Unit } from "../../host/state/installation.ts";
import { isUnknown } from "../../host/state/observed.ts";
import { atNextBoot, type HostFinding, type HostRequirement, type HostView } from "../requirement.ts";
import { bootInput, writing } from "./boot-files.ts";

/** The next boot brings the NICs up again: both units are there, as this version wants them, and enabled. */
export const bootUnits: HostRequirement = {
  id: "boot-units",
  stage: "persistence",
  title: "the two boot stages are installed and enabled",
  why:
    "VFs and eSwitch modes are gone after a reboot; only in this order around networking do they come " +
    "back with an active LAG.",
  observe: ["systemctl status vflag-early.service vflag-late.service", "systemctl cat vflag-early.service"],
  byHand: [
    "vflag render vflag-early.service > /etc/systemd/system/vflag-early.service (and the late one)",
    "systemctl enable vflag-early.service vflag-late.service",
  ],
  references: [
    "systemd.special(7): network-pre.target, network-online.target",
    "systemd.exec(5)",
    "systemctl(1)",
  ],
  follows: [],
  gate: false,
  check: (view) => tellingOnce(unitArtefacts.flatMap((artefact) => unitFindings(artefact, view))),
};

/** All units are written and enabled before systemd reads them. */
function tellingOnce(findings: readonly HostFinding[]): HostFinding[] {
  const actionsOf = ({ remedy }: HostFinding) => (remedy.kind === "actions" ? remedy.actions : []);
  const left = reloadingOnce(findings.flatMap(actionsOf));
  return findings.map((finding) => {
    if (finding.remedy.kind !== "actions") return finding;
    return {
      ...finding,
      remedy: { kind: "actions", actions: left.splice(0, finding.remedy.actions.length) },
    };
  });
}

function unitFindings(artefact: Artefact, view: HostView): HostFinding[] {
  const { files, units } = view.state;
  const { name, path } = artefact;
  const refusal = programRefusal(view);
  const text = artefact.text(
    refusal === null ? bootInput(view) : bootInput({ ...view, state: { ...view.state, program: null } }),
  );
  const finding = {
    subject: name,
    expected: text === null ? "gone: no NIC needs it" : "installed and enabled",
  };
  const look = `look by hand: systemctl status ${name}`;
  for (const seen of [files, units]) {
    if (text === null || !isUnknown(seen)) continue;
    return [
      { ...finding, actual: seen.unknown, severity: "unknown", remedy: { kind: "person", text: look } },
    ];
  }
  if (isUnknown(files) || isUnknown(units)) return [];
  const unit = units.find((candidate) => candidate.name === name);
  const actions: Action[] = [];
  const said: string[] = [];
  if (text === null) {
    if (unit?.enabled === "enabled") {
      said.push("enabled");
      actions.push({ kind: "disable-unit", unit: name, reload: true });
    }
    if (files.some((file) => file.path === path && isMadeByVflag(file.text))) {
      said.push("installed");
      actions.push({ kind: "remove-file", path, reload: artefact.reload });
    }
  } else {
    // Debian's systemd calls the folder of packages /lib, which is a link to /usr/lib.
    const at = (unit?.path ?? path).replace(/^\/lib\//, "/usr/lib/");
    const file = files.find((candidate) => candidate.path === at);
    // What a package brought and enabled starts the package's program, whichever looks at it now.
    if ((unit === undefined || file?.text !== text) && refusal !== null) {
      const actual = unit === undefined ? "not installed" : "not as this version wants it";
      const bites = unit === undefined ? { bites: atNextBoot } : {};
      return [
        { ...finding, actual, severity: "warning", remedy: { kind: "person", text: refusal }, ...bites },
      ];
    }
    if (unit === undefined || file?.text !== text) {
      said.push(unit === undefined ? "not installed" : "not as this version wants it");
      // What a package brought stays as it is: the file in /etc goes before it.
      actions.push(writing(artefact, text));
    }
    if (unit?.enabled !== "enabled") {
      if (unit !== undefined) said.push(unit.enabled ?? "not enabled");
      actions.push({ kind: "enable-unit", unit: name, reload: true });
    }
  }
  if (actions.length === 0) return text !== null && unit !== undefined ? failures(unit) : [];
  // One of another version, or that no NIC needs, still does its work.
  const starts = text === null || unit?.enabled === "enabled";
  const bites = starts ? {} : { bites: atNextBoot };
  return [
    {
      ...finding,
      actual: said.join(", "),
      severity: "warning",
      remedy: { kind: "actions", actions },
      ...bites,
    },
  ];
}

/** Why no unit may be written that starts the program which looks at the host; null where one may. */
function programRefusal({ state: { program } }: HostView): string | null {
  if (isUnknown(program)) return program.unknown;
  if (program === null || isUnitPath(program)) return null;
  return (
    `units cannot start ${JSON.stringify(program)}: systemd takes a path of plain characters only; ` +
    `install the package, then: /usr/bin/vflag apply`
  );
}

/** It ran at this boot, and did not come to its end well. */
function failures({ name, active, result }: Unit): HostFinding[] {
  if (active !== "failed" && result === "success") return [];
  const why = `journalctl -b -u ${name} tells why`;
  const text = `${why}; what it left undone is told below, and vflag apply does it`;
  return [
    {
      subject: name,
      expected: "ended well at this boot",
      actual: `failed (${result})`,
      severity: "warning",
      remedy: { kind: "person", text },
      bites: atNextBoot,
    },
  ];
}
