import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach } from "node:test";
import { runVflag } from "../../support/command.ts";

/** `vflag kayobe` and `vflag kolla` as a user runs them, on a tree in a folder of its own for each test. */
export let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vflag-tree-"));
  write(
    "etc/inventory/hosts",
    "[controllers]\nc1\n[compute]\nh1\n[compute_sriov]\nh2\nh3\n[compute:children]\ncompute_sriov\n",
  );
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

export const kayobe = (command: string, ...more: string[]) => [
  "kayobe",
  command,
  "--config",
  "etc",
  "--release",
  "2024.1",
  "--hosts",
  "compute",
  ...more,
];
export const sriov = (ports: string, physnet: string, more = "") =>
  `vflag:\n  version: 1\n  nics:\n    - {name: data, mode: sriov, ports: [${ports}], vfs: 2, physnet: ${physnet}${more}}\n`;

export async function expect(
  code: number,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string }> {
  if (args.includes("--states")) {
    mkdirSync(join(folder, "states/none"), { recursive: true });
    for (const host of ["h1", "h2", "h3"]) await state(host);
  }
  const ended = await runVflag(folder, args, env);
  assert.equal(ended.status, code, `${args.join(" ")}\n${ended.stdout}${ended.stderr}`);
  return ended;
}

/** The state of a simulated host with two VFs on each port. */
export async function state(host: string): Promise<void> {
  const file = join(folder, "states", `${host}.json`);
  if (existsSync(file)) return;
  const { status, stderr } = await runVflag(folder, ["simulate", "new", file, "--nic", "ConnectX-5"]);
  assert.equal(status, 0, stderr);
}

export async function macOf(host: string): Promise<string> {
  mkdirSync(join(folder, "states"), { recursive: true });
  await state(host);
  const { state: saved } = JSON.parse(read(`states/${host}.json`));
  return saved.netdevs.find(({ name }: { name: string }) => name === "ens3f0").mac;
}

/** What ansible-inventory makes of the tree: the variables that templates read. */
export function throughAnsible(): Record<string, { rules: unknown; mappings: unknown }> {
  const { stdout } = spawnSync("ansible-inventory", ["-i", join(folder, "etc/inventory"), "--list"], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  });
  const { hostvars } = JSON.parse(stdout)._meta;
  return Object.fromEntries(
    ["h1", "h2", "h3"].map((host) => [
      host,
      {
        rules: hostvars[host].vflag_pci_passthrough_whitelist,
        mappings: hostvars[host].vflag_sriov_physical_device_mappings,
      },
    ]),
  );
}

export function ownFiles(): string[] {
  const found = readdirSync(join(folder, "etc/inventory"), { recursive: true, encoding: "utf8" });
  return found
    .filter((path) => path.endsWith("/vflag-openstack.yml"))
    .map(dirname)
    .sort();
}

export function snapshot(): Record<string, string> {
  const entries = readdirSync(join(folder, "etc"), { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path, readFileSync(path, "utf8")];
      }),
  );
}

export function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

export function read(file: string): string {
  return readFileSync(join(folder, file), "utf8");
}
