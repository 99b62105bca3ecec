import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LinuxHost } from "../src/host/linux/host.ts";
import { buildHost } from "../src/host/simulated/build.ts";
import { network } from "../src/host/simulated/events.ts";
import { observeWorld, SimulatedHost } from "../src/host/simulated/host.ts";
import type { HostState } from "../src/host/state/state.ts";
import { reconcile } from "../src/reconcile/reconcile.ts";
import { plain } from "../src/report/terminal/style.ts";
import { verdictText } from "../src/report/text/verdict-text.ts";
import { stages } from "../src/requirements/stages.ts";
import { loadSpec } from "../src/spec/load.ts";
import { verdicts } from "../src/verdict/verdict.ts";
import { fakeKernel, fakeNetlink, pciLink, port, vf } from "../test/host/linux/fake-kernel.ts";
import { line, median, megabytes, milliseconds, taken, times } from "./measure.ts";

/** `verify` on a host with 2 x 127 VFs: the work, and the memory of the command as it is run. */

const vfs = 127;
const specText = `version: 1
nics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: ${vfs}, bond: bond0, channels: {pf: 63, representor: 18}}]
ovs: {}
`;
const limits = { work: 150, memory: 120 };

/** @param commands how vflag is started: its sources, the executable */
export async function verifyBench(commands: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "vflag-bench-verify-"));
  try {
    const spec = loadSpec(specText, "bench");
    writeFileSync(join(folder, "spec.yaml"), specText);
    const state = await works();
    writeFileSync(join(folder, "state.json"), JSON.stringify(state));
    if (verdicts(spec, state).some(({ answer }) => answer !== "works"))
      throw new Error("the host does not work");
    const rows = [
      line(
        `verify: ${2 * vfs} VFs of a made-up /sys and netlink, observed and judged (work)`,
        milliseconds(await workOn(folder)),
        asked("work"),
      ),
    ];
    for (const [name, command] of Object.entries(commands)) rows.push(...commandRows(name, command, folder));
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The command on a saved state, which has to be read and checked first. */
function commandRows(name: string, command: string, folder: string): string[] {
  const words = ["verify", "--host", join(folder, "state.json"), "--spec", join(folder, "spec.yaml")];
  const runs = Array.from({ length: 5 }, () => taken(command, words));
  const idle = taken(command, ["--version"]);
  const cpu = median(runs.map((run) => run.cpu));
  return [
    line(`verify, ${name}: processor time with start, reading and checking the state`, milliseconds(cpu)),
    line(
      `verify, ${name}: peak memory`,
      megabytes(Math.max(...runs.map((run) => run.peakMiB))),
      asked("memory"),
    ),
    line(`  of this, vflag --version, which does nothing`, megabytes(idle.peakMiB)),
  ];
}

async function works(): Promise<HostState> {
  const spec = loadSpec(specText, "bench");
  const world = buildHost([{ model: "ConnectX-5", ports: 2, bond: { name: "bond0", mode: "802.3ad" } }]);
  for (const pf of world.state.pfs) if (pf.sriov !== null) pf.sriov.total = vfs;
  const host = new SimulatedHost(world);
  await reconcile(host, spec, { stages: stages.filter((stage) => stage !== "late") });
  network(world);
  await reconcile(host, spec, { stages, allowed: { restartOvs: true } });
  world.hidden.clock += 10;
  return observeWorld(world);
}

/** Observes a made-up machine through the real host's own code, and judges and prints what was seen. */
async function workOn(folder: string): Promise<number> {
  const spec = loadSpec(specText, "bench");
  const root = join(folder, "machine");
  using host = LinuxHost.open({ ...machine(root), firmwareTool: null });
  const taken = await times(20, async () => {
    const state = await host.observe();
    if (state.pfs.flatMap((pf) => pf.vfs).length !== 2 * vfs) throw new Error("the observation misses VFs");
    verdictText(spec, state, verdicts(spec, state), plain);
  });
  return median(taken);
}

function machine(root: string) {
  const pfs = ["0000:37:00.0", "0000:37:00.1"];
  const address = (pf: number, index: number) =>
    `0000:${(0x38 + pf * 4 + (index >> 5)).toString(16)}:${(index & 31).toString(16).padStart(2, "0")}.0`;
  const devices = join(root, "sys/bus/pci/devices");
  const write = (folder: string, files: Readonly<Record<string, string>>) => {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      if (text.startsWith("-> ")) symlinkSync(text.slice(3), join(folder, name));
      else writeFileSync(join(folder, name), text);
    }
  };
  const common = {
    class: "0x020000\n",
    vendor: "0x15b3\n",
    driver: "-> ../../drivers/mlx5_core",
    driver_override: "(null)\n",
  };
  const links = [];
  const ports = [];
  for (const [pf, name] of pfs.entries()) {
    const own = {
      device: "0x1017\n",
      numa_node: "0\n",
      sriov_totalvfs: `${vfs}\n`,
      sriov_numvfs: `${vfs}\n`,
      sriov_drivers_autoprobe: "1\n",
    };
    const made = Object.fromEntries(
      Array.from({ length: vfs }, (_, index) => [`virtfn${index}`, `-> ../${address(pf, index)}`]),
    );
    write(join(devices, name), { ...common, ...own, ...made });
    const uplink = {
      switchId: "9c03",
      portName: `p${pf}`,
      vfCount: vfs,
      vfs: Array.from({ length: vfs }, (_, index) => vf(index)),
    };
    links.push(pciLink(4 + pf, `ens3f${pf}`, name, uplink));
    for (let index = 0; index < vfs; index++) {
      write(join(devices, address(pf, index)), {
        ...common,
        device: "0x1018\n",
        physfn: `-> ../${name}`,
        iommu_group: `-> ../../../groups/${pf * vfs + index}`,
      });
      const ifindex = 10 + pf * vfs + index;
      const netdev = `ens3f${pf}npf${pf}vf${index}`;
      links.push(pciLink(ifindex, netdev, name, { switchId: "9c03", portName: `pf${pf}vf${index}` }));
      ports.push(
        port(`pci/${name}`, index + 1, { flavour: "pcivf", ifindex, netdev, pf, vf: index, controller: 0 }),
      );
    }
  }
  const eswitches = Object.fromEntries(
    pfs.map((name) => [`pci/${name}`, { mode: "switchdev", inline: "none", encap: "basic" } as const]),
  );
  return fakeKernel(root, fakeNetlink({ links, ports, eswitches }));
}

function asked(what: keyof typeof limits): string {
  return what === "work" ? `(asked: under ${limits.work} ms)` : `(asked: under ${limits.memory} MB)`;
}
