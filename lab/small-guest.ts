import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { cached, contentsOf } from "./cache.ts";
import { mustRun } from "./exec.ts";
import type { Kernel } from "./kernel.ts";
import type { Tools } from "./tools.ts";

/**
 * A guest that is only an initial RAM disk: up in seconds, and enough for what the emulated card's own
 * scenarios do.
 */

const programs = ["ip", "tc", "bridge", "devlink", "ethtool", "ping", "tcpdump", "iperf3", "mstconfig"];

/** Of the kernel's modules, those for the card, its cables and what packets are steered with. */
const moduleFolders = [
  "arch",
  "crypto",
  "lib",
  "net",
  "virt",
  "drivers/net/ethernet/mellanox/mlx5",
  "drivers/net/ethernet/mellanox/mlxfw",
  "drivers/net/bonding",
  "drivers/net/vxlan",
  "drivers/virtio",
  "drivers/vfio",
  "drivers/iommu",
  "drivers/pci",
  "drivers/ptp",
  "drivers/pps",
  "drivers/infiniband/core",
  "drivers/infiniband/hw/mlx5",
];
const moduleFiles = [
  "drivers/net/virtio_net",
  "drivers/net/net_failover",
  "drivers/net/geneve",
  "drivers/net/veth",
];
const excluded = ["net/wireless", "net/mac80211", "net/bluetooth"];

/**
 * @param root the guests' root file system, of which programs are taken with their libraries @returns the
 * initial RAM disk's file
 */
export async function buildSmallGuest(root: string, kernel: Kernel, tools: Tools): Promise<string> {
  const init = join(import.meta.dirname, "small-guest");
  const folder = await cached(
    "small-guest",
    ["1", root, kernel.release, ...(await contentsOf(init))],
    async (into) => {
      const stage = join(into, "stage");
      for (const name of ["bin", "lib", "lib64", "proc", "sys", "dev", "tmp", "run", "etc"])
        await mkdir(join(stage, name), { recursive: true });
      await mkdir(join(stage, "usr/share"), { recursive: true });
      for (const name of ["sbin", "usr/bin", "usr/sbin"]) await symlink("/bin", join(stage, name));
      await copyPrograms(root, stage);
      await copyModules(kernel, stage, tools);
      await copyFile(join(init, "init.sh"), join(stage, "init"));
      await chmod(join(stage, "init"), 0o755);
      const names = await mustRun(["find", ".", "-print0"], { cwd: stage });
      const archive = [
        "cpio",
        "--create",
        "--null",
        "--quiet",
        "--format=newc",
        `--file=${join(into, "initrd")}`,
      ];
      await mustRun(archive, { cwd: stage, input: names, env: tools.env });
      await rm(stage, { recursive: true });
    },
  );
  return join(folder, "initrd");
}

async function copyPrograms(root: string, stage: string): Promise<void> {
  await copyFile(join(root, "usr/bin/busybox"), join(stage, "bin/busybox"));
  for (const name of programs) {
    const path = ["usr/bin", "usr/sbin", "bin", "sbin"]
      .map((folder) => join(root, folder, name))
      .find((file) => existsSync(file));
    if (path === undefined) throw new Error(`the guests' root file system has no ${name}`);
    await copyFile(path, join(stage, "bin", name));
    const inside = path.slice(root.length);
    const list = await mustRun(["chroot", root, "/lib64/ld-linux-x86-64.so.2", "--list", inside], {
      env: { LD_LIBRARY_PATH: "" },
    });
    for (const [, library = ""] of list.matchAll(/=> (\/\S+)/g))
      await copyFile(join(root, library), join(stage, "lib", basename(library)));
  }
  await copyFile(join(root, "lib64/ld-linux-x86-64.so.2"), join(stage, "lib64/ld-linux-x86-64.so.2"));
  // Its table of the firmware's parameters.
  await cp(join(root, "usr/share/mstflint"), join(stage, "usr/share/mstflint"), { recursive: true });
}

async function copyModules(kernel: Kernel, stage: string, tools: Tools): Promise<void> {
  const target = join(stage, "lib/modules", kernel.release);
  await mkdir(target, { recursive: true });
  for (const name of ["modules.order", "modules.builtin", "modules.builtin.modinfo"])
    await copyFile(join(kernel.modules, name), join(target, name));
  for (const name of moduleFolders) {
    const source = join(kernel.modules, "kernel", name);
    if (existsSync(source)) await cp(source, join(target, "kernel", name), { recursive: true });
  }
  for (const name of moduleFiles.flatMap((file) => [`${file}.ko`, `${file}.ko.xz`])) {
    const source = join(kernel.modules, "kernel", name);
    if (!existsSync(source)) continue;
    await mkdir(dirname(join(target, "kernel", name)), { recursive: true });
    await copyFile(source, join(target, "kernel", name));
  }
  for (const name of excluded) await rm(join(target, "kernel", name), { recursive: true, force: true });
  // busybox's modprobe reads no xz.
  const packed = (await mustRun(["find", target, "-name", "*.ko.xz"])).split("\n").filter(Boolean);
  if (packed.length > 0) await mustRun(["xz", "--decompress", ...packed], { env: tools.env });
  await mustRun(["depmod", "-b", stage, kernel.release], { env: tools.env });
}
