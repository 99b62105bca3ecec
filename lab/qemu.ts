import { join } from "node:path";
import type { Build } from "./build.ts";
import { type Cards, cardArguments, type Nic } from "./cards.ts";

/** How the processor is emulated. `auto`: the machine's own virtualization, where there is any. */
export type Acceleration = "auto" | "kvm" | "tcg";

export interface Machine extends Cards {
  readonly name: string;
  readonly folder: string;
  readonly share: string;
  /** The folder that the guest sees at /vflag. */
  readonly repository: string;
  readonly sshPort: number;
  readonly cpus: number;
  /** MiB */
  readonly memory: number;
  readonly iommu: boolean;
  readonly acceleration: "kvm" | "tcg";
  /** The root file system. */
  readonly disk: string;
  /**
   * Write to the disk itself, which then survives reboots; otherwise each start is fresh and a reboot ends
   * it.
   */
  readonly keepDisk: boolean;
  /** It ends when it reboots: who started it starts it anew. */
  readonly attended: boolean;
  /** A file that is the guest's memory. */
  readonly memoryFile?: { readonly path: string; readonly write: boolean };
  /** The devices' state to go on from, instead of booting. */
  readonly state?: string;
  /** An ext4 image of the repository's node_modules. */
  readonly packages: string;
  /** An ext4 image with the shipped program. */
  readonly program: string;
  /** More kernel arguments, e.g. `mlx5_core.debug_mask=1`. */
  readonly append: readonly string[];
  /** Milliseconds to wait for ssh. */
  readonly timeout: number;
}

/**
 * RDMA devices take a quarter of a VF's probe, and are of use to few tests: these load mlx5_ib themselves.
 */
const blacklist: Readonly<Record<Nic, string>> = { igb: "mlx5_core", connectx: "igb,igbvf,mlx5_ib" };

/** The MAC address that the guest's udev rules rely on. */
const managementMac = "52:54:00:00:00:01";

export function qemuArguments(build: Build, machine: Machine): string[] {
  const { tools, image } = build;
  const { memoryFile } = machine;
  const qemu = (path: string): string => join(tools.root, "usr", path);
  const kvm = machine.acceleration === "kvm";
  return [
    qemu("bin/qemu-system-x86_64"),
    ...["-L", qemu("share/qemu"), "-L", qemu("share/seabios"), "-L", qemu("lib/ipxe/qemu")],
    ...["-name", `vflag-lab-${machine.name}`, "-nodefaults", "-display", "none"],
    ...[
      "-machine",
      `q35,kernel-irqchip=${kvm ? "split" : "off"}${memoryFile === undefined ? "" : ",memory-backend=memory"}`,
    ],
    // What more a processor can do (AVX, five levels of pages, SMAP) is more work to emulate: figures in
    // README.md.
    ...[
      "-accel",
      kvm ? "kvm" : "tcg,thread=multi,tb-size=512",
      "-cpu",
      kvm ? "host,-arch-capabilities" : "qemu64",
    ],
    ...["-smp", String(machine.cpus), "-m", String(machine.memory)],
    ...(memoryFile === undefined ? [] : memoryBackend(machine.memory, memoryFile)),
    ...(machine.state === undefined ? [] : ["-incoming", "defer"]),
    ...(machine.keepDisk && !machine.attended ? [] : ["-no-reboot"]),
    ...["-kernel", image.kernel, "-initrd", image.initrd, "-append", kernelArguments(machine)],
    ...["-serial", "file:console.log", "-monitor", "unix:monitor,server,nowait", "-pidfile", "qemu.pid"],
    ...(machine.iommu ? ["-device", "intel-iommu,intremap=on,caching-mode=on,device-iotlb=on"] : []),
    ...drive("root", machine.disk, machine.keepDisk ? "cache=unsafe" : "snapshot=on"),
    ...drive("packages", machine.packages, "readonly=on"),
    ...drive("program", machine.program, "readonly=on"),
    ...["-netdev", `user,id=management,hostfwd=tcp:127.0.0.1:${machine.sshPort}-:22`],
    ...["-device", `virtio-net-pci,netdev=management,mac=${managementMac},romfile=`],
    // Gives the kernel's random numbers a new seed when a snapshot is restored.
    ...["-device", "vmgenid,guid=auto"],
    ...["-object", "rng-random,id=random,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=random"],
    ...folder("repository", machine.repository, ",readonly=on"),
    ...folder("share", machine.share, ""),
    ...cardArguments(machine),
  ];
}

/**
 * A guest that goes on from a snapshot maps its memory privately: pages are read when touched, and shared
 * until changed.
 */
function memoryBackend(size: number, { path, write }: { path: string; write: boolean }): string[] {
  const backend = `memory-backend-file,id=memory,size=${size}M,mem-path=${path},share=${write ? "on" : "off"}`;
  return ["-object", backend];
}

function kernelArguments(machine: Machine): string {
  return [
    "console=ttyS0",
    "root=/dev/vda",
    "rw",
    "quiet",
    // Under emulation on a busy machine the kernel may find that "timer doesn't work" and stop: seen once in
    // some fifty boots.
    "no_timer_check",
    // Its emulated timers lose a shot now and then (the kernel then says "Possible timer handling issue"). A
    // processor that waits for one shot waits for ever; one with a tick has the next. And an emulator does
    // not speculate.
    ...(machine.acceleration === "tcg" ? ["nohz=off", "highres=off", "mitigations=off"] : []),
    `modprobe.blacklist=${blacklist[machine.nic]}`,
    ...(machine.iommu ? ["intel_iommu=on", "iommu=pt"] : []),
    ...machine.append,
  ].join(" ");
}

function drive(id: string, file: string, option: string): string[] {
  return [
    "-drive",
    `file=${file},format=raw,if=none,id=${id},${option}`,
    "-device",
    `virtio-blk-pci,drive=${id}`,
  ];
}

function folder(tag: string, path: string, option: string): string[] {
  const backend = `local,id=${tag},path=${path},security_model=none,multidevs=remap${option}`;
  return ["-fsdev", backend, "-device", `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`];
}
