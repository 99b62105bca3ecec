import { mustDo, say } from "./operate.ts";
import type { Guest } from "./running.ts";

/**
 * A change of eSwitch mode that the driver broke off because its caller was killed: whoever is to die gets no
 * kernel thread (linux kernel/kthread.c, __kthread_create_on_node()). Then a port has lost its netdev, or
 * keeps the inline mode of the attempt, and only a reboot helps.
 */
export interface BrokenOff {
  /** How the kernel shows it; null where it shows nothing of the kind. */
  readonly shown: string | null;
  /** Whether `vflag verify` says that a reboot is needed. */
  readonly told: boolean;
  /** What verify said, and the kernel. */
  readonly details: string;
}

export async function brokenOff(guest: Guest): Promise<BrokenOff> {
  const log = await mustDo(guest, "dmesg");
  const modes = await mustDo(
    guest,
    "devlink dev eswitch show pci/0000:01:00.0; devlink dev eswitch show pci/0000:01:00.1",
  );
  const [shown = null] =
    /failed to rollback to orig profile/.exec(log) ?? /inline-mode link/.exec(modes) ?? [];
  const { output } = await say(guest, "vflag verify");
  return { shown, told: /do +reboot: the driver/.test(output), details: `${output}${modes}${log}` };
}
