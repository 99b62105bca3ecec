import { oneFile } from "./one-file.ts";
import { type Report, say } from "./operate.ts";
import type { Guest } from "./running.ts";
import type { Task } from "./task.ts";

/** The suites of test/ that need a kernel with such a NIC, run by the guest's own Node. */

/** What the simulated host and the real one must both do. */
export const conformance = (nic: Guest["nic"]): Task => ({
  title: `conformance ${nic}`,
  guest: { nic, cpus: 2 },
  run: conforms,
});

/**
 * devlink spoken to upstream code (netdevsim), and links of bonds: what the machine that runs `npm test` may
 * not have.
 */
export const netlink: Task = { title: "netlink", guest: { nic: "igb" }, run: speaksNetlink };

const node = "node --disable-warning=ExperimentalWarning --test --test-reporter=tap";

async function conforms(guest: Guest, report: Report): Promise<void> {
  const { code, output } = await say(
    guest,
    `VFLAG_NIC=${guest.nic} ${node} ${await oneFile(guest, "test/conformance/guest.ts")}`,
    900_000,
  );
  const results = [...output.matchAll(/^ {4}(not )?ok \d+ - (.*)$/gm)];
  // What this NIC cannot show is skipped by its name, and has shown nothing.
  const shown = results.filter(([, , title]) => !/ # SKIP\b/.test(title ?? ""));
  for (const [, not, title] of shown) report(not === undefined, title ?? "");
  report(code === 0 && shown.length > 10, "the suite ended well", output);
}

async function speaksNetlink(guest: Guest, report: Report): Promise<void> {
  const files = "test/netlink/netdevsim.test.ts test/netlink/rtnetlink/rtnetlink.test.ts";
  const { code, output } = await say(
    guest,
    `modprobe netdevsim; modprobe bonding max_bonds=0; cd /vflag && ${node} ${files}`,
  );
  report(code === 0 && !/# SKIP/.test(output), "devlink on netdevsim, bonds", output);
}
