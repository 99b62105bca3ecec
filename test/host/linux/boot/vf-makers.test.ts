import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findUnits } from "../../../../src/host/linux/boot/installation.ts";
import { findVfMakers } from "../../../../src/host/linux/boot/vf-makers.ts";
import type { VfMaker } from "../../../../src/host/state/vf-makers.ts";
import { makeTree } from "../tree.ts";

const source = new URL("../../../../src/host/linux/boot/vf-makers.ts", import.meta.url).href;
const rule =
  'SUBSYSTEM=="net", ACTION=="add", KERNEL=="ens3f0", RUN+="/usr/bin/sh -c ' +
  "'echo 8 > /sys/class/net/ens3f0/device/sriov_numvfs'\"";

test("files of others that make VFs: each place, with the lines that say so, and no other line", (t) => {
  const root = makeTree(t, {
    "etc/udev/rules.d/70-sriov.rules": `# BEGIN SRIOV\n${rule}\n`,
    "etc/udev/rules.d/70-vflag.rules": `${rule}\n`,
    "etc/udev/rules.d/80-notes.rules": `# echo 8 > sriov_numvfs\n`,
    "etc/systemd/network/10-pf.link": "[Match]\nPath=pci-0000:37:00.0\n[Link]\nSR-IOVVirtualFunctions=4\n",
    "etc/NetworkManager/system-connections/pf.nmconnection":
      "[connection]\ninterface-name=ens3f1\n[wifi-security]\npsk=secret\n[sriov]\ntotal-vfs=4\n",
    "etc/netplan/50.yaml":
      "network:\n  ethernets:\n    ens3f0:\n      embedded-switch-mode: switchdev\n      virtual-function-count: 8\n",
    "etc/rc.local": "#!/bin/sh\ndevlink dev eswitch set pci/0000:37:00.0 mode switchdev\n",
  });
  const found = findVfMakers({ filesRoot: root, runRoot: join(root, "run") });
  assert.deepEqual(found, [
    { kind: "udev", path: "/etc/udev/rules.d/70-sriov.rules", lines: [{ line: 2, text: rule, port: null }] },
    {
      kind: "link",
      path: "/etc/systemd/network/10-pf.link",
      lines: [{ line: 4, text: "SR-IOVVirtualFunctions=4", port: "Path=pci-0000:37:00.0" }],
    },
    {
      kind: "network-manager",
      path: "/etc/NetworkManager/system-connections/pf.nmconnection",
      lines: [{ line: 6, text: "total-vfs=4", port: "interface-name=ens3f1" }],
    },
    {
      kind: "netplan",
      path: "/etc/netplan/50.yaml",
      lines: [
        { line: 4, text: "embedded-switch-mode: switchdev", port: "ens3f0" },
        { line: 5, text: "virtual-function-count: 8", port: "ens3f0" },
      ],
    },
    {
      kind: "script",
      path: "/etc/rc.local",
      lines: [{ line: 2, text: "devlink dev eswitch set pci/0000:37:00.0 mode switchdev", port: null }],
    },
  ]);
});

const found = (t: Parameters<typeof makeTree>[0], files: Readonly<Record<string, string>>) => {
  const root = makeTree(t, files);
  const makers = findVfMakers({ filesRoot: root, runRoot: join(root, "run") });
  assert.ok(Array.isArray(makers));
  return makers.map(({ kind, path, lines }) => [
    kind,
    path,
    ...lines.map(({ line, text, port }) => `${line}: ${port === null ? "" : `[${port}] `}${text}`),
  ]);
};

test("other places and spellings: units, settings that a program carries out, hooks, OFED's own files", (t) => {
  const echo = "echo 8 > /sys/class/net/ens3f0/device/sriov_numvfs";
  const makers = found(t, {
    "etc/systemd/system/of-tripleo.service": "[Service]\nExecStart=/usr/bin/os-net-config-sriov\n",
    "etc/systemd/system/set-vfs.service": `[Service]\nExecStart=/bin/sh -c \\\n  '${echo}'\n`,
    "etc/NetworkManager/conf.d/99-sriov.conf":
      "[device-x]\nmatch-device=interface-name:ens3f0\nsriov-num-vfs=8\n",
    "etc/NetworkManager/dispatcher.d/pre-up.d/10-vfs": `#!/bin/sh\n${echo}\n`,
    "etc/sysconfig/network-scripts/ifcfg-ens3f0": "SRIOV_TOTAL_VFS=8\nDEVICE=ens3f0\n",
    "etc/networkd-dispatcher/routable.d/10-vfs": `${echo}\n`,
    "etc/network/interfaces":
      "auto ens3f0\niface ens3f0 inet manual\n  up echo 8 > /sys/class/net/$IFACE/device/sriov_numvfs\n",
    "etc/network/interfaces.d/ens3f1.cfg": `up ${echo}\n`,
    "etc/tmpfiles.d/vfs.conf": "w /sys/class/net/ens3f0/device/sriov_numvfs - - - - 8\n",
    "etc/sysfs.conf": "class/net/ens3f0/device/sriov_numvfs = 8\n",
    "etc/rc.local": "cat /etc/motd; echo switchdev > /sys/class/net/ens3f0/compat/devlink/mode\n",
    "etc/cron.d/vfs": `@reboot root ${echo}\n`,
    "var/spool/cron/crontabs/root": "@reboot echo 8 > /sys/class/infiniband/mlx5_0/device/mlx5_num_vfs\n",
  });
  assert.deepEqual(
    makers.map(([kind, path]) => [kind, path]),
    [
      ["unit", "/etc/systemd/system/of-tripleo.service"],
      ["unit", "/etc/systemd/system/set-vfs.service"],
      ["settings", "/etc/NetworkManager/conf.d/99-sriov.conf"],
      ["script", "/etc/NetworkManager/dispatcher.d/pre-up.d/10-vfs"],
      ["settings", "/etc/sysconfig/network-scripts/ifcfg-ens3f0"],
      ["script", "/etc/networkd-dispatcher/routable.d/10-vfs"],
      ["script", "/etc/network/interfaces"],
      ["script", "/etc/network/interfaces.d/ens3f1.cfg"],
      ["settings", "/etc/tmpfiles.d/vfs.conf"],
      ["settings", "/etc/sysfs.conf"],
      ["script", "/etc/rc.local"],
      ["script", "/etc/cron.d/vfs"],
      ["script", "/var/spool/cron/crontabs/root"],
    ],
  );
  assert.equal(makers[1]?.[2], `2: ExecStart=/bin/sh -c   '${echo}'`);
  assert.equal(makers[4]?.[2], "1: [DEVICE=ens3f0] SRIOV_TOTAL_VFS=8");
  assert.match(String(makers[6]?.[2]), /^3: \[iface ens3f0 inet manual\]/);
});

test("a rule on two lines, or with what it does far to the right, is one with the port that it names", (t) => {
  const [[, , first] = [], [, , second] = []] = found(t, {
    "etc/udev/rules.d/70-a.rules": 'KERNEL=="ens3f0", \\\n  ATTR{device/sriov_numvfs}="8"\n',
    "etc/udev/rules.d/70-b.rules": `KERNEL=="ens3f1", ${'ENV{A}="1", '.repeat(99)}ATTR{device/sriov_numvfs}="8"\n`,
  });
  assert.equal(first, '1: KERNEL=="ens3f0",   ATTR{device/sriov_numvfs}="8"');
  assert.match(String(second), /ATTR\{device\/sriov_numvfs\}="8"$/);
  assert.ok(String(second).length < 500);
});

test("what only compares, reads or explains makes none", (t) => {
  const makers = found(t, {
    "etc/udev/rules.d/60-names.rules":
      'ATTR{device/sriov_numvfs}!="0", TEST=="device/sriov_numvfs", NAME="pf0"\n',
    "etc/rc.local":
      '# echo 8 > sriov_numvfs\n[ "$(cat /sys/class/net/a/device/sriov_numvfs)" = 8 ]\n[ -e /sys/class/net/a/device/mlx5_num_vfs ] && exit 1\nexit 0 # not sriov_numvfs\n',
    "etc/systemd/network/10.link": "[Link]\nSR-IOVVirtualFunctions=\n",
    "etc/systemd/system/kolla-nova_compute-container.service":
      "[Service]\nExecStart=/usr/bin/docker start -a nova_compute\n",
  });
  assert.deepEqual(makers, []);
});

test("netplan: the ethernet that a key stands in, however it is written, and VFs that are declared alone", (t) => {
  const [[, , ...lines] = [], ...others] = found(t, {
    "etc/netplan/50.yaml": `network:
  ethernets:
    data0:
      match:
        macaddress: 02:00:00:00:00:01
      auth: {password: secret}
      virtual-function-count: 8
    ens3f1: {embedded-switch-mode: switchdev}
    vf0:
      link: ens4f0
  vlans:
    vlan5: {id: 5, link: ens5f0}
`,
    "etc/netplan/60.yaml": "network:\n  wifis:\n    w: {}\n",
    "etc/netplan/70.yaml": "{ not: [yaml\n",
  });
  assert.deepEqual(lines, [
    "7: [data0 02:00:00:00:00:01] virtual-function-count: 8",
    "8: [ens3f1] embedded-switch-mode: switchdev",
    "10: link: ens4f0",
  ]);
  assert.deepEqual(others, []);
});

test("a pipe among the files keeps nobody waiting", { timeout: 10_000 }, (t) => {
  const root = makeTree(t, { "etc/udev/rules.d/x": "" });
  const pipe = join(root, "etc/udev/rules.d/70-pipe.rules");
  execFileSync("mkfifo", [pipe]);
  const script = `import { findVfMakers } from ${JSON.stringify(source)};
    console.log(JSON.stringify(findVfMakers(${JSON.stringify({ filesRoot: root, runRoot: join(root, "run") })})));`;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", script], { timeout: 5000 });
  assert.equal(said.toString().trim(), "[]");
});

test("what is no file, too long, or a link to nowhere makes none", (t) => {
  const root = makeTree(t, {
    "etc/udev/rules.d/folder.rules/x": "",
    "etc/udev/rules.d/long.rules": `sriov_numvfs${" ".repeat(2 * 1024 * 1024)}`,
  });
  symlinkSync("nowhere", join(root, "etc/udev/rules.d/gone.rules"));
  assert.deepEqual(findVfMakers({ filesRoot: root, runRoot: join(root, "run") }), []);
});

test("units whose name says that they make VFs are asked about; a template and vflag's own are not", async (t) => {
  const root = makeTree(t, {
    "etc/systemd/system/mlnx-vflag-early.service": "",
    "etc/systemd/system/sriov_config.service": "",
    "etc/systemd/system/sriov@.service": "",
    "etc/systemd/system/vflag-early.service": "",
    "etc/systemd/system/cron.service": "",
    "etc/systemd/system/kolla-neutron_sriov_agent-container.service": "",
    "etc/systemd/system/neutron-sriov-nic-agent.service": "",
    "run/systemd/generator.late/netplan-sriov-apply.service": "",
  });
  let asked: readonly string[] = [];
  const run = async (argv: readonly string[]) => {
    asked = argv;
    return { code: 0, stdout: "", stderr: "" };
  };
  const maker = (name: string): VfMaker => ({
    kind: "unit",
    path: `/etc/systemd/system/${name}`,
    lines: [],
  });
  const makers = ["set-vfs.service", "set-vfs@.service"].map(maker);
  await findUnits({ filesRoot: root, runRoot: join(root, "run"), run }, makers);
  assert.deepEqual(
    asked.filter((name) => /sriov|vfs|mlnx-vflag|cron/.test(name)),
    ["mlnx-vflag-early.service", "netplan-sriov-apply.service", "sriov_config.service", "set-vfs.service"],
  );
});
