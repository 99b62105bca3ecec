import { inOvs, restartOfOvs, vsctlWords } from "../ovs/ovs-command.ts";
import type { VfSettings } from "../state/state.ts";
import type { Action, Reload } from "./action.ts";
import { settingArguments } from "./firmware-settings.ts";

/**
 * An action as the commands that a person would type for it, one a line. For reading only: vflag itself runs
 * none of them.
 */
export function commandsOf(action: Action): string[] {
  switch (action.kind) {
    case "set-vf-autoprobe":
      return [`echo ${action.on ? 1 : 0} > /sys/bus/pci/devices/${action.pf}/sriov_drivers_autoprobe`];
    case "set-vf-count":
      return [`echo ${action.count} > /sys/bus/pci/devices/${action.pf}/sriov_numvfs`];
    case "unbind-vf":
      return [`echo ${action.vf} > /sys/bus/pci/drivers/${word(action.driver)}/unbind`];
    case "bind-vf":
      return [`echo ${action.vf} > /sys/bus/pci/drivers/${word(action.driver)}/bind`];
    case "set-steering":
      return [
        `devlink dev param set pci/${action.pf} name flow_steering_mode value ${action.steering} cmode ` +
          "runtime",
      ];
    case "ask-steering":
      return [
        `devlink dev param set pci/${action.pf} name flow_steering_mode value ${action.steering} cmode ` +
          `runtime   # refused in switchdev mode: how, says whether the device can`,
      ];
    case "set-inline":
      return [`devlink dev eswitch set pci/${action.pf} inline-mode ${action.inline}`];
    case "set-encap":
      return [`devlink dev eswitch set pci/${action.pf} encap-mode ${action.encap ? "basic" : "none"}`];
    case "set-eswitch-mode":
      return [`devlink dev eswitch set pci/${action.pf} mode ${action.mode}`];
    case "ask-eswitch-mode":
      return [
        `devlink dev eswitch set pci/${action.pf} mode ${action.mode}   # the mode that it has: whether ` +
          `another would be refused as busy`,
      ];
    case "set-tc-offload":
      return [`ethtool -K ${word(action.netdev)} hw-tc-offload ${action.on ? "on" : "off"}`];
    case "set-channels":
      return [`ethtool -L ${word(action.netdev)} combined ${action.combined}`];
    case "set-vf-settings":
      return settingWords(action.settings).map(
        (words) => `ip link set ${word(action.netdev)} vf ${action.vf} ${words}`,
      );
    case "activate-lag":
      return [
        `cat /sys/kernel/debug/mlx5/${action.pf}/lag/state   # until it says active, ` +
          `${action.seconds} s at most`,
        `devlink dev eswitch set pci/${action.pf} mode switchdev   # only if it does not: the driver then ` +
          `tries again`,
      ];
    case "set-firmware":
      return [`${action.tool} -d ${action.pf} -y set ${settingArguments(action.settings).join(" ")}`];
    case "write-file":
      return [`vflag render ${word(action.render)} > ${word(action.path)}`, ...reloadCommands(action.reload)];
    case "remove-file":
      return [`rm ${word(action.path)}`, ...reloadCommands(action.reload)];
    case "enable-unit":
    case "disable-unit": {
      const words = [
        action.kind === "enable-unit" ? "enable" : "disable",
        ...(action.reload ? [] : ["--no-reload"]),
      ];
      return [`systemctl ${words.join(" ")} ${word(action.unit)}`];
    }
    case "set-ovs":
    case "del-ovs-port":
      return [commandLine(inOvs(action.source, vsctlWords(action)))];
    case "restart-ovs":
      return [
        `${commandLine(restartOfOvs(action.source))}   # traffic of all guests here is interrupted for ` +
          `some seconds`,
      ];
    case "update-boot-loader":
      return ["update-grub"];
    case "set-kernel-arguments": {
      const remove = action.remove.length === 0 ? "" : ` --remove-args=${word(action.remove.join(" "))}`;
      const add = action.add.length === 0 ? "" : ` --args=${word(action.add.join(" "))}`;
      return [`grubby --update-kernel=ALL${remove}${add}`];
    }
  }
}

function reloadCommands(reload: Reload | null): string[] {
  if (reload === null) return [];
  return [reload === "systemd" ? "systemctl daemon-reload" : "udevadm control --reload"];
}

function settingWords(settings: Partial<VfSettings>): string[] {
  const { mac, trust, spoofCheck, linkState } = settings;
  const onOff = (value: boolean) => (value ? "on" : "off");
  return [
    ...(mac === undefined ? [] : [`mac ${mac}`]),
    ...(trust == null ? [] : [`trust ${onOff(trust)}`]),
    ...(spoofCheck == null ? [] : [`spoofchk ${onOff(spoofCheck)}`]),
    ...(linkState == null ? [] : [`state ${linkState}`]),
  ];
}

/** An argument vector as a line that a person can copy. Its options are ours, and stay as they are. */
export function commandLine(argv: readonly string[]): string {
  return argv.map((text) => (/^--[a-z-]*$/.test(text) ? text : word(text))).join(" ");
}

/** A word as a shell and a program take it literally: somebody may copy the line. */
export function word(text: string): string {
  return /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
