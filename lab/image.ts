import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { cached, contentsOf } from "./cache.ts";
import { mustRun, run } from "./exec.ts";
import type { Kernel } from "./kernel.ts";
import type { Tools } from "./tools.ts";

/** What QEMU boots. */
export interface Image {
  readonly folder: string;
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** Of the kernel's modules, those that a hypervisor's network, PCI and virtual machines need. */
const moduleFolders = [
  "arch",
  "crypto",
  "lib",
  "virt",
  "net",
  "fs/ext4",
  "fs/jbd2",
  "fs/9p",
  "fs/netfs",
  "fs/fscache",
  "fs/overlayfs",
  "fs/fuse",
  "fs/autofs",
  "fs/configfs",
  "drivers/virtio",
  "drivers/block",
  "drivers/net",
  "drivers/vfio",
  "drivers/pci",
  "drivers/nvme",
  "drivers/i2c",
  "drivers/dca",
  "drivers/ptp",
  "drivers/pps",
  "drivers/char",
  "drivers/iommu",
  "drivers/vdpa",
  "drivers/vhost",
  "drivers/infiniband/core",
  "drivers/infiniband/hw/mlx5",
  "drivers/mfd",
  "drivers/hwmon",
];
const excluded = ["drivers/net/wireless", "net/wireless", "net/mac80211", "net/bluetooth"];

/**
 * 9p too: where udev loads its transport while fstab is being mounted, the mount may find "no channels
 * available".
 */
const initrdModules = ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4", "9pnet_virtio", "9p"];
/** Since Linux 6.14 a part of the kernel's own library. */
const goneFromNewer = ["crc32c_generic"];

export interface Ingredients {
  readonly root: string;
  readonly kernel: Kernel;
  readonly netdevsim: string | undefined;
  readonly publicKey: string;
  readonly tools: Tools;
}

export async function buildImage(from: Ingredients): Promise<Image> {
  const scripts = await contentsOf(join(import.meta.dirname, "guest"));
  const inputs = [
    "7",
    process.version,
    from.root,
    from.kernel.release,
    from.netdevsim ?? "",
    from.publicKey,
    ...scripts,
  ];
  const folder = await cached("image", inputs, async (into) => {
    const stage = join(into, "stage");
    // Links, not copies: what is added below are new files, what is replaced is written anew.
    await mustRun(["cp", "-a", "--link", from.root, stage]);
    await installModules(stage, from);
    await setUp(stage, from.publicKey);
    // The Node that runs this: the guest's is the same release of Debian.
    await copyFile(process.execPath, join(stage, "usr/local/bin/node"));
    await chmod(join(stage, "usr/local/bin/node"), 0o755);
    await copyFile(from.kernel.vmlinuz, join(into, "vmlinuz"));
    await buildInitrd(stage, from, join(into, "initrd"));
    const disk = join(into, "root.ext4");
    await mustRun(["truncate", "-s", "3G", disk]);
    await mustRun(["mke2fs", "-q", "-t", "ext4", "-L", "lab", "-d", stage, disk], { env: from.tools.env });
    await rm(stage, { recursive: true });
  });
  return {
    folder,
    disk: join(folder, "root.ext4"),
    kernel: join(folder, "vmlinuz"),
    initrd: join(folder, "initrd"),
  };
}

async function installModules(stage: string, { kernel, netdevsim, tools }: Ingredients): Promise<void> {
  const target = join(stage, "usr/lib/modules", kernel.release);
  for (const name of ["modules.order", "modules.builtin", "modules.builtin.modinfo"]) {
    await mkdir(target, { recursive: true });
    await copyFile(join(kernel.modules, name), join(target, name));
  }
  for (const name of moduleFolders) {
    const source = join(kernel.modules, "kernel", name);
    if (existsSync(source)) await cp(source, join(target, "kernel", name), { recursive: true });
  }
  const single = ["fs/mbcache.ko.xz", "fs/mbcache.ko", "fs/binfmt_misc.ko.xz", "fs/binfmt_misc.ko"];
  for (const name of single.filter((file) => existsSync(join(kernel.modules, "kernel", file)))) {
    await copyFile(join(kernel.modules, "kernel", name), join(target, "kernel", name));
  }
  for (const name of excluded) await rm(join(target, "kernel", name), { recursive: true, force: true });
  if (netdevsim !== undefined) {
    await mkdir(join(target, "updates"), { recursive: true });
    await copyFile(netdevsim, join(target, "updates", basename(netdevsim)));
  }
  await mustRun(["depmod", "-b", stage, kernel.release], { env: tools.env });
}

async function setUp(stage: string, publicKey: string): Promise<void> {
  const script = join(stage, "lab-setup.sh");
  await copyFile(join(import.meta.dirname, "guest/setup.sh"), script);
  // Files that setup.sh rewrites in place must not be links to the cached root's.
  for (const name of [
    "etc/hostname",
    "etc/hosts",
    "etc/fstab",
    "etc/environment",
    "etc/network/interfaces",
  ]) {
    await rm(join(stage, name), { force: true });
  }
  const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LD_LIBRARY_PATH: "", LC_ALL: "C" };
  await mustRun(["chroot", stage, "/bin/sh", "/lab-setup.sh", publicKey], { env: environment });
  await rm(script);
}

async function buildInitrd(stage: string, { kernel, tools }: Ingredients, target: string): Promise<void> {
  const folder = `${target}.d`;
  for (const name of ["bin", "proc", "sys", "dev", "mnt", "lib"])
    await mkdir(join(folder, name), { recursive: true });
  await copyFile(join(stage, "usr/bin/busybox"), join(folder, "bin/busybox"));
  await copyFile(join(import.meta.dirname, "guest/init.sh"), join(folder, "init"));
  await chmod(join(folder, "init"), 0o755);
  const order: string[] = [];
  for (const module of initrdModules) {
    for (const file of await dependencies(stage, kernel.release, module, tools)) {
      const name = basename(file).replace(/\.xz$/, "");
      if (order.includes(`/lib/${name}`)) continue;
      order.push(`/lib/${name}`);
      await copyFile(file, join(folder, "lib", basename(file)));
      if (file.endsWith(".xz"))
        await mustRun(["xz", "-d", join(folder, "lib", basename(file))], { env: tools.env });
    }
  }
  await writeFile(join(folder, "modules"), `${order.join("\n")}\n`);
  const names = await mustRun(["find", ".", "-print0"], { cwd: folder });
  const archive = ["cpio", "--create", "--null", "--quiet", "--format=newc", `--file=${target}`];
  await mustRun(archive, { cwd: folder, input: names, env: tools.env });
  await rm(folder, { recursive: true });
}

/** The files to load for a module, in order; none for one that is built in. */
async function dependencies(stage: string, release: string, module: string, tools: Tools): Promise<string[]> {
  const argv = ["modprobe", "-d", stage, "-S", release, "--show-depends", module];
  const said = await run(argv, { env: tools.env, cwd: dirname(stage) });
  if (said.code !== 0 && goneFromNewer.includes(module)) return [];
  if (said.code !== 0) throw new Error(`${argv.join(" ")}: exit code ${said.code}\n${said.stderr}`);
  const lines = said.stdout.split("\n");
  return lines.flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []);
}
