import { core } from "./sources.ts";
import type { Symptom } from "./symptom.ts";

/** Such a process gets no kernel thread, and a workqueue without one is answered with ENOMEM. */
const killed =
  "linux kernel/kthread.c: __kthread_create_on_node; seen on 6.1 when vflag was killed in the middle of a " +
  "mode change";

/** What the kernel says of changes of the eSwitch mode. */
export const eswitchSymptoms: readonly Symptom[] = [
  {
    id: "encap-while-vfs-driven",
    title: "switchdev was set while a VF was driven",
    shows: "kernel-log",
    looks:
      "mlx5_core 0101:00:00.0: mlx5_cmd_out_err:808:(pid 9): CREATE_FLOW_TABLE(0x930) ... failed, ... " +
      "syndrome (0x98afbb), err(-22)",
    patterns: [/syndrome \(0x98afbb\)/i],
    cause:
      "the firmware makes no tables that encapsulate while a VF has a driver, be it one that autoprobe is " +
      "still binding; the port is left in legacy mode without a table (6.1 and later), and its VFs " +
      "without a network",
    remedy:
      "unbind the VFs and set switchdev again (vflag apply); to stay in legacy mode, write 0 and then the " +
      "number of VFs to sriov_numvfs; `encap: false` in the spec avoids such tables",
    explains: ["eswitch-mode", "eswitch-encap", "vfs-unbound"],
    over: "switchdev",
    alone: "always",
    references: [
      "https://github.com/k8snetworkplumbingwg/sriov-network-operator/issues/1015",
      "Mellanox/ovs-tests test-eswitch-toggle-mode-fail.sh",
      `${core}/eswitch_offloads.c: esw_create_offloads_fdb_tables, esw_offloads_start`,
    ],
  },
  {
    id: "eswitch-tables-refused",
    title: "the eSwitch's flow tables could not be made",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0: E-Switch: Failed to create slow path FDB Table err -22",
    patterns: [
      /E-Switch: Failed to create .*(?:FDB|table)/i,
      /Failed creating dr flow_table/,
      /FDB is not supported, aborting/,
    ],
    cause: "the firmware refused a table of the new eSwitch mode",
    remedy:
      "see the firmware command before it in the kernel log; with all VFs there and unbound, set the mode " +
      "again, else update the firmware",
    explains: ["eswitch-mode"],
    over: "switchdev",
    alone: "always",
    partOf: ["encap-while-vfs-driven"],
    references: [`${core}/eswitch_offloads.c`, `${core}/eswitch.c`],
  },
  {
    id: "mode-change-out-of-memory",
    title: "a port lost its netdev in a change of the eSwitch mode",
    shows: "kernel-log",
    looks:
      "mlx5_core 0000:37:00.0 ens3f0: mlx5e_netdev_change_profile: failed to rollback to orig profile, -12",
    patterns: [/failed to rollback to orig profile(?!, -(?:4|5|67|110)\b)/],
    cause:
      "the driver could make neither the port's netdev of the new mode nor the one that it had, for want " +
      "of memory, or because what asked for the mode was killed meanwhile (SIGKILL): the port does not " +
      "work as it looks",
    remedy:
      "free memory where it ran out (see the lines around it), then reboot: to ask for the mode again " +
      "before can crash the kernel",
    explains: ["eswitch-mode", "ports", "representors"],
    over: "driver-start",
    alone: "always",
    references: [`${core}/en_main.c: mlx5e_netdev_change_profile`, killed],
  },
  {
    id: "mode-change-interrupted",
    title: "a port lost its netdev: a signal came in the middle of a change of the eSwitch mode",
    shows: "kernel-log",
    looks:
      "mlx5_core 0000:37:00.0 ens3f0: mlx5e_netdev_change_profile: failed to rollback to orig profile, -4",
    patterns: [/failed to rollback to orig profile, -4\b/],
    cause:
      "what asked for the mode got a signal (Ctrl-C, a unit's stop, SIGKILL) while the kernel started " +
      "threads for the port's netdev: the port does not work as it looks",
    remedy:
      "reboot: to ask for the mode again before can crash the kernel; let a mode change end, which takes " +
      "some seconds (docs/operating.md)",
    explains: ["eswitch-mode", "ports", "representors"],
    over: "driver-start",
    alone: "always",
    references: [`${core}/en_main.c: mlx5e_netdev_change_profile`, killed],
  },
  {
    id: "mode-change-device-in-error",
    title: "a change of the eSwitch mode failed because the card did not answer any more",
    shows: "kernel-log",
    looks:
      "mlx5_core 0000:37:00.0 ens3f0: mlx5e_netdev_change_profile: failed to rollback to orig profile, -67",
    patterns: [
      /failed to rollback to orig profile, -(?:5|67|110)\b/,
      /mlx5e_netdev_change_profile: new profile init failed, -(?:5|67|110)\b/,
    ],
    cause:
      "the card did not answer in time (-110, ETIMEDOUT), or the driver answered for it (-67, ENOLINK; " +
      "older ones -5, EIO), since it is in its internal error state or its PCIe link is gone: memory and " +
      "signals have nothing to do with it",
    remedy:
      "see what came before it in the kernel log (health, fatal error, AER, a link that is down), then " +
      "reboot; if it comes again, switch the host off and on, and update the card's firmware",
    explains: ["eswitch-mode", "ports", "representors"],
    over: "driver-start",
    alone: "always",
    references: [
      `${core}/cmd.c: mlx5_internal_err_ret_value, wait_func (a command's timeout)`,
      "netdev mailing list: mlx5e_netdev_change_profile with -67 (ENOLINK)",
    ],
  },
  {
    id: "mode-change-undone",
    title: "a change of the eSwitch mode was broken off and undone",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0 ens3f0: mlx5e_netdev_change_profile: new profile init failed, -12",
    patterns: [
      /mlx5e_netdev_change_profile: new profile init failed(?!, -(?:5|67|110)\b)/,
      /mlx5e_priv_init failed, err=/,
      /mlx5e_create_flow_steering.*: Failed to create .* tables, err=-12/,
    ],
    cause:
      "the driver could not make the port's netdev of the new mode, for want of memory, or because what " +
      "asked for the mode was killed meanwhile (SIGKILL); the port has the one that it had",
    remedy:
      "vflag apply, which asks for the mode again; if the kernel log shows this again, free memory first",
    explains: ["eswitch-mode", "representors"],
    over: "switchdev",
    partOf: ["mode-change-out-of-memory", "mode-change-interrupted", "mode-change-device-in-error"],
    references: [`${core}/en_main.c: mlx5e_netdev_init_profile, mlx5e_netdev_change_profile`, killed],
  },
];
