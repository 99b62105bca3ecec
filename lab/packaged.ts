import { basename, join } from "node:path";
import { bundle } from "../scripts/bundle.ts";
import { makeDeb } from "../scripts/package/deb.ts";
import { sourceDateEpoch } from "../scripts/package/epoch.ts";
import { packagedFiles } from "../scripts/package/files.ts";
import { packageInfo } from "../scripts/package/package-info.ts";
import { makeProgram } from "../scripts/program.ts";
import { networks, switchUnit } from "./networks.ts";
import { mustDo, type Report, reboot, say, write } from "./operate.ts";
import type { Guest } from "./running.ts";
import type { Task } from "./task.ts";

/**
 * What an operator does on a new hypervisor: install the package, `vflag init`, `vflag apply`, reboot. VF-LAG
 * works then, without a hand. Then the package is removed, and after a reboot the host is as it was, file by
 * file.
 */
export const packaged: readonly Task[] = [
  { title: "the package", guest: { nic: "connectx", persist: true }, run: installAndRemove },
];

async function installAndRemove(guest: Guest, report: Report): Promise<void> {
  await hypervisor(guest);
  const before = await filesOf(guest);
  const deb = await makePackage(join(guest.access.folder, "share"));
  const did = async (command: string, exit = 0, shows = /(?:)/): Promise<void> => {
    const { code, output } = await say(guest, command);
    report(
      code === exit && shows.test(output),
      command,
      `exit ${code}, not ${exit}, or not ${shows}:\n${output}`,
    );
  };
  await did(`dpkg -i /mnt/share/${basename(deb)}`);
  await did("systemctl is-enabled vflag-early.service vflag-late.service", 1, /^disabled\ndisabled\n/);
  await did("vflag init --write", 0, /vflag\.yaml is written/);
  await did("vflag apply", 2, /networking makes it/);
  await reboot(guest);
  await did("vflag verify", 0, /nic0 {2}vf-lag {2}works/);
  await did("systemctl --failed --no-legend", 0, /^$/);
  await did("vflag plan", 0, /Nothing to do/);
  await did("dpkg --purge vflag; rm -r /etc/vflag");
  await reboot(guest);
  const after = await filesOf(guest);
  report(
    after === before,
    "without the package the host is as before, file by file",
    difference(before, after),
  );
  await did("cat /sys/bus/pci/devices/0000:01:00.?/sriov_numvfs", 0, /^0\n0\n$/);
}

/** The .deb, not compressed as it is shipped, which takes a minute. */
export async function makePackage(into: string): Promise<string> {
  const info = packageInfo(sourceDateEpoch());
  const program = makeProgram(await bundle(), join(into, "program"));
  return makeDeb(await packagedFiles(program, info), info, into, "zstd");
}

/** A hypervisor that vflag has never seen, with a bond that its networking makes at boot. */
export async function hypervisor(guest: Guest): Promise<void> {
  const network = networks.find(({ manager }) => manager === "ifupdown");
  if (network === undefined) throw new Error("there is no ifupdown among the networks");
  for (const [file, content] of Object.entries(network.files)) await write(guest, file, content);
  await write(guest, "/etc/systemd/system/switch.service", switchUnit(network));
  await mustDo(
    guest,
    `rm /usr/local/bin/vflag; systemctl enable --no-reload -q switch; systemctl mask --no-reload -q netplan-ovs-cleanup; ${network.enable}`,
  );
  await mustDo(guest, "ip link set peer0 up; ip link set peer1 up");
}

/**
 * Every file with its mode, owner, and content (in /usr, which packages alone write: size and time), but for
 * what systems write about themselves as they run.
 */
async function filesOf(guest: Guest): Promise<string> {
  const changing = [
    ...[
      "/var/log",
      "/var/cache",
      "/var/tmp",
      "/var/lib/dpkg",
      "/var/lib/apt",
      "/var/lib/systemd",
      "/var/lib/openvswitch",
      "/var/lib/dhcp",
    ],
    // podman, which nobody uses here, keeps what it saw of the boot.
    "/var/lib/containers",
    ...["/etc/openvswitch", "/root/.ssh", "/etc/mtab", "/etc/machine-id", "/etc/ld.so.cache"],
  ];
  const not = changing.map((path) => `-path ${path} -prune -o`).join(" ");
  const lists = [
    "find /usr -xdev ! -type d -printf '%p %m %U:%G %s %T@ %l\\n'",
    `find /etc /var /root /opt /srv -xdev ${not} ! -type d -printf '%p %m %U:%G %l\\n'`,
    `find /etc /var /root /opt /srv -xdev ${not} -type f -print0 | xargs -0 sha256sum`,
  ];
  return mustDo(guest, `{ ${lists.join("; ")}; } | sort`);
}

function difference(before: string, after: string): string {
  const [old, now] = [new Set(before.split("\n")), new Set(after.split("\n"))];
  const gone = [...old].filter((line) => !now.has(line)).map((line) => `- ${line}`);
  return [...gone, ...[...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`)]
    .slice(0, 60)
    .join("\n");
}
