import { setTimeout as sleep } from "node:timers/promises";
import { type Guest, isOn } from "./running.ts";
import { runInGuest, waitForSsh } from "./ssh.ts";

/** What the tests do with a guest: commands, files, reboots, and telling what came of it. */

/** Tells of one thing that was looked at: `ok`, and otherwise what was seen. */
export type Report = (ok: boolean, what: string, details?: string) => void;

export interface Said {
  readonly code: number;
  /** stdout and stderr, as on a terminal. */
  readonly output: string;
}

/** Runs a line in the guest's shell, whatever comes of it. */
export async function say(guest: Guest, command: string, timeout = 300_000): Promise<Said> {
  const { code, stdout, stderr } = await runInGuest(guest.access, [`{ ${command}\n} 2>&1`], { timeout });
  return { code, output: `${stdout}${stderr}` };
}

/** Runs a line that must succeed, and returns what it said. */
export async function mustDo(guest: Guest, command: string): Promise<string> {
  const { code, output } = await say(guest, command);
  if (code !== 0) throw new Error(`${command}: exit code ${code}\n${output}`);
  return output;
}

/** Writes a file in the guest, with the folders above it. */
export async function write(guest: Guest, file: string, content: string): Promise<void> {
  await mustDo(guest, `mkdir -p $(dirname ${file}); cat > ${file} <<'END'\n${content}END`);
}

/** Reboots a guest that has a disk of its own, and waits until systemd has started everything. */
export async function reboot(guest: Guest): Promise<void> {
  const before = await mustDo(guest, "cat /proc/sys/kernel/random/boot_id");
  await say(guest, "systemctl reboot");
  for (let tries = 0; tries < 150; tries++) {
    await sleep(1000);
    await waitForSsh(guest.access.sshPort, () => isOn(guest), 600_000);
    const { code, output } = await say(guest, "cat /proc/sys/kernel/random/boot_id");
    if (code === 0 && output.trim() !== before.trim()) {
      await say(guest, "systemctl is-system-running --wait");
      return;
    }
  }
  throw new Error(`${guest.name} did not reboot`);
}
