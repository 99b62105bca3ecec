/** systemd's units for the two boot stages: text out. What they run, and why they stand where they stand. */

export interface UnitOptions {
  /** The absolute path of the program. */
  readonly program: string;
}

export interface Unit {
  readonly name: string;
  readonly text: string;
}

/**
 * Before networking. It is ordered before network-pre.target, which every network manager waits for, and wants that target
 * so that it is there at all. It waits for the ports by itself (`vflag boot early`), so that a missing one is named, and
 * networking goes on: nothing requires this unit, so its failure stops nothing.
 */
export function earlyUnit({ program }: UnitOptions): Unit {
  return unit("vflag-early.service", [
    "[Unit]",
    "Description=vflag: virtual functions and eSwitch, before networking",
    "DefaultDependencies=no",
    "Wants=network-pre.target",
    "After=local-fs.target systemd-sysusers.service systemd-udev-trigger.service systemd-modules-load.service",
    "Before=network-pre.target shutdown.target",
    "Conflicts=shutdown.target",
    "ConditionPathExists=/etc/vflag/vflag.yaml",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    `ExecStart=${program} boot early`,
    "TimeoutStartSec=10min",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ]);
}

/** After networking has made the bond, and before anything that starts guests or the containers of OpenStack's services. */
export function lateUnit({ program }: UnitOptions): Unit {
  return unit("vflag-late.service", [
    "[Unit]",
    "Description=vflag: LAG and drivers of virtual functions, after networking",
    "Wants=network-online.target",
    "After=network-online.target vflag-early.service",
    "Before=docker.service podman.service podman-restart.service libvirtd.service virtqemud.service libvirt-guests.service",
    "ConditionPathExists=/etc/vflag/vflag.yaml",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    `ExecStart=${program} boot late`,
    "TimeoutStartSec=10min",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ]);
}

function unit(name: string, lines: readonly string[]): Unit {
  return { name, text: `# Made by \`vflag render\`.\n${lines.join("\n")}\n` };
}
