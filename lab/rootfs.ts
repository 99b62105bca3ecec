import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { backports, type PrivateApt, suite } from "./apt.ts";
import { cached } from "./cache.ts";
import { mustRun } from "./exec.ts";
import { cache } from "./paths.ts";
import type { Tools } from "./tools.ts";

const packages = [
  "systemd",
  "systemd-sysv",
  "udev",
  "dbus",
  "kmod",
  "procps",
  "psmisc",
  "busybox-static",
  "bsdutils",
  "less",
  `iproute2/${backports}`,
  "ethtool",
  "pciutils",
  "mstflint",
  "ifupdown",
  "ifenslave",
  "iputils-ping",
  "openssh-server",
  "openvswitch-switch",
  "podman",
  "crun",
  "jq",
  "strace",
  "libatomic1",
  "libstdc++6",
  "tcpdump",
  "iperf3",
  "network-manager",
  "netplan.io",
  // Ansible installs packages through it.
  "python3-apt",
];

/** A Debian root file system as mmdebstrap leaves it. */
export function buildRoot(apt: PrivateApt, tools: Tools): Promise<string> {
  return cached("root", ["4", ...packages], async (folder) => {
    await mustRun(
      [
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        "--skip=check/empty",
        "--format=directory",
        `--include=${packages.join(",")}`,
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=APT::Sandbox::User "root"',
        suite,
        folder,
        apt.sources,
      ],
      { env: tools.env },
    );
    // Not by dpkg's path-exclude: for that, mmdebstrap needs a Python.
    for (const name of ["doc", "man", "locale"])
      await rm(join(folder, "usr/share", name), { recursive: true, force: true });
  });
}

/** The key that opens every guest of this cache. Made once, never leaves the cache. */
export async function sshKey(tools: Tools): Promise<{ private: string; public: string }> {
  const file = join(cache, "key", "id_ed25519");
  if (!existsSync(file)) {
    await mkdir(join(cache, "key"), { recursive: true, mode: 0o700 });
    await mustRun(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "vflag-lab", "-f", file], {
      env: tools.env,
    });
  }
  return { private: file, public: (await readFile(`${file}.pub`, "utf8")).trim() };
}
