import { existsSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ansibleCore, Workplace } from "../test/ansible/collection.ts";
import { startGuest, stopGuest } from "./guest.ts";
import { vfLagSpec } from "./hypervisor.ts";
import { mustDo, type Report } from "./operate.ts";
import { hypervisor, makePackage } from "./packaged.ts";
import type { Guest } from "./running.ts";
import type { Task } from "./task.ts";

/**
 * Two hypervisors by Ansible: their ports are in a bond already, so what the spec wants takes a reboot. The
 * role installs the package, applies, reboots both and waits, until both work. A second run changes nothing.
 */
export const ansible: readonly Task[] = [
  { title: "two hypervisors by Ansible", guest: { nic: "connectx", persist: true }, run: twoHypervisors },
];

async function twoHypervisors(first: Guest, report: Report): Promise<void> {
  if (!existsSync(ansibleCore[0])) {
    process.stdout.write(
      `       not run: ${ansibleCore[0]} is not there (apt-get install --no-install-recommends ${ansibleCore[1]})\n`,
    );
    return;
  }
  const second = await startGuest({
    nic: "connectx",
    persist: true,
    attended: true,
    cpus: 1,
    name: `${first.name}-b`,
  });
  const workplace = new Workplace();
  try {
    for (const guest of [first, second]) {
      await hypervisor(guest);
      await mustDo(guest, "ifup bond0");
    }
    const inventory = workplace.write(
      "inventory.json",
      inventoryOf([first, second], await makePackage(join(first.access.folder, "share"))),
    );
    // With a program for each part of a task, emulated guests would be busy for another minute.
    const play = (...words: string[]) =>
      workplace.run(
        ansibleCore[0],
        ["-i", inventory, "vflag.vflag.apply", ...words],
        { ANSIBLE_TIMEOUT: "120", ANSIBLE_PIPELINING: "true" },
        1_200_000,
      );

    const applied = await play();
    if (applied.status !== 0) throw new Error(`ansible-playbook vflag.vflag.apply: ${seen(applied.output)}`);
    const both = (what: RegExp) =>
      ["h1", "h2"].every((host) => new RegExp(`^${host} +: ${what.source}`, "m").test(applied.output));
    report(
      both(/ok=\d+ +changed=[1-9]/),
      "the first run installs, applies, reboots, and both work",
      seen(applied.output),
    );
    report(
      /h[12] needs a reboot/.test(applied.output),
      "it says why each of them needs a reboot",
      seen(applied.output),
    );
    for (const [name, guest] of [["h1", first] as const, ["h2", second] as const]) {
      const verified = await mustDo(guest, "vflag verify");
      report(/data {2}vf-lag {2}works/.test(verified), `${name}: vflag verify: works`, verified);
    }
    const again = await play();
    const unchanged = again.output.match(/^h[12] +: ok=\d+ +changed=0 +unreachable=0 +failed=0/gm) ?? [];
    report(
      again.status === 0 && unchanged.length === 2,
      "the second run changes nothing",
      seen(again.output),
    );
  } finally {
    workplace.remove();
    await stopGuest(second.name);
  }
}

/**
 * What Ansible said, with that first which tells why it failed: of a long play only the beginning may be
 * kept.
 */
function seen(output: string): string {
  const why = output.split("\n").filter((line) => /^(fatal|failed|\[ERROR\]|h[12] +:)/.test(line));
  return [...why, output].join("\n");
}

function inventoryOf(guests: readonly Guest[], deb: string): object {
  const hosts = guests.map((guest, index) => [
    `h${index + 1}`,
    { ansible_port: guest.access.sshPort, ansible_ssh_private_key_file: guest.access.privateKey },
  ]);
  const vars = {
    ansible_host: "127.0.0.1",
    ansible_user: "root",
    ansible_python_interpreter: "/usr/bin/python3",
    ansible_ssh_common_args: "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
    vflag: parse(vfLagSpec(2)),
    vflag_install: "file",
    vflag_package_file: deb,
    vflag_reboot: true,
    vflag_verify_timeout: 600,
  };
  return { compute: { hosts: Object.fromEntries(hosts), vars } };
}
