import { buildHost } from "../src/host/simulated/build.ts";
import { network } from "../src/host/simulated/events.ts";
import { observeWorld, SimulatedHost } from "../src/host/simulated/host.ts";
import { rehearse } from "../src/reconcile/plan.ts";
import { reconcile } from "../src/reconcile/reconcile.ts";
import { loadSpec } from "../src/spec/load.ts";
import { verdicts } from "../src/verdict/verdict.ts";
import { line, median, milliseconds, times } from "./measure.ts";

/** The work of `plan` for 2 x 127 VFs, from power-on to works, on a state in memory. */
export async function planBench(): Promise<string[]> {
  const spec = loadSpec(
    "version: 1\nnics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 127, bond: bond0, channels: {pf: 63, representor: 18}}]",
    "bench",
  );
  const world = buildHost([{ model: "ConnectX-5", ports: 2, bond: { name: "bond0", mode: "802.3ad" } }]);
  for (const pf of world.state.pfs) if (pf.sriov !== null) pf.sriov.total = 127;
  const state = observeWorld(world);
  const cold = performance.now();
  const plan = await rehearse(spec, state);
  const first = performance.now() - cold;
  const actions = plan.phases
    .flatMap((phase) => phase.steps)
    .reduce((sum, step) => sum + step.actions.length, 0);
  if (plan.remaining.some(({ deviations }) => deviations.length > 0))
    throw new Error("the plan does not lead to a host that works");
  const work = await times(10, () => rehearse(spec, state));
  const host = new SimulatedHost(world);
  await reconcile(host, spec, { stages: ["early"] });
  network(world);
  await reconcile(host, spec, { stages: ["early", "late"] });
  const works = observeWorld(world);
  if (verdicts(spec, works).some((verdict) => verdict.answer !== "works"))
    throw new Error("the host does not work");
  const verify = await times(20, () => verdicts(spec, works));
  return [
    line(
      `plan for 2 x 127 VFs, ${actions} actions (work, first time)`,
      milliseconds(first),
      "(asked: under 200 ms)",
    ),
    line("plan for 2 x 127 VFs (work, median of 10)", milliseconds(median(work))),
    line("verdict on 2 x 127 VFs that work (work, median of 20)", milliseconds(median(verify))),
  ];
}
