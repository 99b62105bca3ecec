import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import fc from "fast-check";
import { grubDropIn } from "../../src/boot/grub.ts";
import { isPlainArgument, parseKernelArguments } from "../../src/host/actions/kernel-arguments.ts";
import { parseGrubConfig } from "../../src/host/linux/boot/grub-config.ts";
import { isUnknown } from "../../src/host/state/observed.ts";

/** The drop-in, read by those who will read it: a shell, and Debian's own grub-mkconfig. */

const wanted = [
  ["intel_iommu=on"],
  ["iommu=pt"],
  ["default_hugepagesz=1G"],
  ["hugepagesz=1G", "hugepages=16"],
  ["processor.max_cstate=1"],
  ["pci=realloc,assign-busses"],
];
const noGrub =
  existsSync("/usr/sbin/grub-mkconfig") && process.getuid?.() === 0 && canUnshare()
    ? false
    : "needs root, grub2-common and unshare";

describe("the drop-in of GRUB", () => {
  test("it is the golden file", () => {
    assert.equal(grubDropIn(wanted), readFileSync(join(import.meta.dirname, "golden/vflag.cfg"), "utf8"));
  });

  test("it appends what is not there, repeats nothing, and keeps what is there", (t) => {
    const rows: readonly (readonly [file: string, line: string])[] = [
      [
        "",
        "intel_iommu=on iommu=pt default_hugepagesz=1G hugepagesz=1G hugepages=16 processor.max_cstate=1 pci=realloc,assign-busses",
      ],
      [
        'GRUB_CMDLINE_LINUX="console=ttyS0 iommu=pt"',
        "console=ttyS0 iommu=pt intel_iommu=on default_hugepagesz=1G hugepagesz=1G hugepages=16 processor.max_cstate=1 pci=realloc,assign-busses",
      ],
      [
        'GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=on"',
        "iommu=pt default_hugepagesz=1G hugepagesz=1G hugepages=16 processor.max_cstate=1 pci=realloc,assign-busses",
      ],
      [
        // The same number of pages of another size is another thing; and so is an argument that begins alike.
        'GRUB_CMDLINE_LINUX="hugepagesz=2M hugepages=16 iommu=ptx xintel_iommu=on"',
        "hugepagesz=2M hugepages=16 iommu=ptx xintel_iommu=on intel_iommu=on iommu=pt default_hugepagesz=1G hugepagesz=1G hugepages=16 processor.max_cstate=1 pci=realloc,assign-busses",
      ],
      [
        `GRUB_CMDLINE_LINUX="dyndbg=\\"file foo +p\\" a='b c' *"`,
        `dyndbg="file foo +p" a='b c' * intel_iommu=on iommu=pt default_hugepagesz=1G hugepagesz=1G hugepages=16 processor.max_cstate=1 pci=realloc,assign-busses`,
      ],
    ];
    for (const [file, line] of rows) assert.equal(sourced(t, file, grubDropIn(wanted)), line, file);
  });

  test("without arguments it changes nothing", (t) => {
    assert.equal(sourced(t, 'GRUB_CMDLINE_LINUX="quiet  iommu=pt"', grubDropIn([])), "quiet  iommu=pt");
  });

  test("read twice it adds nothing more", (t) => {
    const once = sourced(t, 'GRUB_CMDLINE_LINUX="quiet"', grubDropIn(wanted));
    assert.equal(sourced(t, 'GRUB_CMDLINE_LINUX="quiet"', grubDropIn(wanted) + grubDropIn(wanted)), once);
  });

  test("nothing that means something to a shell, to GRUB or to the kernel's quoting gets in", () => {
    const strange = [
      "",
      " ",
      "a b",
      'a="b"',
      "a='b'",
      "$(reboot)",
      "`reboot`",
      "a=$HOME",
      "a;reboot",
      "a\nb",
      "a\\",
      "a=b|c",
      "a&",
      "#a",
      "a=*",
      "--",
      "-x",
      "ä",
      "a=b#c",
      "{",
      "!x",
      `a=${"b".repeat(300)}`,
    ];
    for (const argument of strange) {
      assert.equal(isPlainArgument(argument), false, argument);
      assert.throws(() => grubDropIn([[argument]]), /no plain kernel argument/);
    }
    for (const argument of [
      "quiet",
      "iommu=pt",
      "console=ttyS0,115200n8",
      "vfio-pci.ids=15b3:1017,8086:1572",
      "isolcpus=2-15",
      "a=",
      "resume=/dev/vg/swap",
      "x=50%",
    ])
      assert.equal(isPlainArgument(argument), true, argument);
  });

  test("whatever plain arguments there are, a shell appends just them", (t) => {
    const name = fc.stringMatching(/^[a-z_][a-z0-9_.-]{0,8}$/);
    const value = fc.stringMatching(/^[A-Za-z0-9_.,:@/+=%-]{0,8}$/);
    const argument = fc.oneof(
      name,
      fc.tuple(name, value).map((parts) => parts.join("=")),
    );
    const lists = fc.uniqueArray(argument, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(lists, (list) => {
        const line = sourced(
          t,
          'GRUB_CMDLINE_LINUX="root=/dev/sda1 Q"',
          grubDropIn(list.map((one) => [one])),
        );
        assert.deepEqual(parseKernelArguments(line), ["root=/dev/sda1", "Q", ...list]);
      }),
      { numRuns: 40 },
    );
  });
});

describe("Debian's grub-mkconfig", { skip: noGrub }, () => {
  test("puts the arguments into every entry, and what it writes is understood", (t) => {
    const entries = made(
      t,
      'GRUB_CMDLINE_LINUX="console=ttyS0 iommu=pt dyndbg=\\"file foo +p\\""\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\n',
      grubDropIn(wanted),
    );
    assert.deepEqual(
      entries.map(({ title }) => title.replace(/^.*Linux/, "Linux")),
      ["Linux", "Linux 6.1.0-21-amd64", "Linux 6.1.0-18-amd64"],
    );
    for (const entry of entries)
      assert.equal(
        entry.arguments.slice(2).join("|"),
        "console=ttyS0|iommu=pt|dyndbg=file foo +p|intel_iommu=on|default_hugepagesz=1G|hugepagesz=1G|hugepages=16|processor.max_cstate=1|pci=realloc,assign-busses|quiet",
      );
  });

  test("writes the same without the drop-in and with one that adds nothing", (t) => {
    const own = 'GRUB_CMDLINE_LINUX="console=ttyS0"\n';
    assert.deepEqual(made(t, own, grubDropIn([])), made(t, own, null));
  });
});

/**
 * GRUB_CMDLINE_LINUX after a shell has read both, as grub-mkconfig does (set -e, then one after the other).
 */
function sourced(t: TestContext, file: string, dropIn: string): string {
  const folder = mkdtempSync(join(tmpdir(), "vflag-grub-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "grub"), `${file}\n`);
  writeFileSync(join(folder, "vflag.cfg"), dropIn);
  const checked = spawnSync("sh", ["-n", join(folder, "vflag.cfg")], { encoding: "utf8" });
  assert.equal(checked.status, 0, checked.stderr);
  const script =
    'set -e; . "$0/grub"; . "$0/vflag.cfg"; [ -z "$vflag_arguments" ]; printf %s "$GRUB_CMDLINE_LINUX"';
  const run = spawnSync("sh", ["-c", script, folder], {
    encoding: "utf8",
    cwd: folder,
    env: { PATH: process.env["PATH"] },
  });
  assert.equal(run.status, 0, run.stderr);
  assert.equal(run.stderr, "");
  return run.stdout;
}

/** The entries that the real update-grub makes on a machine of our own making: mounts that only it sees. */
function made(t: TestContext, file: string, dropIn: string | null) {
  const root = mkdtempSync(join(tmpdir(), "vflag-grub-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ["boot/grub", "default/grub.d"]) mkdirSync(join(root, folder), { recursive: true });
  for (const name of [
    "vmlinuz-6.1.0-18-amd64",
    "initrd.img-6.1.0-18-amd64",
    "vmlinuz-6.1.0-21-amd64",
    "initrd.img-6.1.0-21-amd64",
  ])
    writeFileSync(join(root, "boot", name), "");
  writeFileSync(join(root, "default/grub"), `GRUB_DEFAULT=0\nGRUB_DISTRIBUTOR=Debian\n${file}`);
  if (dropIn !== null) writeFileSync(join(root, "default/grub.d/vflag.cfg"), dropIn);
  const probe =
    '#!/bin/sh\ncase "$*" in *fs_uuid*) echo 5a1e-0001 ;; *device*) echo /dev/sda1 ;; *partmap*) echo gpt ;; *hint*) echo hd0,gpt1 ;; *abstraction*) ;; *) echo ext2 ;; esac\n';
  writeFileSync(join(root, "probe"), probe, { mode: 0o755 });
  const script =
    'mount --bind "$0/boot" /boot; mount --bind "$0/default" /etc/default; mount --bind "$0/probe" /usr/sbin/grub-probe; exec update-grub';
  const run = spawnSync("/usr/bin/unshare", ["--mount", "sh", "-ec", script, root], {
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(run.status, 0, run.stderr);
  const entries = parseGrubConfig(readFileSync(join(root, "boot/grub/grub.cfg"), "utf8"));
  assert.ok(!isUnknown(entries), JSON.stringify(entries));
  return entries;
}

function canUnshare(): boolean {
  return spawnSync("/usr/bin/unshare", ["--mount", "mount", "--bind", "/tmp", "/tmp"]).status === 0;
}
