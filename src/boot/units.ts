import { type Artefact, madeByVflag } from "./artefact.ts";

/**
 * systemd's units for the two boot stages: text out. What they run, why they stand where they stand, and what
 * they may do.
 */

export interface UnitOptions {
  /** The absolute path of the program. */
  readonly program: string;
}

export interface Unit {
  readonly name: string;
  readonly text: string;
}

/** Where a unit goes that no package brought. */
const folder = "/etc/systemd/system";

/**
 * Before networking. It is ordered before network-pre.target, which every network manager waits for
 * (systemd-networkd, NetworkManager, ifupdown's networking.service), and wants that target so that it is
 * there at all. It waits for the ports by itself (`vflag boot early`), so that a missing one is named, and
 * networking goes on: nothing requires this unit, so its failure stops nothing.
 */
export function earlyUnit({ program }: UnitOptions): Unit {
  return unit("vflag-early.service", [
    "[Unit]",
    "Description=vflag: virtual functions and eSwitch, before networking",
    "DefaultDependencies=no",
    "Wants=network-pre.target",
    "After=local-fs.target systemd-sysusers.service systemd-udevd.service systemd-udev-trigger.service " +
      "systemd-modules-load.service",
    "Before=network-pre.target shutdown.target",
    "Conflicts=shutdown.target",
    "ConditionPathExists=/etc/vflag/vflag.yaml",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    ...stage(program, "early"),
    // Networking waits for it: 30 s for missing ports, and what VFs and eSwitch modes of large cards take.
    "TimeoutStartSec=5min",
    ...sandbox(program),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ]);
}

/**
 * What starts guests, or the services that hand VFs to them. Kolla's containers have units of their own where
 * systemd starts them: `kolla-<container>-container.service` (kolla-ansible,
 * module_utils/kolla_systemd_worker.py). A unit that a host does not have is waited for by nobody. Open
 * vSwitch of the distribution is not among them: it stands before network.target where it makes the host's
 * own bridges, so that this would be a circle.
 */
const afterLate: readonly (readonly string[])[] = [
  ["docker", "podman", "podman-restart", "libvirtd", "virtqemud", "libvirt-guests"],
  [
    "nova_compute",
    "nova_libvirt",
    "openvswitch_vswitchd",
    "neutron_openvswitch_agent",
    "neutron_sriov_agent",
  ].map((container) => `kolla-${container}-container`),
  ["nova-compute", "neutron-openvswitch-agent", "neutron-sriov-agent"],
  ["openstack-nova-compute", "neutron-sriov-nic-agent"],
];

/**
 * After networking has made the bond, and before anything that starts guests or the containers of OpenStack's
 * services.
 */
export function lateUnit({ program }: UnitOptions): Unit {
  return unit("vflag-late.service", [
    "[Unit]",
    "Description=vflag: LAG and drivers of virtual functions, after networking",
    "Wants=network-online.target",
    "After=network-online.target vflag-early.service",
    ...afterLate.map((names) => `Before=${names.map((name) => `${name}.service`).join(" ")}`),
    "ConditionPathExists=/etc/vflag/vflag.yaml",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    ...stage(program, "late"),
    // Guests wait for it: 30 s for ports and 30 s for bonds, and up to half a second for each VF that is
    // bound.
    "TimeoutStartSec=10min",
    ...sandbox(program),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ]);
}

/**
 * The stage, during which udev waits. Whatever becomes of it, systemd tells udev to go on: after success and,
 * should it have been killed or out of time, after failure. That does nothing where udev is at work already.
 * A VF or mode change that the kernel is busy with delays a killed program's end, so systemd does not wait
 * for it as long as it would. At shutdown udev must still be there to answer, hence the early unit's
 * `After=systemd-udevd.service`; the late one comes after sysinit.target.
 */
function stage(program: string, name: "early" | "late"): string[] {
  const goOn = "-/usr/bin/udevadm control --timeout=5 --start-exec-queue";
  return [
    `ExecStart=${program} boot ${name} --hold-udev`,
    `ExecStartPost=${goOn}`,
    `ExecStopPost=${goOn}`,
    "TimeoutStopSec=15s",
  ];
}

/**
 * What the stages may do, and nothing more. Source: systemd.exec(5), systemd.resource-control(5),
 * capabilities(7).
 *
 * Left out on purpose: ProtectKernelTunables (VFs are made in /sys), ProtectKernelLogs and DevicePolicy (the
 * driver's reason for a refused LAG stands in /dev/kmsg), PrivateDevices (/dev/vfio tells who holds a VF),
 * ProtectProc (so do other processes' open files), PrivateNetwork (devlink answers in the host's namespace
 * only), MemoryDenyWriteExecute (V8 compiles at run time), PrivateTmp (nothing is written there, and it would
 * wait for /tmp to be mounted), ProtectClock and the like where no capability for it is left anyway.
 */
function sandbox(program: string): string[] {
  return [
    // The journal and the lock: the only places on the disk that can be written. The lock must outlive the
    // unit, or two runs could hold two locks of one name.
    "StateDirectory=vflag",
    "StateDirectoryMode=0750",
    "RuntimeDirectory=vflag",
    "RuntimeDirectoryMode=0700",
    "RuntimeDirectoryPreserve=yes",
    ...hardening(program, []),
  ];
}

/**
 * Whether a path can stand in a unit as it is: systemd splits a line at blanks, expands % and $, and a line
 * feed would begin a directive of its own. Source: systemd.service(5), "Command lines"; systemd.unit(5),
 * "Specifiers".
 */
export function isUnitPath(path: string): boolean {
  return /^\/[\w@+=:,./-]+$/.test(path) && !/(^|\/)\.\.?(\/|$)/.test(path);
}

/** What all units of vflag have in common. @param capabilities beyond those that to look at a host takes */
export function hardening(program: string, capabilities: readonly string[]): string[] {
  const looking = ["CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH", "CAP_SYSLOG"];
  return [
    // Nobody else reads or holds what it makes; a report's mode is given by itself.
    "UMask=0077",
    "ProtectSystem=strict",
    // A program that was put into a home is still found.
    `ProtectHome=${/^\/(home|root|run\/user)\//.test(program) ? "read-only" : "yes"}`,
    // devlink, rtnetlink, ethtool; network namespaces of containers; open files of processes of other users;
    // the kernel log.
    `CapabilityBoundingSet=${[...looking, ...capabilities].join(" ")}`,
    "NoNewPrivileges=yes",
    "ProtectKernelModules=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "LockPersonality=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    // Netdevs are looked for in other network namespaces, and no namespace of any other kind is entered or
    // made.
    "RestrictNamespaces=net",
    // AF_INET is the handle of ethtool's ioctl, for kernels before 5.14: no packet is sent.
    "RestrictAddressFamilies=AF_NETLINK AF_UNIX AF_INET",
    "IPAddressDeny=any",
    "SystemCallArchitectures=native",
    // V8 protects its code by memory keys where there are any. What is not listed fails, and kills nobody.
    "SystemCallFilter=@system-service @pkey",
    "SystemCallErrorNumber=EPERM",
  ];
}

/** A unit's text under the line by which vflag knows its own. */
function unit(name: string, lines: readonly string[]): Unit {
  return { name, text: `${madeByVflag}\n${lines.join("\n")}\n` };
}

/** The two units, and what each is for. */
export const stageUnits: readonly {
  readonly name: string;
  readonly path: string;
  readonly summary: string;
  readonly make: (options: UnitOptions) => Unit;
}[] = [
  { make: earlyUnit, name: "vflag-early.service", summary: "the boot stage before networking" },
  { make: lateUnit, name: "vflag-late.service", summary: "the boot stage after networking" },
].map((unit) => ({ ...unit, path: `${folder}/${unit.name}` }));

/**
 * The two units as files; a spec needs them for every NIC that is to be kept by systemd, which is the
 * default.
 */
export const unitArtefacts: readonly Artefact[] = stageUnits.map(({ make, name, path, summary }) => {
  const textFor = lastTextOf(make);
  return {
    name,
    path,
    summary,
    reload: "systemd",
    needsPorts: false,
    text: ({ spec, program }) =>
      spec.nics.some((nic) => nic.persistence === "systemd") ? textFor(program) : null,
  };
});

/** Thousands of hosts in a row have the program in the same place. */
function lastTextOf(make: (options: UnitOptions) => Unit): (program: string) => string {
  let last = { program: "", text: "" };
  return (program) => {
    if (last.program !== program) last = { program, text: make({ program }).text };
    return last.text;
  };
}
