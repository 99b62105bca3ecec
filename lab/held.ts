import { brokenOff } from "./broken-off.ts";
import { dockerLike, installUnits, vfLagSpec } from "./hypervisor.ts";
import { mustDo, type Report, say, write } from "./operate.ts";
import { doOutside } from "./outside.ts";
import type { Guest } from "./running.ts";
import type { Task } from "./task.ts";

/**
 * udev waits while the early unit is at work; killed in the middle of it, systemd tells udev to go on, and
 * the unit can be started again.
 */
export const held: readonly Task[] = [
  { title: "udev waits", guest: { nic: "connectx" }, run: killedMeanwhile },
];

/** Something for udev to do; exit code 1 when it does not. */
const asked = (seconds: number) =>
  `udevadm trigger --action=change /sys/class/net/lo && udevadm settle --timeout=${seconds}`;

async function killedMeanwhile(guest: Guest, report: Report): Promise<void> {
  await write(guest, "/etc/vflag/vflag.yaml", vfLagSpec(2));
  await write(guest, "/etc/systemd/system/docker.service", dockerLike("true"));
  await installUnits(guest);
  await mustDo(guest, "systemctl daemon-reload");
  const before = await say(guest, asked(60));
  report(before.code === 0, "udev does what it is asked for before", before.output);
  await doOutside(guest, { fault: "delay CREATE_FLOW_TABLE@pf 400" });
  await mustDo(guest, "systemctl start --no-block vflag-early");
  await mustDo(
    guest,
    "for try in $(seq 300); do grep -q set-eswitch-mode /var/lib/vflag/journal.jsonl && exit 0; sleep 0.2; done; exit 1",
  );
  const meanwhile = await say(guest, asked(2));
  report(meanwhile.code === 1, "it waits while the eSwitches change their modes", meanwhile.output);
  await mustDo(guest, "systemctl kill --signal=KILL vflag-early");
  const after = await say(guest, asked(60));
  report(after.code === 0, "it goes on when vflag has been killed", after.output);
  const result = await mustDo(guest, "systemctl show --property=Result vflag-early");
  report(result.trim() === "Result=signal", "the unit says that it was killed", result);
  await doOutside(guest, { fault: "clear" });
  await mustDo(guest, "systemctl reset-failed vflag-early");
  const again = await say(guest, "systemctl start vflag-early; journalctl -b -u vflag-early -o cat");
  const { shown, told, details } = await brokenOff(guest);
  if (shown !== null) {
    report(
      told,
      `the driver broke the change off as vflag was killed (${shown}); vflag leaves it alone and says so`,
      details,
    );
  } else {
    const modes = await mustDo(
      guest,
      "devlink dev eswitch show pci/0000:01:00.0; devlink dev eswitch show pci/0000:01:00.1",
    );
    report(
      modes.match(/mode switchdev/g)?.length === 2,
      "started again, it goes to its end",
      `${again.output}${details}`,
    );
  }
  const then = await say(guest, asked(60));
  report(then.code === 0, "and udev goes on after it", then.output);
}
