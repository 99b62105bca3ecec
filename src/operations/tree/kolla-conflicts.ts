import { valueText } from "../../host/value-text.ts";
import { releaseHas } from "../../openstack/release-facts.ts";
import type { HostValues } from "../../openstack/tree/host-values.ts";
import type { TreeFacts } from "../../openstack/tree/tree.ts";
import { type Decider, decidedFor, truthOfDecider } from "./kolla-variables.ts";
import type { PlacementPlace } from "./placement-report.ts";
import type { PlanDraft } from "./tree-plan.ts";

/** A port of a host that Kolla-Ansible's own variables speak of too. */
interface Claim {
  readonly device: string;
  readonly physnet: unknown;
}

/**
 * Holds Kolla-Ansible's own variables against what is written. Its rules and mappings join vflag's, so they
 * must not contradict them; its switches must not undo what is switched on.
 */
export function checkKollaVariables(
  plan: PlanDraft,
  facts: TreeFacts,
  deciders: readonly Decider[],
  placement: (host: string) => PlacementPlace | null,
): void {
  const told = new Set<string>();
  for (const [host, values] of plan.values) {
    for (const key of [
      "neutron_sriov_physnet_mappings",
      "neutron_sriov_physnets",
      "nova_pci_passthrough_whitelist",
    ]) {
      if (key !== "nova_pci_passthrough_whitelist" && !facts.sriov) continue;
      const decider = decidedFor(plan, deciders, key, host);
      if (decider === undefined) continue;
      const once = (what: string, tell: () => void) => {
        const id = `${decider.path}:${decider.line} ${key} ${what}`;
        if (!told.has(id)) tell();
        told.add(id);
      };
      once("note", () => tellOf(plan, decider));
      const place = key === "neutron_sriov_physnets" ? null : placement(host);
      for (const claim of claimsOf(decider)) {
        // Kolla-Ansible makes rules by name of its mappings too.
        const own = decidedFor(plan, deciders, "nova_pci_passthrough_whitelist", host);
        const named = place !== null && (own === undefined || own === decider);
        if (named) once(`name ${claim.device}`, () => refuseName(plan, decider, claim, place));
        const why = contradiction(claim, key, values);
        if (why !== null) once(why, () => contradict(plan, decider, claim, `${host}: ${why}`));
      }
    }
  }
  checkSwitches(plan, facts, deciders);
}

function tellOf(plan: PlanDraft, decider: Decider): void {
  const where = `${plan.name(decider.path)}:${decider.line}: Kolla-Ansible's own ${decider.key}`;
  if (decider.unread)
    plan.note(`${where} is an expression: what it adds to vflag's values is not known here`);
  else if (decider.key === "nova_pci_passthrough_whitelist" && !Array.isArray(decider.value))
    plan.conflict({
      name: plan.name(decider.path),
      line: decider.line,
      there: JSON.stringify(decider.value),
      wanted: "a list of rules",
      why: `${decider.key} is no list, and vflag's rules cannot join it: put its rule into a list`,
    });
  else plan.note(`${where} stays: what it says comes after vflag's`);
}

function refuseName(plan: PlanDraft, decider: Decider, { device }: Claim, { place }: PlacementPlace): void {
  plan.conflict({
    name: plan.name(decider.path),
    line: decider.line,
    there: `${decider.key}: devname ${device}`,
    wanted: "a rule by address",
    why:
      `[pci] report_in_placement is on (${place}), and nova-compute takes no rule by name with ` +
      `it: give ${device}'s PCI address`,
  });
}

function contradict(plan: PlanDraft, decider: Decider, { device, physnet }: Claim, why: string): void {
  plan.conflict({
    name: plan.name(decider.path),
    line: decider.line,
    there: `${decider.key}: ${device} on ${JSON.stringify(physnet ?? null)}`,
    wanted: "what the spec says of this port",
    why: `${why}: take ${device} out there, or change the spec`,
  });
}

/** Ports with the network that they are on, as far as names tell. */
function claimsOf({ key, value, unread }: Decider): Claim[] {
  if (unread) return [];
  if (typeof value === "string")
    return value.split(",").flatMap((pair) => {
      const [physnet = "", device = ""] = pair.split(":").map((part) => part.trim());
      return device === "" ? [] : [{ device, physnet }];
    });
  if (Array.isArray(value))
    return value.flatMap((rule: unknown) => {
      if (typeof rule !== "object" || rule === null) return [];
      const device: unknown = Reflect.get(rule, "devname");
      return typeof device === "string" ? [{ device, physnet: Reflect.get(rule, "physical_network") }] : [];
    });
  if (typeof value !== "object" || value === null || key === "nova_pci_passthrough_whitelist") return [];
  return Object.entries(value).flatMap(([physnet, device]) =>
    typeof device === "string" ? [{ device, physnet }] : [],
  );
}

function contradiction(
  { device, physnet }: Claim,
  key: string,
  { nics, mappings }: HostValues,
): string | null {
  const nic = nics.find(({ ports }) => ports.includes(device));
  const mapped = mappings.find((pair) => pair.endsWith(`:${device}`));
  const isRule = key === "nova_pci_passthrough_whitelist";
  if (nic === undefined && mapped === undefined) return null;
  const wanted = nic === undefined ? mapped?.slice(0, -device.length - 1) : nic.physnet;
  if (nic !== undefined && nic.mode !== "sriov" && !isRule)
    return `${device} is of NIC ${nic.name} in mode ${nic.mode}, whose VFs the SR-IOV agent cannot set`;
  if (valueText(physnet ?? null) === valueText(wanted ?? null)) return null;
  return (
    `${device} is on ${wanted ?? "no physnet"} in the spec, and on ` +
    `${valueText(physnet ?? "no physnet")} in ${key}`
  );
}

/**
 * Switches that somebody has set where they count more than what vflag writes, or where vflag's would hide
 * them.
 */
function checkSwitches(plan: PlanDraft, facts: TreeFacts, deciders: readonly Decider[]): void {
  const wanted = [
    ...(facts.sriov ? ["enable_neutron_sriov"] : []),
    ...(facts.offload && releaseHas(facts.release, "kollaHardwareOffload") ? ["openvswitch_hw_offload"] : []),
  ];
  const written = plan.request.kind === "kolla" ? "globals.yml" : "kolla/globals.yml";
  for (const decider of deciders.filter(({ key }) => wanted.includes(key))) {
    // The files that vflag writes to are judged where they are edited.
    const edited =
      plan.name(decider.path).endsWith(written) ||
      (plan.request.kind === "kolla" && decider.level.kind === "extra");
    const kayobes = plan.request.kind === "kayobe" && decider.key === "enable_neutron_sriov";
    if (edited && !kayobes) continue;
    // Of these Kayobe writes an extra variable in any case, which beats what groups say.
    if (kayobes && decider.level.kind !== "extra") continue;
    const truth = truthOfDecider(decider);
    if (truth === true) continue;
    const value = typeof decider.value === "string" ? decider.value : JSON.stringify(decider.value);
    plan.conflict({
      name: plan.name(decider.path),
      line: decider.line,
      there: `${decider.key}: ${value}`,
      wanted: `${decider.key}: true`,
      why:
        truth === null
          ? `whether ${decider.key} is on is not known here: write it out`
          : decider.level.kind === "extra"
            ? `${decider.key} is off there: take the line out, or change it`
            : `${decider.key} is off for a part of the hosts, and vflag's extra variable would turn it on ` +
              `for all: take the line out`,
    });
  }
  checkDrivers(plan, facts, deciders);
}

/** Kolla-Ansible's own list of drivers, where somebody has written it. */
function checkDrivers(plan: PlanDraft, facts: TreeFacts, deciders: readonly Decider[]): void {
  for (const decider of deciders.filter(({ key }) => key.endsWith("mechanism_drivers"))) {
    const where = `${plan.name(decider.path)}:${decider.line}: ${decider.key}`;
    const names = Array.isArray(decider.value) ? decider.value.map(driverName) : null;
    if (decider.unread || names === null) {
      plan.note(
        `${where} is Kolla-Ansible's list of drivers, and what is in it is not known here: see that it ` +
          `has what binds the VFs' ports`,
      );
      continue;
    }
    const missing = [
      ...(facts.sriov && !names.includes("sriovnicswitch") ? ["sriovnicswitch"] : []),
      ...(facts.offload && !names.includes("openvswitch") && !names.includes("ovn")
        ? ["openvswitch or ovn"]
        : []),
    ];
    if (missing.length > 0)
      plan.conflict({
        name: plan.name(decider.path),
        line: decider.line,
        there: `${decider.key}: ${names.join(", ")}`,
        wanted: `${missing.join(", ")} in it`,
        why:
          `${decider.key} is the whole list of Neutron's drivers, and lacks what binds the VFs' ports: ` +
          `add it there`,
      });
  }
}

function driverName(item: unknown): string {
  const name: unknown = typeof item === "object" && item !== null ? Reflect.get(item, "name") : item;
  const enabled: unknown = typeof item === "object" && item !== null ? Reflect.get(item, "enabled") : "true";
  return typeof name === "string" && !/^(?:no|false|off|0)$/i.test(valueText(enabled ?? "true")) ? name : "";
}
