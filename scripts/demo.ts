import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The whole story on a simulated two-port ConnectX-5 host, in the commands that an operator types: plan,
 * apply, the bond, late, verdict; then three drifts. Every command is run for real, and the demo fails when
 * one ends otherwise than it should.
 */

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "vflag-demo-"));
const spec = `version: 1
nics:
  - name: data
    mode: vf-lag
    ports: [ens3f0, ens3f1]
    vfs: 4
    bond: bond0
    physnet: physnet2
    channels: {pf: 63, representor: 18}
`;

writeFileSync(join(folder, "vflag.yaml"), spec);
say("A simulated host with a two-port ConnectX-5, and the spec of what is wanted of it");
process.stdout.write(spec);
run(0, "simulate new host.json --nic ConnectX-5 --bond bond0");

say("What would be done? A rehearsal on a twin: nothing is changed.");
run(2, "plan");
say(
  "apply: the two boot stages are installed; VFs, switchdev, channels; and it stops where networking must make the bond",
);
run(2, "apply");
say("Networking makes the bond. That is not vflag's doing.");
run(0, "simulate network host.json");
say("At boot, after networking: the LAG is active, then the VFs are bound");
run(0, "boot late");
say("Does it work?");
run(0, "verify");
keep("host.json", "works.json");

say("Guests start on two of the VFs. Who is who, and do their flows go through the NIC?");
run(0, "simulate guests host.json");
run(0, "map");
keep("works.json", "host.json");

say(
  "Drift 1: somebody sets a port back to legacy mode. It is in a bond, so vflag does not touch it: a reboot repairs it.",
);
run(0, "simulate fault host.json port-to-legacy");
run(2, "verify");
run(2, "plan");
run(0, "simulate reboot host.json");
run(0, "boot early");
run(0, "simulate network host.json");
run(0, "boot late");
run(0, "verify");

say(
  "Drift 2: a third slave joins the bond, and the LAG goes away without a message. A person must take it out.",
);
keep("works.json", "host.json");
run(0, "simulate fault host.json third-slave");
run(2, "verify");
run(2, "plan");

say(
  "Drift 3: the VFs were bound before the LAG was active. vflag unbinds them (no guest has one), and the LAG comes up.",
);
keep("works.json", "host.json");
run(0, "simulate fault host.json vfs-bound-early");
run(2, "verify");
run(2, "plan");
run(0, "apply");
run(0, "verify");

say("The same with a guest that holds a VF: vflag stops, and names it.");
keep("works.json", "host.json");
run(0, "simulate fault host.json vfs-bound-early guest-holds-vf");
run(2, "apply");

rmSync(folder, { recursive: true });
say("That was the demo. On a real host the same commands work without --host: start with `vflag init`.");

function run(expected: number, line: string): void {
  process.stdout.write(`\n$ vflag ${line}\n`);
  const words = line.split(" ");
  const [command = ""] = words;
  const target = command === "simulate" ? [] : ["--host", "host.json", "--spec", "vflag.yaml"];
  const { status } = spawnSync(join(root, "bin/vflag"), [...words, ...target], {
    cwd: folder,
    stdio: ["ignore", 1, 1],
  });
  if (status === expected) return;
  process.stdout.write(
    `\nThe demo failed: \`vflag ${line}\` ended with ${status}, not ${expected}. Its files are in ${folder}.\n`,
  );
  process.exit(1);
}

function keep(from: string, to: string): void {
  copyFileSync(join(folder, from), join(folder, to));
}

function say(text: string): void {
  process.stdout.write(`\n── ${text}\n`);
}
