import type { VfMaker } from "../../state/vf-makers.ts";

/** Where files are that make VFs at boot, and how they say so. */
export interface Place {
  readonly kind: VfMaker["kind"];
  readonly folder: string;
  /** The files of the folder that are read. */
  readonly name: RegExp;
  /** What makes VFs, or sets a mode; netplan's YAML is read as such. */
  readonly makes: RegExp | "netplan";
  /** What a line may have that only looks as if it made some. */
  readonly harmless?: RegExp;
  /** What names the port beside it; where this is left out, the line itself. */
  readonly ports?: RegExp;
}

// sriov_numvfs and devlink; OFED's own: /sys/class/infiniband/*/device/mlx5_num_vfs, compat/devlink/mode;
// what os-net-config's units run (os_net_config/utils.py, _SRIOV_CONFIG_DEVICE_CONTENT).
const bySysfs =
  /sriov_numvfs|mlx5_num_vfs|compat\/devlink\/mode|os-net-config-sriov|devlink\s[^#]*\beswitch\s+set\b/;

const anyName = /^[^.].*$/;
const confName = /^[^.].*\.conf$/;
const script = {
  kind: "script",
  name: anyName,
  makes: bySysfs,
  // Only read or asked for, or behind a comment's sign.
  harmless: /(?:\bcat|\s-[efrsw]|(?<!<)<)\s*[^\s;&|>]*(?:sriov_numvfs|mlx5_num_vfs|devlink\/mode)|\s#.*$/g,
} as const;
const udev = {
  kind: "udev",
  name: /\.rules$/,
  makes: bySysfs,
  // What a rule only compares with.
  harmless: /\b(?:ATTRS?|TEST)(?:\{[^}]*\})?\s*[!=]=\s*"[^"]*"/g,
} as const;
const link = {
  kind: "link",
  name: /\.link$/,
  makes: /^\s*SR-IOVVirtualFunctions\s*=\s*\d/,
  ports: /^\s*(?:OriginalName|Path|MACAddress|PermanentMACAddress|Property)\s*=/,
} as const;
const profile = {
  kind: "network-manager",
  name: anyName,
  makes: /^\s*(?:total-vfs|eswitch-mode)\s*=/,
  ports: /^\s*(?:interface-name|mac-address)\s*=/,
} as const;
const unit = { ...script, kind: "unit", name: /^[^.].*\.service$/ } as const;
const settings = { ...script, kind: "settings", name: confName } as const;
const interfaces = { ...script, ports: /^\s*iface\s+\S+/ } as const;

/**
 * Source: udev(7), systemd.link(5): SR-IOVVirtualFunctions= (since 251), nm-settings-keyfile(5): [sriov],
 * NetworkManager.conf(5): [device] sriov-num-vfs, nm-settings-ifcfg-rh(5): SRIOV_TOTAL_VFS, netplan(5);
 * stackhpc.linux, roles/sriov/tasks/config.yml (a udev rule); interfaces(5), rc.local, tmpfiles.d(5),
 * sysfs.conf(5), crontab(5), networkd-dispatcher(8), NetworkManager-dispatcher(8).
 */
export const places: readonly Place[] = [
  { ...udev, folder: "/etc/udev/rules.d" },
  { ...udev, folder: "/run/udev/rules.d" },
  { ...link, folder: "/etc/systemd/network" },
  { ...link, folder: "/run/systemd/network" },
  { ...unit, folder: "/etc/systemd/system" },
  { ...profile, folder: "/etc/NetworkManager/system-connections" },
  { ...profile, folder: "/run/NetworkManager/system-connections" },
  {
    ...{ kind: "settings", folder: "/etc/NetworkManager/conf.d", name: confName },
    ...{ makes: /^\s*sriov-num-vfs\s*=/, ports: /^\s*match-device\s*=/ },
  },
  { ...script, folder: "/etc/NetworkManager/dispatcher.d" },
  { ...script, folder: "/etc/NetworkManager/dispatcher.d/pre-up.d" },
  {
    ...{ kind: "settings", folder: "/etc/sysconfig/network-scripts", name: /^ifcfg-/ },
    ...{ makes: /^\s*SRIOV_TOTAL_VFS\s*=/, ports: /^\s*(?:DEVICE|HWADDR)\s*=/ },
  },
  { kind: "netplan", folder: "/etc/netplan", name: /\.yaml$/, makes: "netplan" },
  ...["routable.d", "degraded.d", "carrier.d", "configuring.d", "configured.d", "no-carrier.d"].map(
    (name): Place => ({ ...script, folder: `/etc/networkd-dispatcher/${name}` }),
  ),
  { ...interfaces, folder: "/etc/network", name: /^interfaces$/ },
  { ...interfaces, folder: "/etc/network/interfaces.d" },
  { ...script, folder: "/etc/network/if-pre-up.d" },
  { ...script, folder: "/etc/network/if-up.d" },
  { ...settings, folder: "/etc/tmpfiles.d" },
  { ...settings, folder: "/etc/modprobe.d" },
  { ...settings, folder: "/etc/sysfs.d" },
  { ...settings, folder: "/etc", name: /^sysfs\.conf$/ },
  { ...script, folder: "/etc", name: /^(?:rc\.local|crontab)$/ },
  { ...script, folder: "/etc/rc.d", name: /^rc\.local$/ },
  { ...script, folder: "/etc/cron.d" },
  { ...script, folder: "/var/spool/cron", name: /^root$/ },
  { ...script, folder: "/var/spool/cron/crontabs", name: /^root$/ },
];
