import { join } from "node:path";
import type { Build } from "./build.ts";
import { repository } from "./paths.ts";

/** Who owns the NIC's two ports: Debian's igb (mode sriov), or the stand-in for mlx5. */
export type Nic = "igb" | "mlx5";

/** How the processor is emulated. `auto`: the machine's own virtualization, where there is any. */
export type Acceleration = "auto" | "kvm" | "tcg";

export interface Machine {
  readonly name: string;
  readonly folder: string;
  readonly share: string;
  readonly sshPort: number;
  readonly nic: Nic;
  readonly cpus: number;
  /** MiB */
  readonly memory: number;
  readonly iommu: boolean;
  readonly acceleration: "kvm" | "tcg";
  /** A copy of the image that survives reboots; without it each start is fresh and a reboot ends it. */
  readonly disk: string | undefined;
  /** An ext4 image of the repository's node_modules. */
  readonly packages: string;
  /** More kernel arguments, e.g. `mlx5_core.esw_ms=1300`. */
  readonly append: readonly string[];
}

const blacklist: Readonly<Record<Nic, string>> = { igb: "mlx5_core", mlx5: "igb,igbvf" };

/** The MAC addresses that the guest's udev rules and the tests rely on. */
const managementMac = "52:54:00:00:00:01";
const portMac = (port: number): string => `02:00:00:00:1${port}:00`;
const peerMac = (port: number): string => `02:00:00:00:2${port}:00`;

export function qemuArguments(build: Build, machine: Machine): string[] {
  const { tools, image } = build;
  const qemu = (path: string): string => join(tools.root, "usr", path);
  const kvm = machine.acceleration === "kvm";
  return [
    qemu("bin/qemu-system-x86_64"),
    ...["-L", qemu("share/qemu"), "-L", qemu("share/seabios"), "-L", qemu("lib/ipxe/qemu")],
    ...["-name", `vflag-lab-${machine.name}`, "-nodefaults", "-display", "none"],
    ...["-machine", `q35,kernel-irqchip=${kvm ? "split" : "off"}`],
    ...["-accel", kvm ? "kvm" : "tcg,thread=multi,tb-size=512", "-cpu", kvm ? "host,-arch-capabilities" : "max"],
    ...["-smp", String(machine.cpus), "-m", String(machine.memory)],
    ...(machine.disk === undefined ? ["-no-reboot"] : []),
    ...["-kernel", image.kernel, "-initrd", image.initrd, "-append", kernelArguments(machine)],
    ...["-serial", "file:console.log", "-monitor", "unix:monitor,server,nowait", "-pidfile", "qemu.pid"],
    ...(machine.iommu ? ["-device", "intel-iommu,intremap=on,caching-mode=on,device-iotlb=on"] : []),
    ...drive("root", machine.disk ?? image.disk, machine.disk === undefined ? "snapshot=on" : "cache=unsafe"),
    ...drive("packages", machine.packages, "readonly=on"),
    ...["-netdev", `user,id=management,hostfwd=tcp:127.0.0.1:${machine.sshPort}-:22`],
    ...["-device", `virtio-net-pci,netdev=management,mac=${managementMac},romfile=`],
    ...["-object", "rng-random,id=random,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=random"],
    ...folder("repository", repository, ",readonly=on"),
    ...folder("share", machine.share, ""),
    ...nicPorts(machine.nic),
  ];
}

function kernelArguments(machine: Machine): string {
  return [
    "console=ttyS0",
    "root=/dev/vda",
    "rw",
    "quiet",
    `modprobe.blacklist=${blacklist[machine.nic]}`,
    ...(machine.iommu ? ["intel_iommu=on", "iommu=pt"] : []),
    ...machine.append,
  ].join(" ");
}

function drive(id: string, file: string, option: string): string[] {
  return ["-drive", `file=${file},format=raw,if=none,id=${id},${option}`, "-device", `virtio-blk-pci,drive=${id}`];
}

function folder(tag: string, path: string, option: string): string[] {
  const backend = `local,id=${tag},path=${path},security_model=none,multidevs=remap${option}`;
  return ["-fsdev", backend, "-device", `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`];
}

/**
 * Two igb functions in one slot (which takes ARI on function 0). With igb, each port's cable leads to
 * a virtio device of the same guest; the stand-in has cables of its own.
 */
function nicPorts(nic: Nic): string[] {
  const port = (index: number): string[] => {
    const first = index === 0 ? ",multifunction=on,x-pcie-ari-nextfn-1=on" : "";
    return [
      ...["-netdev", `hubport,id=port${index},hubid=1${index}`],
      ...["-device", `igb,bus=slot1,addr=0.${index}${first},netdev=port${index},mac=${portMac(index)}`],
    ];
  };
  const peer = (index: number): string[] => [
    ...["-netdev", `hubport,id=peer${index},hubid=1${index}`],
    ...["-device", `virtio-net-pci,netdev=peer${index},mac=${peerMac(index)},romfile=`],
  ];
  return [
    ...["-device", "pcie-root-port,id=slot1,chassis=1,slot=1"],
    ...port(0),
    ...port(1),
    ...(nic === "igb" ? [...peer(0), ...peer(1)] : []),
  ];
}
