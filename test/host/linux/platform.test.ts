import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { parseKernelArguments } from "../../../src/host/actions/kernel-arguments.ts";
import {
  changeByGrubby,
  findBootLoader,
  parseGrubbyInfo,
  updateGrub,
} from "../../../src/host/linux/boot/boot-loader.ts";
import { parseGrubConfig } from "../../../src/host/linux/boot/grub-config.ts";
import { LinuxHost } from "../../../src/host/linux/host.ts";
import { biosSignsIn, findPlatform, parseCpuInfo } from "../../../src/host/linux/platform.ts";
import { ProgramError, type RunProgram } from "../../../src/host/linux/system/program.ts";
import { isUnknown, known } from "../../../src/host/state/observed.ts";
import { fakeKernel } from "./fake-kernel.ts";
import { makeTree, type Tree } from "./tree.ts";

const intel =
  "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vme vmx ssse3\n\nprocessor\t: 1\nvendor_id\t: GenuineIntel\nflags\t\t: fpu\n";
const grubMkconfig = '#!/bin/sh\nfor x in $sysconfdir/default/grub.d/*.cfg ; do . "$x"; done\n';
const grubCfg = `### BEGIN /etc/grub.d/10_linux ###
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple-5a1e' {
	linux	/boot/vmlinuz-6.1.0-21-amd64 root=UUID=5a1e ro console=ttyS0 dyndbg="file foo +p" intel_iommu=on $vt_handoff
	initrd	/boot/initrd.img
}
submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced-5a1e' {
	menuentry 'Debian, it\\''s (recovery mode)' $menuentry_id_option 'gnulinux-6.1.0-21-amd64-recovery-5a1e' {
		linux	/boot/vmlinuz-6.1.0-21-amd64 root=UUID=5a1e ro single
	}
}
### END /etc/grub.d/10_linux ###
### BEGIN /etc/grub.d/40_custom ###
menuentry "Memory test" {
	linux16 /boot/memtest86+.bin
}
### END /etc/grub.d/40_custom ###
`;
/** grub.cfg is written last: it is made of the others. */
const debian: Tree = {
  "usr/sbin": { "update-grub": "", "grub-mkconfig": grubMkconfig },
  "etc/default/grub.d/vflag.cfg": "",
  "boot/grub/grub.cfg": grubCfg,
};

describe("the platform of a host", () => {
  test("of an Intel host with Debian's GRUB", async (t) => {
    const platform = await look(t, {
      "proc/cpuinfo": intel,
      "proc/cmdline": "BOOT_IMAGE=/boot/vmlinuz ro intel_iommu=on\n",
      "sys/kernel/iommu_groups": { 0: {}, 1: {}, 12: {} },
      "sys/kernel/security/lockdown": "none [integrity] confidentiality\n",
      ...debian,
    });
    assert.deepEqual(platform.cpu, { vendor: "GenuineIntel", virtualization: "vmx" });
    assert.equal(platform.iommuGroups, 3);
    assert.deepEqual(platform.arguments, ["BOOT_IMAGE=/boot/vmlinuz", "ro", "intel_iommu=on"]);
    assert.equal(platform.lockdown, "integrity");
    assert.deepEqual(platform.bootLoader, {
      kind: "grub",
      outdated: false,
      entries: [
        {
          title: "Debian GNU/Linux",
          arguments: [
            "root=UUID=5a1e",
            "ro",
            "console=ttyS0",
            "dyndbg=file foo +p",
            "intel_iommu=on",
            "$vt_handoff",
          ],
        },
      ],
    });
  });

  test("what is not there is unknown, with its path; a kernel without lockdown is a fact", async (t) => {
    const platform = await look(t, {});
    for (const [value, path] of [
      [platform.cpu, "proc/cpuinfo"],
      [platform.iommuGroups, "sys/kernel/iommu_groups"],
      [platform.arguments, "proc/cmdline"],
      [platform.biosSigns, "kmsg"],
    ] as const)
      assert.ok(isUnknown(value) && value.unknown.includes(path), JSON.stringify(value));
    assert.equal(platform.lockdown, null);
    const loader = known(platform.bootLoader);
    assert.ok(loader?.kind === "unknown" && isUnknown(loader.entries));
  });

  test("a lockdown file in other words is not understood", async (t) => {
    const { lockdown } = await look(t, { "sys/kernel/security/lockdown": "none integrity\n" });
    assert.match(isUnknown(lockdown) ? lockdown.unknown : "", /not understood: none integrity/);
  });

  test("this machine's", async () => {
    const platform = await findPlatform({
      sysRoot: "/sys",
      procRoot: "/proc",
      devRoot: "/dev",
      filesRoot: "",
      run: noProgram,
    });
    const cmdline = execFileSync("cat", ["/proc/cmdline"], { encoding: "utf8" });
    assert.deepEqual(platform.arguments, parseKernelArguments(cmdline));
    assert.ok(!isUnknown(platform.cpu));
  });
});

test("processors: AMD, Intel with virtualization off, another architecture, nothing", () => {
  const amd = "processor : 0\nvendor_id : AuthenticAMD\nflags : fpu svm_lock svm\nbugs : none\n";
  assert.deepEqual(parseCpuInfo(amd), { vendor: "AuthenticAMD", virtualization: "svm" });
  assert.deepEqual(parseCpuInfo(intel.replaceAll(" vmx", " vmx_x")), {
    vendor: "GenuineIntel",
    virtualization: null,
  });
  assert.deepEqual(
    parseCpuInfo("processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n"),
    {
      vendor: null,
      virtualization: null,
    },
  );
  assert.ok(isUnknown(parseCpuInfo("\n")));
  assert.ok(isUnknown(parseCpuInfo("vendor_id : GenuineIntel\n")));
});

test("command lines are split as the kernel splits them", () => {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ["", []],
    ["  a  b=c\n", ["a", "b=c"]],
    ['dyndbg="file foo +p; module x" quiet', ["dyndbg=file foo +p; module x", "quiet"]],
    ['"a b=c d" e', ["a b=c d", "e"]],
    ['a="b', ["a=b"]],
    ['a=b"c d"e', ['a=b"c d"e']],
    ["quiet -- single intel_iommu=on", ["quiet"]],
    ["a=--", ["a=--"]],
    ['""', []],
  ];
  for (const [line, expected] of rows)
    assert.deepEqual(
      parseKernelArguments(line).filter((word) => word !== ""),
      expected,
      line,
    );
});

test("signs of the BIOS in the kernel log, of new kernels and old ones, each once", () => {
  const log = [
    "mlx5_core 0000:b0:00.0: not enough MMIO resources for SR-IOV",
    "mlx5_core 0000:b0:00.0: not enough MMIO resources for SR-IOV",
    "igb 0000:04:00.1: SR-IOV: bus number out of range",
    "ixgbe 0000:04:00.0: can't enable 63 VFs (bus 05 out of range of [bus 04])",
    "pci 10000:01:00.0: SR-IOV: IOV BARS not allocated",
    "evil 1;2: not enough MMIO resources for SR-IOV",
    "kvm: disabled by bios",
    "x86/cpu: SGX disabled by BIOS.",
    "i915 0000:00:02.0: out of range",
  ];
  assert.deepEqual(
    biosSignsIn(log).map(({ sign, device }) => [sign, device]),
    [
      ["mmio", "0000:b0:00.0"],
      ["bus-number", "0000:04:00.1"],
      ["bus-number", "0000:04:00.0"],
      ["mmio", "10000:01:00.0"],
      ["virtualization", null],
    ],
  );
  for (const text of [
    "kvm_intel: VMX not enabled (by BIOS) in MSR_IA32_FEAT_CTL on CPU 0",
    "kvm_amd: SVM disabled (by BIOS) in MSR_VM_CR on CPU 3",
    "x86/cpu: VMX (outside TXT) disabled by BIOS",
  ])
    assert.equal(biosSignsIn([text])[0]?.sign, "virtualization", text);
});

describe("boot loaders", () => {
  test("GRUB without Debian's drop-ins is none that vflag changes", async (t) => {
    const root = makeTree(t, {
      "usr/sbin": { "update-grub": "", "grub-mkconfig": "#!/bin/sh\n. /etc/default/grub\n" },
    });
    assert.equal(known(await findBootLoader(fakeKernel(root)))?.kind, "unknown");
  });

  test("GRUB's tools without GRUB are none, a grub.cfg that went lost is", async (t) => {
    const tools = { "usr/sbin": { "update-grub": "", "grub-mkconfig": grubMkconfig } };
    assert.equal(known(await findBootLoader(fakeKernel(makeTree(t, tools))))?.kind, "unknown");
    const lost = known(await findBootLoader(fakeKernel(makeTree(t, { ...tools, "boot/grub": {} }))));
    assert.ok(lost?.kind === "grub" && isUnknown(lost.entries));
  });

  test("systemd-boot is told by what started this boot, whatever else is installed", async (t) => {
    const root = makeTree(t, {
      ...debian,
      "boot/efi/loader/entries": {
        "a.conf": "title Debian\nlinux /6.1/linux\noptions root=UUID=1 ro\noptions  quiet\n",
        "b.conf": "title Shell\nefi /shell.efi\n",
        "c.txt": "",
      },
      "sys/firmware/efi/efivars": {
        "LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f": `\u0007\0\0\0${[..."systemd-boot 252"].map((letter) => `${letter}\0`).join("")}\0\0`,
      },
    });
    const loader = known(await findBootLoader(fakeKernel(root)));
    assert.equal(loader?.kind, "systemd-boot");
    assert.deepEqual(loader.entries, [{ title: "Debian", arguments: ["root=UUID=1", "ro", "quiet"] }]);
  });

  test("a grub.cfg that is older than the drop-in is outdated", async (t) => {
    const root = makeTree(t, debian);
    const outdated = async () => known(await findBootLoader(fakeKernel(root)))?.outdated;
    utimesSync(join(root, "boot/grub/grub.cfg"), 1000, 1000);
    assert.equal(await outdated(), true);
    utimesSync(join(root, "etc/default/grub.d/vflag.cfg"), 1001, 1001);
    assert.equal(await outdated(), false);
    utimesSync(join(root, "boot/grub/grub.cfg"), 1000.5, 1000.5);
    assert.equal(await outdated(), true);
  });

  test("grub.cfg: what cannot be read is not guessed", () => {
    for (const text of ["", "menuentry 'x' {\n}\n", "menuentry 'x' {\n\tlinux /vmlinuz a='b\n}\n"])
      assert.ok(isUnknown(parseGrubConfig(text)), text);
    const elsewhere =
      'menuentry "x \\"y\\"" { # a comment\n  linuxefi /vmlinuz a\\ b \'c d\'"e" f=#g ; initrd /i\n}\n';
    assert.deepEqual(parseGrubConfig(elsewhere), [{ title: 'x "y"', arguments: ["a b", "c de", "f=#g"] }]);
  });

  test("grubby, old and new", async (t) => {
    const modern =
      'index=0\nkernel="/boot/vmlinuz-5.14.0"\nargs="ro crashkernel=1G-4G:192M rhgb dyndbg="file foo +p" $tuned_params"\nroot="/dev/mapper/rhel-root"\ninitrd="/boot/initramfs"\ntitle="Red Hat Enterprise Linux (5.14.0)"\nid="5a1e-5.14.0"\n';
    const old =
      'boot=/dev/sda\nindex=0\nkernel=/boot/vmlinuz-3.10.0\nargs="ro quiet"\nroot=/dev/sda1\ntitle=CentOS Linux\nindex=1\nnon linux entry\n';
    assert.deepEqual(parseGrubbyInfo(modern), [
      {
        title: "Red Hat Enterprise Linux (5.14.0)",
        arguments: ["ro", "crashkernel=1G-4G:192M", "rhgb", "dyndbg=file foo +p", "$tuned_params"],
      },
    ]);
    assert.deepEqual(parseGrubbyInfo(old), [{ title: "CentOS Linux", arguments: ["ro", "quiet"] }]);
    assert.ok(isUnknown(parseGrubbyInfo("error: no such thing\n")));
    const root = makeTree(t, { "usr/sbin/grubby": "" });
    const answers: RunProgram = async (argv) => {
      assert.deepEqual(argv, ["grubby", "--info=ALL"]);
      return { stdout: modern, stderr: "", code: 0 };
    };
    assert.equal(known(await findBootLoader(fakeKernel(root, undefined, { run: answers })))?.kind, "grubby");
    const silent = known(await findBootLoader(fakeKernel(root)));
    assert.ok(silent?.kind === "grubby" && isUnknown(silent.entries));
  });

  test("arguments are changed by argument vectors, and only plain ones", async () => {
    const ran: (readonly string[])[] = [];
    const run: RunProgram = async (argv) => {
      ran.push(argv);
      return { stdout: "", stderr: "", code: 0 };
    };
    await updateGrub({ run });
    await changeByGrubby({ run }, ["intel_iommu=on", "iommu=pt"], ["iommu=off"]);
    await changeByGrubby({ run }, [], []);
    assert.deepEqual(ran, [
      ["update-grub"],
      ["grubby", "--update-kernel=ALL", "--remove-args=iommu=off", "--args=intel_iommu=on iommu=pt"],
    ]);
    await assert.rejects(changeByGrubby({ run }, ["a b"], []), { code: "EINVAL" });
    await assert.rejects(changeByGrubby({ run }, [], ["$(reboot)"]), { code: "EINVAL" });
    assert.equal(ran.length, 2);
    const failing: RunProgram = async () => ({
      stdout: "",
      stderr: "/usr/sbin/grub-probe: error: cannot find a device",
      code: 1,
    });
    await assert.rejects(updateGrub({ run: failing }), /update-grub: exit code 1: .*cannot find a device/);
  });
});

test("the real host changes the boot loader, and looks at it again only then", async (t) => {
  const root = makeTree(t, { "usr/sbin/grubby": "" });
  const ran: string[] = [];
  const line = () => (ran.some((argv) => argv.includes("--args=")) ? "ro iommu=pt" : "ro");
  const run: RunProgram = async (argv) => {
    ran.push(argv.join(" "));
    return {
      stdout: argv[1] === "--info=ALL" ? `index=0\nkernel="/vmlinuz"\nargs="${line()}"\n` : "",
      stderr: "",
      code: 0,
    };
  };
  using host = LinuxHost.open(fakeKernel(root, undefined, { run }));
  const next = async () => {
    const platform = known((await host.observe()).platform);
    const loader = platform === undefined ? undefined : known(platform.bootLoader);
    return known(loader?.entries ?? [])?.[0]?.arguments;
  };
  assert.deepEqual([await next(), await next()], [["ro"], ["ro"]]);
  await host.perform({ kind: "set-kernel-arguments", add: ["iommu=pt"], remove: [] });
  assert.deepEqual(await next(), ["ro", "iommu=pt"]);
  assert.deepEqual(
    ran.filter((argv) => argv.startsWith("grubby")),
    ["grubby --info=ALL", "grubby --update-kernel=ALL --args=iommu=pt", "grubby --info=ALL"],
  );
  await host.perform({ kind: "update-boot-loader" });
  assert.equal(ran.at(-1), "update-grub");
  await assert.rejects(host.perform({ kind: "set-kernel-arguments", add: ["a;b"], remove: [] }), {
    name: "ActionError",
    code: "EINVAL",
  });
});

const noProgram: RunProgram = (argv) =>
  Promise.reject(new ProgramError("ENOENT", `${argv.join(" ")}: no such program in this test`));

function look(t: TestContext, tree: Tree) {
  const root = makeTree(t, tree);
  return findPlatform(fakeKernel(root, undefined, { devRoot: join(root, "dev") }));
}
