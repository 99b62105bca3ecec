import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findUnits } from "../../../../src/host/linux/boot/installation.ts";
import { findVfMakers } from "../../../../src/host/linux/boot/vf-makers.ts";
import { makeTree } from "../tree.ts";

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
    { kind: "udev", path: "/etc/udev/rules.d/70-sriov.rules", lines: [{ line: 2, text: rule }] },
    {
      kind: "link",
      path: "/etc/systemd/network/10-pf.link",
      lines: [
        { line: 2, text: "Path=pci-0000:37:00.0" },
        { line: 4, text: "SR-IOVVirtualFunctions=4" },
      ],
    },
    {
      kind: "network-manager",
      path: "/etc/NetworkManager/system-connections/pf.nmconnection",
      lines: [
        { line: 2, text: "interface-name=ens3f1" },
        { line: 6, text: "total-vfs=4" },
      ],
    },
    {
      kind: "netplan",
      path: "/etc/netplan/50.yaml",
      lines: [
        { line: 3, text: "    ens3f0:" },
        { line: 4, text: "      embedded-switch-mode: switchdev" },
        { line: 5, text: "      virtual-function-count: 8" },
      ],
    },
    {
      kind: "script",
      path: "/etc/rc.local",
      lines: [{ line: 2, text: "devlink dev eswitch set pci/0000:37:00.0 mode switchdev" }],
    },
  ]);
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
    "run/systemd/generator.late/netplan-sriov-apply.service": "",
  });
  let asked: readonly string[] = [];
  await findUnits({
    filesRoot: root,
    runRoot: join(root, "run"),
    run: async (argv) => {
      asked = argv;
      return { code: 0, stdout: "", stderr: "" };
    },
  });
  assert.deepEqual(
    asked.filter((name) => /sriov|mlnx-vflag|cron/.test(name)),
    ["mlnx-vflag-early.service", "netplan-sriov-apply.service", "sriov_config.service"],
  );
});
