import { bond } from "./bond.ts";
import { bondLinks } from "./bond-links.ts";
import { channels } from "./channels.ts";
import { eswitchEncap } from "./eswitch-encap.ts";
import { eswitchInline } from "./eswitch-inline.ts";
import { eswitchMode } from "./eswitch-mode.ts";
import { lag } from "./lag.ts";
import { model } from "./model.ts";
import { notInBond } from "./not-in-bond.ts";
import { pfNameKept } from "./pf-name.ts";
import { ports } from "./ports.ts";
import { representors } from "./representors.ts";
import type { Requirement, Stage } from "./requirement.ts";
import { steering } from "./steering.ts";
import { tcOffload } from "./tc-offload.ts";
import { vfAutoprobe } from "./vf-autoprobe.ts";
import { vfCount } from "./vf-count.ts";
import { vfLinks } from "./vf-links.ts";
import { vfSettings } from "./vf-settings.ts";
import { vfsBound } from "./vfs-bound.ts";
import { vfsUnbound } from "./vfs-unbound.ts";

/** Every requirement, in the order in which a host is brought to fulfil them. */
export const requirements: readonly Requirement[] = [
  ports,
  model,
  notInBond,
  vfCount,
  vfLinks,
  vfsUnbound,
  steering,
  eswitchInline,
  eswitchEncap,
  eswitchMode,
  representors,
  pfNameKept,
  tcOffload,
  channels,
  bond,
  bondLinks,
  lag,
  vfSettings,
  vfAutoprobe,
  vfsBound,
];

/** Early runs before networking makes the bond, late after it. */
export const stages: readonly Stage[] = ["early", "late"];

/** The requirement with this id. */
export function requirementById(id: string): Requirement | undefined {
  return requirements.find((requirement) => requirement.id === id);
}
