import { bonded, data, early, type Fault, late, prove } from "./faults.ts";
import type { Task } from "./task.ts";

/** As many VFs as a port of the card can have, on two cards. */
export const manyVfs: readonly Task[] = [
  {
    title: "two cards with 127 VFs a port",
    guest: { nic: "connectx", cards: 2, vfs: 127, memory: 4096 },
    run: async (guest, report) => {
      await prove(guest, withoutLag, report);
      await prove(guest, allOfThem, report);
    },
  },
];

const withoutLag: Fault = {
  name: "firmware that offers more than 64 VFs makes no LAG",
  spec: data,
  steps: [
    {
      command: "cat /sys/bus/pci/devices/0000:0[12]:00.[01]/sriov_totalvfs",
      shows: [/^127\n127\n127\n127\n$/],
    },
    { command: "for peer in $(ls /sys/class/net | grep peer); do ip link set $peer up; done" },
    early,
    bonded(),
    { ...late, exit: 2 },
    {
      command: "vflag verify",
      exit: 2,
      shows: [/the driver shows no LAG at all, .*sriov_totalvfs is 127/, /set NUM_OF_VFS to 64 or less/],
    },
    { command: "ip link del bond0" },
  ],
};

const other = "version: 1\nnics:\n  - {name: other, mode: switchdev, ports: [enp2s0f0np0], vfs: 127}\n";

const allOfThem: Fault = {
  name: "a port has all of its VFs",
  spec: other,
  steps: [
    early,
    // To bind all of them, as the late stage does, takes the emulated processor minutes.
    { command: "echo 1 > /sys/bus/pci/devices/0000:02:00.0/sriov_drivers_autoprobe" },
    {
      command:
        "cd /sys/bus/pci/devices/0000:02:00.0 && basename $(readlink virtfn126) > /sys/bus/pci/drivers/mlx5_core/bind",
    },
    { command: "vflag verify", exit: 2, shows: [/127 VFs, 1 with a driver {2}127 representors/] },
    {
      command:
        "echo 0 > /sys/bus/pci/devices/0000:02:00.0/sriov_numvfs; dmesg --level=warn,err | grep -iE 'call trace|leak|bug:'",
      exit: 1,
    },
  ],
};
