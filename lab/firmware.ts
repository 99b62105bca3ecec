import { data, early, type Step } from "./faults.ts";
import { type Report, reboot, say, write } from "./operate.ts";
import type { Guest } from "./running.ts";
import type { Task } from "./task.ts";

/**
 * The firmware's settings, by Debian's mstconfig: a card that offers too few VFs is set by vflag, and offers
 * them after the next power-on.
 */
export const firmware: readonly Task[] = [
  { title: "firmware", guest: { nic: "connectx", persist: true }, run: raisesVfs },
];

const spec = data.replace("vfs: 2", "vfs: 12");
const offered = "cat /sys/bus/pci/devices/0000:01:00.[01]/sriov_totalvfs";

async function raisesVfs(guest: Guest, report: Report): Promise<void> {
  const did = async ({ command, exit = 0, shows = [] }: Step): Promise<void> => {
    const { code, output } = await say(guest, command);
    const missing = shows.filter((pattern) => !pattern.test(output));
    report(
      code === exit && missing.length === 0,
      command,
      `exit ${code}, not ${exit}; missing ${missing.join(", ")}:\n${output}`,
    );
  };
  await write(guest, "/etc/vflag/vflag.yaml", spec);
  await did({ command: offered, shows: [/^8\n8\n$/] });
  await did({
    command: "vflag verify",
    exit: 2,
    shows: [/does not work: enp1s0f0np0 .*0 VFs, and the NIC offers 8 at most/],
  });
  await did({ ...early, exit: 2, shows: [/raise NUM_OF_VFS .* to 12, then reboot/] });
  await write(guest, "/etc/vflag/vflag.yaml", `${spec}firmware: {}\n`);
  await did({ command: "vflag plan", exit: 2, shows: [/mstconfig .*NUM_OF_VFS=12/] });
  await did({ command: "vflag apply", exit: 2, shows: [/reboot/] });
  await did({ command: "mstconfig -d 0000:01:00.0 -e query", shows: [/NUM_OF_VFS +\S+ +8 +12/] });
  await did({ command: offered, shows: [/^8\n8\n$/] });
  await reboot(guest);
  await did({ command: offered, shows: [/^12\n12\n$/] });
  await did(early);
  await did({ command: "vflag verify", exit: 2, shows: [/bond0: it does not exist yet/] });
  await did({ command: "cat /sys/bus/pci/devices/0000:01:00.[01]/sriov_numvfs", shows: [/^12\n12\n$/] });
}
