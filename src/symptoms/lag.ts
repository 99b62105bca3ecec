import type { Symptom } from "./symptom.ts";

const lagSource = "linux drivers/net/ethernet/mellanox/mlx5/core/lag/lag.c (lag.c before 5.14)";

/** What mlx5 says of the LAG under a bond. */
export const lagSymptoms: readonly Symptom[] = [
  {
    id: "vf-lag-refused",
    title: "the firmware refused to make the LAG that carries VFs",
    shows: "kernel-log",
    looks:
      "mlx5_core 0000:37:00.0: ... Failed to activate VF LAG / Make sure all VFs are unbound prior to VF " +
      "LAG activation or deactivation",
    patterns: [/Failed to activate VF LAG/],
    cause:
      "the firmware makes no LAG while a VF has a driver (the driver's words are the same for any " +
      "refusal: where no VF had one, the line with CREATE_LAG before it has the firmware's reason)",
    remedy:
      "vflag apply: it unbinds VFs that nobody uses and makes the driver try again; VFs in use have to be " +
      "drained first",
    explains: ["lag", "vfs-unbound"],
    over: "lag",
    partOf: ["lag-stuck"],
    references: [`${lagSource}: mlx5_activate_lag`],
  },
  {
    id: "roce-lag-refused",
    title: "the firmware refused to make a LAG for RoCE",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0: ... Failed to activate RoCE LAG",
    patterns: [/Failed to activate RoCE LAG/],
    cause:
      "the bond formed before VFs and switchdev mode, and the firmware refused even the LAG of that kind",
    remedy: "reboot, with vflag's early stage before networking",
    explains: ["lag", "not-in-bond"],
    over: "lag",
    partOf: ["lag-stuck"],
    references: [`${lagSource}: mlx5_activate_lag`],
  },
  {
    id: "lag-stuck",
    title: "the firmware kept its LAG when the driver gave it up",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0: ... Failed to deactivate VF LAG; driver restart required",
    patterns: [/Failed to deactivate (?:VF|RoCE) LAG; driver restart required/],
    cause:
      "the bond changed while VFs were bound (or a LAG with one FDB could not be made), and the firmware " +
      "kept its LAG: it takes no other until the driver starts anew",
    remedy: "drain the guests' VFs, then reboot (or unload and load mlx5_core)",
    explains: ["lag", "bond"],
    over: "driver-start",
    alone: "always",
    references: [`${lagSource}: mlx5_deactivate_lag, mlx5_create_lag`],
  },
  {
    id: "lag-not-made",
    title: "a LAG could not be made",
    shows: "kernel-log",
    looks:
      "mlx5_core 0000:37:00.0: ... Failed to create LAG (-22); CREATE_LAG(0x840) ... failed, status bad " +
      "parameter(0x3)",
    patterns: [
      /Failed to create (?:LAG(?: in shared FDB mode)?|SD shared FDB) \(/,
      /\bCREATE_LAG\(0x840\).* failed\b/,
    ],
    cause:
      "the firmware rejected it: VFs that are bound, or a firmware that cannot do what the driver asks for",
    remedy:
      "unbind the VFs and let the driver try again (vflag apply); if none was bound, update the card's " +
      "firmware",
    explains: ["lag"],
    over: "lag",
    partOf: ["vf-lag-refused", "roce-lag-refused", "lag-stuck"],
    references: [`${lagSource}: mlx5_create_lag`],
  },
  {
    id: "lag-not-changed",
    title: "the LAG could not follow its links",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0: ... Failed to modify LAG (-5)",
    patterns: [/Failed to modify LAG \(/],
    cause:
      "the firmware rejected the new spread of flows over the ports: after a port failed, its flows may " +
      "go nowhere",
    remedy: "look at the card's health (this log), then form the bond anew after draining, or reboot",
    explains: ["lag", "bond-links"],
    over: "driver-start",
    alone: "always",
    references: [`${lagSource}: mlx5_modify_lag`],
  },
  {
    id: "single-fdb-refused",
    title: "the two ports cannot share one flow table",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0: ... Can't enable single FDB mode",
    patterns: [/Can't enable single FDB mode/],
    cause:
      "the ports differ in a capability or in their metadata (devlink parameter esw_port_metadata), so " +
      "that the LAG was not made",
    remedy:
      "set esw_port_metadata alike on both ports before switchdev mode; else update the card's firmware",
    explains: ["lag"],
    over: "lag",
    references: [`${lagSource}: mlx5_create_lag`, "https://docs.kernel.org/networking/devlink/mlx5.html"],
  },
  {
    id: "lag-representors-lost",
    title: "the LAG was taken back because representors could not be made anew",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0: ... Failed to enable lag",
    patterns: [/Failed to enable lag\b/],
    cause:
      "with one FDB for both ports the driver makes the representors anew, and one of them failed " +
      "(memory, or a firmware command)",
    remedy: "see the lines before it in the kernel log; then reboot",
    explains: ["lag", "representors"],
    over: "lag",
    references: [`${lagSource}: mlx5_do_bond`],
  },
  {
    id: "lag-port-selection",
    title: "the card could not be set to spread flows by hash",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0: ... Failed to create LAG port selection(-95)",
    patterns: [
      /Failed to create LAG port selection/,
      /Failed to (?:get port selection namespace|create port selection table)/,
    ],
    cause: "the firmware refused the table by which a LAG in hash mode selects its port",
    remedy:
      "update the card's firmware, or give the bond a mode or xmit_hash_policy that needs no hash " +
      "selection (active-backup)",
    explains: ["lag"],
    over: "lag",
    references: ["linux drivers/net/ethernet/mellanox/mlx5/core/lag/port_sel.c", lagSource],
  },
  {
    id: "lag-drop-rule",
    title: "the rule that keeps the backup port silent is missing",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0: ... Failed to create lag drop rule, error: -12",
    patterns: [/Failed to create lag drop rule/],
    cause:
      "in active-backup mode packets that arrive on the backup port are not dropped, so that guests may " +
      "see them twice",
    remedy: "reboot; if it comes back, update the card's firmware",
    explains: ["lag"],
    over: "driver-start",
    alone: "always",
    references: [`${lagSource}: mlx5_lag_drop_rule_setup`],
  },
  {
    id: "kernel-without-vf-lag",
    title: "this kernel does no LAG with VFs",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0: LAG is not supported with SRIOV",
    patterns: [/LAG is not supported with SRIOV/],
    cause: "VF-LAG came with kernel 5.0",
    remedy: "a newer kernel, or mode: switchdev without a bond of VFs",
    explains: ["lag"],
    over: "lag",
    references: ["linux commits edb31b168675 (4.9) and 8aaca1976e27 (5.0)"],
  },
  {
    id: "lag-not-registered",
    title: "the driver does not watch the bond",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0: ... Failed to register LAG netdev notifier",
    patterns: [/Failed to (?:register LAG netdev notifier|alloc lag dev|init multipath lag)/],
    cause: "the driver ran out of memory at its start, and makes no LAG",
    remedy: "reboot",
    explains: ["lag"],
    over: "driver-start",
    alone: "always",
    references: [`${lagSource}: mlx5_lag_dev_alloc`],
  },
  {
    id: "multiport-eswitch",
    title: "the card is in multiport eSwitch mode",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0: Failed to create LAG in MPESW mode (-22)",
    patterns: [
      /Failed to create LAG in MPESW mode/,
      /failed to queue mpesw work/,
      /can't forward to bond in mpesw mode/,
    ],
    cause: "the devlink parameter esw_multiport asks for a LAG without a bond, which excludes the bond's",
    remedy:
      "devlink dev param set pci/ADDRESS name esw_multiport value false cmode runtime, then form the " +
      "bond anew",
    explains: ["lag"],
    over: "lag",
    references: ["linux drivers/net/ethernet/mellanox/mlx5/core/lag/mpesw.c"],
  },
  {
    id: "lag-by-routes",
    title: "routes over both ports claim the LAG",
    shows: "kernel-log",
    looks: "mlx5_core 0000:37:00.0: Multipath offload require two ports of the same HCA",
    patterns: [/Multipath offload requires? two ports/i],
    cause:
      "there are routes with several next hops over these ports, which the driver offloads in the " +
      "bond's place",
    remedy: "remove the addresses and routes from the ports: only the bond has any",
    explains: ["lag"],
    over: "lag",
    references: ["linux drivers/net/ethernet/mellanox/mlx5/core/lag/mp.c"],
  },
  {
    id: "over-64-vfs",
    title: "the card is set up for more VFs than its LAG takes",
    shows: "answer",
    looks: "Warning: mlx5_core: Can't activate LAG offload, PF is configured with more than 64 VFs.",
    patterns: [/Can't activate LAG offload, PF is configured with more than 64 VFs/],
    cause:
      "the firmware's NUM_OF_VFS is above 64; the kernel says the same when the ports' netdevs were not " +
      "ready yet",
    remedy: "set NUM_OF_VFS to 64 or less (vflag apply) and reboot; if it is already, form the bond anew",
    explains: ["firmware", "lag"],
    over: "lag",
    references: [
      `${lagSource}: mlx5_handle_changeupper_event`,
      "Mellanox/ovs-tests test-vf-lag-warn-65-vfs.sh",
    ],
  },
  {
    id: "bond-mode-not-offloaded",
    title: "the bond has a mode that the card cannot offload",
    shows: "answer",
    looks: "Warning: mlx5_core: Can't activate LAG offload, TX type isn't supported.",
    patterns: [/Can't activate LAG offload, TX type isn't supported/],
    cause: "only active-backup, balance-xor and 802.3ad can be offloaded",
    remedy: "give the bond one of these modes",
    explains: ["bond"],
    over: "lag",
    references: [
      `${lagSource}: mlx5_handle_changeupper_event`,
      "Mellanox/ovs-tests test-vf-lag-warn-unsupported-mode.sh",
    ],
  },
  {
    id: "lag-silently-disabled",
    title: "the LAG is disabled, and nothing says why",
    shows: "state",
    looks: "/sys/kernel/debug/mlx5/ADDRESS/lag/state: disabled",
    patterns: [],
    cause:
      "a third slave, a port of another card, one port only, or eSwitches in different modes: the driver " +
      "says nothing of these",
    remedy: "exactly the two ports of one card in the bond, both in switchdev mode",
    explains: ["bond", "eswitch-mode", "lag"],
    over: "lag",
    references: [`${lagSource}: mlx5_lag_check_prereq`],
  },
  {
    id: "lag-type-roce",
    title: "the LAG is active but carries no VFs",
    shows: "state",
    looks: "/sys/kernel/debug/mlx5/ADDRESS/lag/type: roce",
    patterns: [],
    cause: "the bond formed before VFs and switchdev mode; the kernel log looks the same as with VF-LAG",
    remedy: "reboot, with vflag's early stage before networking",
    explains: ["lag", "not-in-bond"],
    over: "lag",
    references: [`${lagSource}: mlx5_lag_is_roce_lag`],
  },
  {
    id: "vfs-bound-too-early",
    title: "VFs were bound before the LAG was active",
    shows: "state",
    looks: "lag/state: disabled, while VFs have a driver",
    patterns: [],
    cause:
      "VFs that are bound keep the firmware from making the LAG, and unbinding them alone makes nobody " +
      "try again",
    remedy: "unbind the VFs, wait for the LAG, then bind them (vflag apply)",
    explains: ["lag", "vfs-unbound"],
    over: "lag",
    references: [`${lagSource}: mlx5_do_bond`],
  },
];
