import { network, reboot } from "../../src/host/simulated/events.ts";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { leftBy } from "../../src/operations/host/attempts.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import type { Remedy, Stage } from "../../src/requirements/requirement.ts";
import { stages } from "../../src/requirements/stages.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { verdicts } from "../../src/verdict/verdict.ts";

/** What an operator does who follows the remedy of the first line, again and again. */

export interface Round {
  /** `requirement: subject: actual` of the first line; the answer where nothing is wrong. */
  readonly line: string;
  readonly requirement: string | null;
  readonly remedy: Remedy | null;
}

/** The host boots, with vflag's units. */
export async function bootAgain(world: World, spec: Spec): Promise<void> {
  reboot(world);
  await boot(world, spec);
}

/** From power-on to networking, with vflag's units around it. */
export async function boot(world: World, spec: Spec): Promise<void> {
  await run(world, spec, ["early"]);
  await afterNetworking(world, spec);
}

/** `vflag apply`, with leave to restart Open vSwitch. */
export function apply(world: World, spec: Spec): Promise<void> {
  return run(world, spec, stages);
}

async function afterNetworking(world: World, spec: Spec): Promise<void> {
  network(world);
  await run(world, spec, ["early", "late"]);
}

async function run(world: World, spec: Spec, asked: readonly Stage[]): Promise<void> {
  const host = new SimulatedHost(world);
  const outcomes = await reconcile(host, spec, { stages: asked, allowed: { restartOvs: true } });
  await host.keepAttempt({ early: asked.length === 1, left: leftBy(outcomes) });
}

/** Follows remedies until the NIC works, or nothing but a person can go on: what was seen in each round. */
export async function follow(world: World, spec: Spec, most = 6): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < most; round++) {
    const seen = await look(world, spec);
    rounds.push(seen);
    if (isEnd(seen)) break;
    if (seen.remedy?.kind === "actions") await apply(world, spec);
    else if (seen.remedy?.kind === "reboot") await bootAgain(world, spec);
    else await afterNetworking(world, spec);
  }
  return rounds;
}

/** It works, or the remedy says what a person has to do, or what vflag was refused. */
export function isEnd({ remedy }: Round): boolean {
  return (
    remedy === null || remedy.kind === "person" || (remedy.kind === "actions" && remedy.refused !== undefined)
  );
}

async function look(world: World, spec: Spec): Promise<Round> {
  const [verdict] = verdicts(spec, await new SimulatedHost(world).observe());
  const reason = verdict?.reason ?? null;
  if (reason === null) return { line: verdict?.answer ?? "no NIC", requirement: null, remedy: null };
  const { requirement, subject, actual, remedy } = reason;
  return { line: `${requirement}: ${subject}: ${actual}`, requirement, remedy };
}
