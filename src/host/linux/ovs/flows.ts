import type { Flows, FlowTally } from "../../ovs/flows.ts";
import type { Ovs } from "../../ovs/ovs.ts";
import { isUnknown, type Observed, unknown } from "../../state/observed.ts";
import { mustRun, ProgramError, type RunProgram } from "../system/program.ts";
import { reasonOf } from "../system/refusal.ts";
import { readDatapath, readFlows } from "./flow-text.ts";
import { ovsLimit, patiently } from "./ovs.ts";
import { findTunnels } from "./tunnels.ts";

/**
 * ovs-vswitchd makes the list of a datapath's flows in one piece, in its main thread: with more of them it is
 * not asked for one.
 */
const mostFlows = 50_000;

/** So much of a list is read: some 40,000 flows. */
const mostText = 16 * 1024 * 1024;

/**
 * The flows of Open vSwitch's datapaths, added up; null where there is no Open vSwitch.
 * @param links all of this namespace
 */
export async function findFlows(
  run: RunProgram,
  ovs: Observed<Ovs | null>,
  links: Parameters<typeof findTunnels>[2] = [],
): Promise<Observed<Flows | null>> {
  if (ovs === null || isUnknown(ovs)) return ovs;
  if (!ovs.running) return unknown("ovs-vswitchd does not answer");
  const tallies: FlowTally[] = [];
  const cuts: string[] = [];
  let listed = 0;
  let notUnderstood = 0;
  try {
    // openvswitch ofproto/ofproto-dpif.c, open_dpif_backer(): one datapath for all bridges of a type.
    for (const type of new Set(ovs.bridges.map(({ datapathType }) => datapathType))) {
      const datapath = `${type}@ovs-${type}`;
      const ask = (command: string, ...words: string[]) =>
        patiently(ovs.source, ["ovs-appctl", command, ...words, datapath]);
      const { ports, flows } = readDatapath(await mustRun(run, ask("dpctl/show"), { limit: ovsLimit }));
      if (flows !== null && flows > mostFlows) {
        cuts.push(`${datapath} holds ${flows}: too many to ask for`);
        continue;
      }
      const question = ask("dpctl/dump-flows", "-m");
      const { stdout, stderr, code, cut } = await run(question, { limit: ovsLimit, most: mostText });
      if (code !== 0 && cut !== true)
        throw new ProgramError(null, `${question.join(" ")}: exit code ${code ?? "none"}: ${stderr.trim()}`);
      // The last line of what was cut off is a part of one.
      const found = readFlows(cut === true ? stdout.slice(0, stdout.lastIndexOf("\n") + 1) : stdout, ports);
      tallies.push(...found.tallies);
      listed += found.listed;
      notUnderstood += found.notUnderstood;
      if (cut === true)
        cuts.push(`of ${flows ?? "those"} of ${datapath} the first ${found.listed} were read`);
      if (found.notAdded > 0)
        cuts.push(`${found.notAdded} of ${datapath} are of too many kinds to be told apart`);
    }
  } catch (error) {
    return unknown(reasonOf(error));
  }
  const tunnels = await findTunnels(run, ovs, links).catch((error: unknown) => unknown(reasonOf(error)));
  return { tallies, listed, notUnderstood, cut: cuts.length === 0 ? null : cuts.join("; "), tunnels };
}
