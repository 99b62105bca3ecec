import { renderedByVflag } from "./artefact.ts";
import { hardening, type Unit, type UnitOptions } from "./units.ts";

/**
 * A verdict every few minutes for node_exporter's textfile collector. Nobody enables it but an operator
 * (docs/monitoring.md).
 */

export interface VerifyUnitOptions extends UnitOptions {
  /** The absolute path of the file that it writes; its folder must be there. */
  readonly metrics: string;
}

/**
 * It only looks. A folder that is missing is a failure and not a reason to be skipped: nobody would notice
 * that. Exit code 2 is a verdict, and is told by the metrics.
 */
export function verifyUnit({ program, metrics }: VerifyUnitOptions): Unit {
  const folder = metrics.slice(0, metrics.lastIndexOf("/")) || "/";
  const lines = [
    "[Unit]",
    "Description=vflag: the verdict, for monitoring",
    "After=vflag-late.service",
    "ConditionPathExists=/etc/vflag/vflag.yaml",
    `AssertPathIsDirectory=${folder}`,
    "",
    "[Service]",
    "Type=oneshot",
    `ExecStart=${program} verify -o prometheus --write ${metrics}`,
    "SuccessExitStatus=2",
    // Open vSwitch's programs and mstconfig have limits of their own; this one is for a host that hangs.
    "TimeoutStartSec=3min",
    "Nice=10",
    // Sockets of Open vSwitch and folders of node_exporter may belong to users of their own.
    ...hardening(program, ["CAP_DAC_OVERRIDE"]),
    // In /tmp are the locks by which mstconfig and mstflint let only one of them at a card at a time; in a
    // /tmp of its own (PrivateTmp) they would not meet those of an operator. Source: mstconfig's text:
    // "Failed to create lockfile: (parallel access not supported)".
    `ReadWritePaths=${folder} -/tmp`,
  ];
  return { name: "vflag-verify.service", text: `${renderedByVflag}\n${lines.join("\n")}\n` };
}

/** After the boot stages, and then five minutes after each end. */
export const verifyTimer: Unit = {
  name: "vflag-verify.timer",
  text: `${[
    renderedByVflag,
    "[Unit]",
    "Description=vflag: the verdict every five minutes, for monitoring",
    "",
    "[Timer]",
    "OnBootSec=2min",
    "OnUnitInactiveSec=5min",
    "AccuracySec=10s",
    "",
    "[Install]",
    "WantedBy=timers.target",
  ].join("\n")}\n`,
};
