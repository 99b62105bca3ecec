import type { ConfigurationFinding, FoundNic, Report } from "../check-finding.ts";
import type { Ini } from "../files/ini.ts";
import { aliasProblems } from "./alias.ts";
import { checkPlacement, checkRemote } from "./check-placement.ts";
import type { ConfRequest } from "./nova-conf.ts";
import { filterEdits } from "./nova-filters.ts";
import { type NovaView, novaView } from "./nova-host.ts";
import {
  isAnywhere,
  matches,
  matchesEverything,
  type NovaDevice,
  type PciRule,
  ruleFor,
  sameNetwork,
} from "./pci-rule.ts";
import { presentRules } from "./present-rules.ts";

/** Holds nova.conf against the VFs: its rules, aliases, and the scheduler's filter. */
export function checkNova(
  ini: Ini,
  { spec, state, release }: ConfRequest,
  nics: readonly FoundNic[],
  report: Report,
): void {
  const view = novaView(spec, state);
  let judged = true;
  const present = presentRules(ini, release, view.host, ({ line }, why) => {
    judged = false;
    report(why.startsWith("nova-compute refuses") ? "wrong" : "unknown", line, why);
  });
  for (const { entry, rules } of present)
    for (const rule of rules) checkRule(rule, view, nics, (kind, text) => report(kind, entry.line, text));
  const rules = present.flatMap((one) => one.rules);
  checkPlacement(ini, release, present, view, report);
  for (const { entry, kind, why } of aliasProblems(ini, release)) report(kind, entry.line, why);
  for (const { entry, rules: some } of present)
    for (const rule of some)
      if (rule.remoteManaged) checkRemote(rule, view, nics, (text) => report("wrong", entry.line, text));
  // A rule that could not be read may offer what seems to be missing.
  if (judged) for (const found of nics) checkOffered(found, rules, view, report);
  if (nics.some(({ nic }) => nic.physnet !== undefined)) {
    const filters = filterEdits(ini, release);
    for (const edit of filters.edits)
      report(
        "doubtful",
        null,
        `[${edit.section}] ${edit.key} is without PciPassthroughFilter: a nova-scheduler that reads this ` +
          `file sends guests to hosts without VFs`,
      );
    for (const note of filters.notes) report("wrong", null, note);
  }
}

/** Whether a rule is about nothing, or about more than VFs of one network. */
function checkRule(
  rule: PciRule,
  view: NovaView,
  nics: readonly FoundNic[],
  report: (kind: ConfigurationFinding["kind"], text: string) => void,
): void {
  const text = JSON.stringify(rule.json);
  if (matchesEverything(rule))
    return report("wrong", `it is about every PCI device of the host, disks too: ${text}`);
  if (rule.product === "*" && isAnywhere(rule))
    report("doubtful", `it is about every device of vendor ${rule.vendor}, not its NICs only: ${text}`);
  const about = view.devices.filter((device) => matches(rule, device, view.host));
  if (about.length === 0) {
    // vflag sees SR-IOV functions only: a rule without a network may be about another device.
    const network = "physical_network" in rule.tags || rule.devname !== null;
    if (rule.devname !== null && !view.host.interfaces.has(rule.devname))
      return report("wrong", `there is no interface ${rule.devname}: ${text}`);
    return report(
      network ? "wrong" : "unknown",
      network
        ? `it matches no SR-IOV function of this host: ${text}`
        : `it matches no SR-IOV function, and vflag sees no others: ${text}`,
    );
  }
  const ports = about.filter(
    ({ parent, address }) => parent === null && view.host.physicalFunctions.has(address),
  );
  for (const { address } of ports) {
    const owner = nics.find(({ pfs }) => pfs.some((pf) => pf.address === address));
    if (owner !== undefined)
      report(
        "doubtful",
        `it offers the port ${address} of NIC ${owner.nic.name} itself, not its VFs only: ${text}`,
      );
  }
  const others = new Set(
    about.flatMap(({ parent }) =>
      parent !== null && !nics.some(({ pfs }) => pfs.some((pf) => pf.address === parent)) ? [parent] : [],
    ),
  );
  if (others.size > 0 && nics.length > 0)
    report(
      "doubtful",
      `it offers VFs of ports that the spec does not declare (${[...others].join(", ")}): ${text}`,
    );
}

/** Whether Nova offers a NIC's VFs, on the network that the spec means. */
function checkOffered(
  { nic, pfs }: FoundNic,
  rules: readonly PciRule[],
  view: NovaView,
  report: Report,
): void {
  if (nic.physnet === undefined) return;
  for (const pf of pfs) {
    const vfs = view.devices.filter(({ parent }) => parent === pf.address);
    const name = `${pf.netdev ?? pf.address} (NIC ${nic.name})`;
    const decided = vfs.map((device) => [device, ruleFor(rules, device, view.host)] as const);
    const left = decided.filter(([, rule]) => rule === undefined);
    if (left.length > 0)
      report("wrong", null, `no rule offers ${countOf(left.map(([device]) => device))} of ${name}`);
    const astray = decided.filter(
      ([, rule]) => rule !== undefined && !sameNetwork(rule.tags["physical_network"], nic.physnet),
    );
    const [first] = astray;
    if (first !== undefined) {
      const says = JSON.stringify(first[1]?.tags["physical_network"]) ?? "no physical_network";
      report(
        "wrong",
        null,
        `the rule for ${countOf(astray.map(([device]) => device))} of ${name} says ${says}, and the spec ` +
          `${JSON.stringify(nic.physnet)}: ${JSON.stringify(first[1]?.json)}`,
      );
    }
  }
}

function countOf(devices: readonly NovaDevice[]): string {
  const first = devices[0]?.address ?? "";
  return devices.length === 1 ? `1 VF (${first})` : `${devices.length} VFs (${first}, ...)`;
}
