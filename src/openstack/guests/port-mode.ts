import type { NicSpec, Spec } from "../../spec/schema.ts";
import { releaseHas } from "../release-facts.ts";
import type { Release } from "../releases.ts";

/** What is known of the NICs that a port's VF may come from. */
export interface PortMode {
  readonly mode: NicSpec["mode"];
  /** Their physical networks, `null` for overlay networks; empty where nobody said. */
  readonly physnets: readonly (string | null)[];
}

/** The mode that a spec's NICs tell for a port. Returns what is to be said where they do not tell one. */
export function modeFromSpec(
  spec: Spec,
  name: string | undefined,
  file: string,
): PortMode | { readonly unclear: string } {
  const named = spec.nics.filter((nic) => name === undefined || nic.name === name);
  const [first] = named;
  const list = spec.nics.map((nic) => `${nic.name} (${nic.mode})`).join(", ");
  if (first === undefined) return { unclear: `${file} has no NIC called ${name}: it has ${list}` };
  if (named.some((nic) => inSwitchdev(nic.mode) !== inSwitchdev(first.mode)))
    return {
      unclear: `${file} has NICs whose ports are made in different ways, ${list}: say which one with --nic`,
    };
  return {
    mode: first.mode,
    physnets: [...new Set(named.flatMap(({ physnet }) => (physnet === undefined ? [] : [physnet])))],
  };
}

/** Whether guests' ports of this mode are bound by openvswitch or ovn, not by sriovnicswitch. */
export function inSwitchdev(mode: NicSpec["mode"]): boolean {
  return mode !== "sriov";
}

export const capabilitiesChoices = ["auto", "with", "without"] as const;
export type CapabilitiesChoice = (typeof capabilitiesChoices)[number];

/** Whether a port gets `{"capabilities": ["switchdev"]}` in its binding profile, and why. */
export interface Capabilities {
  readonly given: boolean;
  readonly why: string;
}

/**
 * Nova puts the capability into the binding profile by itself from 29.0.0 (2024.1) on, and in 28.0.1, 27.2.0
 * and 26.2.1; only administrators and services may give a profile. Before, somebody has to. Source: launchpad
 * bug 2020813; neutron, doc/source/admin/config-ovs-offload.rst, 24.0.0.
 */
export function decideCapabilities(
  mode: NicSpec["mode"],
  release: Release | undefined,
  choice: CapabilitiesChoice,
): Capabilities {
  if (!inSwitchdev(mode))
    return {
      given: false,
      why: "mode sriov: sriovnicswitch binds the port, and refuses one with the capability",
    };
  if (choice === "with") return { given: true, why: "asked for with --capabilities with" };
  if (choice === "without") {
    const early = release !== undefined && !releaseHas(release, "novaMayFillSwitchdev");
    const needs = early ? `no Nova of ${release} fills it in, so it has to come from somebody` : filledBy;
    return { given: false, why: `left out with --capabilities without: ${needs}` };
  }
  if (release === undefined)
    return {
      given: true,
      why: `mode ${mode}, and no --release was named: with it the port works in every release`,
    };
  if (releaseHas(release, "novaFillsSwitchdev"))
    return { given: false, why: `Nova of ${release} fills the capability switchdev in by itself` };
  return {
    given: true,
    why:
      `mode ${mode}: openvswitch and ovn bind a direct port only with it, and Nova of ` +
      `${release} may not fill it in`,
  };
}

/** Which Nova does without the capability in the request. */
export const filledBy =
  "nova-compute fills it in by itself if it is 29.0.0 (2024.1) or later, 28.0.1, 27.2.0 or 26.2.1";
