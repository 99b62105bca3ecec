import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kollaDefaults } from "../test/support/kolla-defaults.ts";
import { fleetTree } from "./fleet-tree.ts";
import { line, milliseconds } from "./measure.ts";

const fleet = 2_000;
const templated = 50;
const environment = { ...process.env, LC_ALL: "C.UTF-8", ANSIBLE_LOCALHOST_WARNING: "0" };

/**
 * `kayobe diff` of a tree with 2,000 hosts, each with a saved state of 2 x 63 VFs; beside it, what Ansible
 * takes to make the two files of 50 such hosts with the template module, on this machine (a real fleet adds
 * SSH). @param vflag as it is shipped
 */
export function kayobeBench(vflag: string, folder: string): string[] {
  if (spawnSync("ansible-playbook", ["--version"], { env: environment }).status !== 0)
    return [
      "kayobe: not measured: Ansible is not installed (apt-get install --no-install-recommends ansible-core)",
    ];
  const { config, states, inventory } = fleetTree(join(folder, "fleet"), fleet);
  const [answer, own] = timed(() => run("ansible-inventory", ["-i", inventory, "--list"], environment));
  // A stand-in that has the answer ready: what is left is vflag's own time, its start included.
  const shim = join(folder, "shim");
  mkdirSync(shim);
  writeFileSync(join(shim, "answer.json"), answer);
  writeFileSync(join(shim, "ansible-inventory"), `#!/bin/sh\nexec cat ${join(shim, "answer.json")}\n`, {
    mode: 0o755,
  });
  const diff = ["kayobe", "diff", "--config", config, "--release", "2024.1", "--states", states];
  const [, rest] = timed(() =>
    run(vflag, diff, { ...environment, PATH: `${shim}:${process.env["PATH"] ?? ""}` }, 2),
  );
  const [, whole] = timed(() => run(vflag, diff, environment, 2));
  const ansible = templating(vflag, folder);
  const perHost = { vflag: whole / fleet, ansible: ansible / templated };
  return [
    line(`ansible-inventory --list, ${fleet} hosts`, milliseconds(own)),
    line(
      `kayobe diff, ${fleet} hosts with states: vflag's own time`,
      milliseconds(rest),
      "(asked: under 5 s)",
    ),
    line("  the same whole, states read while ansible-inventory works", milliseconds(whole)),
    line(`the two files of ${templated} hosts by Ansible's template module`, milliseconds(ansible)),
    line("  a host: kayobe diff, all files", milliseconds(perHost.vflag)),
    line(
      "  a host: Ansible, two files",
      milliseconds(perHost.ansible),
      `(${(perHost.ansible / perHost.vflag).toFixed(0)} times as long)`,
    ),
  ];
}

/** The files that vflag wrote, as Kayobe hands them to Kolla-Ansible, made for each host of a tree. */
function templating(vflag: string, folder: string): number {
  const { config, states, inventory } = fleetTree(join(folder, "some"), templated);
  run(vflag, ["kayobe", "write", "--config", config, "--release", "2024.1", "--states", states], environment);
  const files = {
    "nova.conf": "kolla/config/nova.conf",
    "sriov_agent.ini": "kolla/config/neutron/sriov_agent.ini",
  };
  for (const [name, path] of Object.entries(files)) {
    // The first pass takes the raw blocks away.
    writeFileSync(
      join(folder, name),
      readFileSync(join(config, path), "utf8").replaceAll(/^\{% (?:end)?raw %\}\n/gm, ""),
    );
  }
  const out = join(folder, "out");
  mkdirSync(out);
  const tasks = Object.keys(files).map((name) => ({
    "ansible.builtin.template": { src: join(folder, name), dest: `${out}/{{ inventory_hostname }}-${name}` },
  }));
  const playbook = join(folder, "template.yml");
  writeFileSync(
    playbook,
    JSON.stringify([{ hosts: "all", gather_facts: false, connection: "local", vars: kollaDefaults, tasks }]),
  );
  const [, taken] = timed(() => run("ansible-playbook", ["-i", inventory, playbook], environment));
  const made = readFileSync(join(out, "hv00001-sriov_agent.ini"), "utf8");
  if (!/^physical_device_mappings = physnet3:ens3f0,physnet3:ens3f1$/m.test(made))
    throw new Error(`Ansible made something else:\n${made}`);
  rmSync(out, { recursive: true });
  return taken;
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv, code = 0): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    env,
    encoding: "utf8",
    timeout: 300_000,
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) throw error;
  if (status !== code)
    throw new Error(
      `${command} ${args.join(" ")}: exit ${status}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`,
    );
  return stdout;
}

function timed<T>(work: () => T): [T, number] {
  const began = performance.now();
  const result = work();
  return [result, performance.now() - began];
}
