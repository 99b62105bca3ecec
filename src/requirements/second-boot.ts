import { foundHalfWay } from "../host/actions/safety.ts";
import type { Attempts } from "../host/state/attempts.ts";
import { known } from "../host/state/observed.ts";
import type { HostState } from "../host/state/state.ts";
import { netdevOf } from "../spec/selectors.ts";
import type { Deviation, Finding, NicView, Remedy } from "./requirement.ts";

type Left = Attempts["latest"][number];

/**
 * What the stage before networking itself brings about. Of other reboots (a firmware, a module's options) it
 * is not known whether what they wait for was set before this boot or after it.
 */
const ofTheStage: ReadonlySet<string> = new Set([
  "not-in-bond",
  "eswitch-mode",
  "eswitch-inline",
  "channels",
]);

/** How this boot's early stage left the same deviation; undefined where it did not, or nobody knows. */
export function leftByThisBoot(
  requirement: string,
  { expected, pf }: Finding,
  { nic, state }: NicView,
): Left | undefined {
  const left = known(state.attempts)?.early ?? [];
  return left.find(
    (entry) =>
      entry.nic === nic.name &&
      entry.requirement === requirement &&
      entry.pf === (pf ?? null) &&
      entry.expected === expected,
  );
}

/**
 * A second reboot for what the last one did not mend is no remedy: what keeps the early stage from it has to
 * be put right first. Nor is
 * `vflag apply` one for a port that is in a bond, which it does not touch.
 */
export function withoutSecondBoot(deviation: Deviation, view: NicView): Deviation {
  const { requirement, remedy } = deviation;
  const left = deviation.stage === "early" ? leftByThisBoot(requirement, deviation, view) : undefined;
  if (left === undefined) return withRefusal(deviation, view.state);
  const again = remedy.kind === "reboot" && ofTheStage.has(requirement) && !askedNothing(view);
  const bonded = remedy.kind === "actions" && masterOf(deviation, view) !== null;
  return again || bonded
    ? { ...deviation, remedy: remedyAfter(left, deviation, view) }
    : withRefusal(deviation, view.state);
}

/**
 * The driver was half-way when the stage ran, as after a run that was killed: what another boot ends in is
 * not known.
 */
function askedNothing({ nic, state }: NicView): boolean {
  const early = known(state.attempts)?.early ?? [];
  const refusals = early.flatMap((entry) => (entry.nic === nic.name ? (entry.refused ?? []) : []));
  return refusals.length > 0 && refusals.every(foundHalfWay);
}

/** What the last run was refused is said with it: to try the same once more is allowed, and no advice. */
export function withRefusal(deviation: Deviation, { attempts }: Pick<HostState, "attempts">): Deviation {
  const { nic, requirement, subject, pf, expected, remedy } = deviation;
  if (remedy.kind !== "actions") return deviation;
  const left = known(attempts)?.latest.find(
    (entry) =>
      entry.nic === nic &&
      entry.requirement === requirement &&
      entry.subject === subject &&
      entry.pf === (pf ?? null) &&
      entry.expected === expected,
  );
  return left === undefined || left.refused === null
    ? deviation
    : { ...deviation, remedy: { ...remedy, refused: left.refused } };
}

function remedyAfter({ requirement, refused }: Left, deviation: Deviation, view: NicView): Remedy {
  if (requirement === "not-in-bond" && refused === null) {
    const text =
      `vflag-early.service found it in ${masterOf(deviation, view) ?? "a bond"} at this boot already: ` +
      "another reboot ends the same way. Find what makes the bond before it (an initramfs, a unit not " +
      "ordered after network-pre.target: systemd-analyze critical-chain vflag-early.service), then reboot";
    return { kind: "person", text };
  }
  const was =
    refused === null
      ? "could not mend this at this boot"
      : `asked for this at this boot and was refused ("${refused}")`;
  const text =
    `vflag-early.service ${was}: another reboot gets the same answer. Fix what the driver ` +
    `names (dmesg, journalctl -b -u vflag-early), then reboot`;
  return { kind: "person", text };
}

function masterOf({ pf: address }: Deviation, { pfs, state }: NicView): string | null {
  const pf = pfs.find((candidate) => candidate.address === address);
  return pf === undefined ? null : (netdevOf(pf, state)?.master ?? null);
}
