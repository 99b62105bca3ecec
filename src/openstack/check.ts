import type { PhysicalFunction } from "../host/state/state.ts";
import { resolvePorts } from "../spec/selectors.ts";
import type { Configuration, ConfigurationFinding, FoundNic, Report } from "./check-finding.ts";
import { entriesOf, type Ini, listValue, optionValue, plainValue, readIni } from "./files/ini.ts";
import { checkQos } from "./neutron/check-qos.ts";
import { ml2Conf } from "./neutron/ml2-conf.ts";
import { readMappings } from "./neutron/sriov-agent.ts";
import { aliasProblems } from "./nova/alias.ts";
import { checkPlacement, checkRemote } from "./nova/check-placement.ts";
import type { ConfRequest } from "./nova/nova-conf.ts";
import { filterEdits } from "./nova/nova-filters.ts";
import { type NovaView, novaView } from "./nova/nova-host.ts";
import {
  isAnywhere,
  matches,
  matchesEverything,
  type NovaDevice,
  type PciRule,
  ruleFor,
  sameNetwork,
} from "./nova/pci-rule.ts";
import { presentRules } from "./nova/present-rules.ts";
import { isFrom, type Release } from "./releases.ts";

/** Holds configuration against the VFs that a host has, or will have, and against what a release knows. */
export function checkConfiguration(files: Configuration, request: ConfRequest): ConfigurationFinding[] {
  const found: ConfigurationFinding[] = [];
  const nics = request.spec.nics.flatMap((nic): FoundNic[] => {
    const ports = resolvePorts(nic, request.state);
    return "pfs" in ports ? [{ nic, pfs: ports.pfs }] : [];
  });
  const checks = { nova: checkNova, sriovAgent: checkAgent, ml2: checkMl2 } as const;
  for (const file of ["nova", "sriovAgent", "ml2"] as const) {
    const text = files[file];
    if (text === undefined) continue;
    const report: Report = (kind, line, what) => found.push({ kind, file, line, text: what });
    const ini = readIni(text, request.deployment === "kolla" ? "template" : "plain");
    for (const { line, message } of ini.problems)
      report("wrong", line, `oslo.config refuses the file: ${message}`);
    if (ini.problems.length > 0) continue;
    checkNames(ini, file, request.release, report);
    checks[file](ini, request, nics, report);
  }
  checkQos(files, (line, text) => found.push({ kind: "doubtful", file: "sriovAgent", line, text }));
  return found;
}

function checkNova(
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

function checkAgent(ini: Ini, { state }: ConfRequest, nics: readonly FoundNic[], report: Report): void {
  const line = entriesOf(ini, "sriov_nic", "physical_device_mappings").at(-1)?.line ?? null;
  let judged = true;
  const mappings = readMappings(ini, (why) => {
    judged = false;
    report(why.includes("not known here") ? "unknown" : "wrong", line, why);
  });
  for (const { physnet, device } of mappings) {
    const pf = state.pfs.find(({ netdev }) => netdev === device);
    const owner = nics.find(({ pfs }) => pf !== undefined && pfs.includes(pf));
    if (!state.netdevs.some(({ name }) => name === device))
      report("wrong", line, `${device} is mapped to ${physnet}, and there is no such interface`);
    else if (pf === undefined || (pf.sriov?.total ?? 0) === 0)
      report("wrong", line, `${device} is mapped to ${physnet}, and it can have no VFs`);
    else if (owner === undefined)
      report("doubtful", line, `${device} is mapped to ${physnet}, and the spec does not declare it`);
    else if (owner.nic.mode !== "sriov")
      report(
        "wrong",
        line,
        `${device} is mapped, and its NIC ${owner.nic.name} is in mode ${owner.nic.mode}: the agent ` +
          `cannot set its VFs`,
      );
    else if (owner.nic.physnet !== physnet)
      report(
        "wrong",
        line,
        `${device} is mapped to ${physnet}, and the spec says ${JSON.stringify(owner.nic.physnet ?? null)}`,
      );
    else if (pf.vfs.length === 0)
      report("doubtful", line, `${device} is mapped to ${physnet}, and it has no VFs yet`);
  }
  if (!judged) return;
  for (const { nic, pfs } of nics) {
    if (nic.mode !== "sriov" || nic.physnet == null) continue;
    const missing = pfs.filter((pf) => !mappings.some(({ device }) => device === pf.netdev));
    for (const pf of missing)
      report(
        "wrong",
        line,
        `${pf.netdev ?? pf.address} of NIC ${nic.name} has no mapping: Neutron binds none of its VFs`,
      );
  }
  checkExcluded(
    ini,
    state.pfs,
    mappings.map(({ device }) => device),
    report,
  );
}

/** The agent checks the devices of exclude_devices, and not the addresses. */
function checkExcluded(
  ini: Ini,
  pfs: readonly PhysicalFunction[],
  mapped: readonly string[],
  report: Report,
): void {
  const entry = entriesOf(ini, "sriov_nic", "exclude_devices").at(-1);
  if (entry === undefined) return;
  const value = entry.templated ? null : plainValue(entry.value);
  if (value === null) return report("unknown", entry.line, "exclude_devices is made by an expression");
  for (const pair of listValue(value)) {
    const at = pair.indexOf(":");
    const device = pair.slice(0, Math.max(at, 0)).trim();
    if (at < 0 || !mapped.includes(device))
      report(
        "wrong",
        entry.line,
        `exclude_devices: "${pair}" names no mapped device, and the agent does not start`,
      );
    const vfs = pfs.find(({ netdev }) => netdev === device)?.vfs ?? [];
    const addresses = pair
      .slice(at + 1)
      .split(";")
      .map((address) => address.trim())
      .filter((address) => address !== "");
    for (const address of addresses.filter((one) => !vfs.some((vf) => vf.address === one))) {
      report(
        "wrong",
        entry.line,
        `exclude_devices: ${address} is no VF of ${device}, so nothing is excluded by it`,
      );
    }
  }
}

function checkMl2(ini: Ini, request: ConfRequest, nics: readonly FoundNic[], report: Report): void {
  const line = entriesOf(ini, "ml2", "mechanism_drivers").at(-1)?.line ?? null;
  const { text, notes, conflicts } = ml2Conf(ini.text, request);
  for (const { why } of conflicts) report("unknown", line, why);
  if (text !== ini.text) {
    const wanted = optionValue(
      readIni(text, request.deployment === "kolla" ? "template" : "plain"),
      "ml2",
      "mechanism_drivers",
    );
    report("wrong", line, `mechanism_drivers lacks what binds the VFs' ports: it has to be ${wanted}`);
  }
  for (const note of notes) {
    if (note.includes("is none of Neutron's drivers")) report("doubtful", line, note);
    else if (note.includes("does not start with it")) report("wrong", line, note);
  }
  const networks = [
    ...ranges(ini, "ml2_type_vlan", "network_vlan_ranges"),
    ...ranges(ini, "ml2_type_flat", "flat_networks"),
  ];
  if (networks.includes("*") || networks.includes(null)) return;
  for (const physnet of new Set(nics.flatMap(({ nic }) => nic.physnet ?? []))) {
    if (!networks.includes(physnet))
      report(
        "doubtful",
        null,
        `neither network_vlan_ranges nor flat_networks of this file has ${physnet}: Neutron does not know ` +
          `the network`,
      );
  }
}

/** The networks of an option; `null` for what is not known here. */
function ranges(ini: Ini, section: string, key: string): (string | null)[] {
  const entry = entriesOf(ini, section, key).at(-1);
  if (entry === undefined) return [];
  const value = entry.templated ? null : plainValue(entry.value);
  return value === null ? [null] : listValue(value).map((range) => range.split(":", 1)[0]?.trim() ?? "");
}

/**
 * The options of sections that are all about this, with the release that brought them. Source:
 * nova/conf/pci.py, neutron/conf/plugins/ml2/drivers/mech_sriov/.
 */
const options: readonly { file: keyof Configuration; section: string; key: string; from: Release }[] = [
  { file: "nova", section: "pci", key: "alias", from: "train" },
  { file: "nova", section: "pci", key: "passthrough_whitelist", from: "train" },
  { file: "nova", section: "pci", key: "device_spec", from: "zed" },
  { file: "nova", section: "pci", key: "report_in_placement", from: "zed" },
  { file: "nova", section: "filter_scheduler", key: "pci_in_placement", from: "2023.1" },
  { file: "sriovAgent", section: "sriov_nic", key: "physical_device_mappings", from: "train" },
  { file: "sriovAgent", section: "sriov_nic", key: "exclude_devices", from: "train" },
  { file: "sriovAgent", section: "sriov_nic", key: "resource_provider_default_hypervisor", from: "xena" },
];

/** Tags of a rule that a release does more with than keeping them. */
const tags: Readonly<Record<string, Release>> = {
  remote_managed: "yoga",
  resource_class: "zed",
  traits: "zed",
  managed: "2025.1",
  live_migratable: "2025.1",
  one_time_use: "2025.2",
};

/** Names that a release does not know: it ignores them without a word. */
function checkNames(ini: Ini, file: keyof Configuration, release: Release, report: Report): void {
  for (const { section, key, from } of options.filter(
    (one) => one.file === file && !isFrom(release, one.from),
  )) {
    for (const { line } of entriesOf(ini, section, key))
      report("wrong", line, `[${section}] ${key} is not known before ${from}, and ignored`);
  }
  for (const { line, key } of file === "nova"
    ? ini.entries.filter((entry) => entry.section.toLowerCase() === "pci")
    : []) {
    const known = options.some((one) => one.section === "pci" && one.key === key);
    if (!known)
      report("doubtful", line, `vflag knows no option ${key} in [pci]; Nova ignores what it does not know`);
  }
  for (const { line } of entriesOf(ini, "ml2_sriov", "supported_pci_vendor_devs"))
    report("doubtful", line, "supported_pci_vendor_devs is ignored since Ocata");
  const rules =
    file === "nova"
      ? ["device_spec", "passthrough_whitelist"].flatMap((key) => entriesOf(ini, "pci", key))
      : [];
  for (const { line, value } of rules) {
    for (const [tag, from] of Object.entries(tags)) {
      if (!isFrom(release, from) && value.includes(`"${tag}"`))
        report("wrong", line, `${tag} means nothing to Nova before ${from}`);
    }
  }
}
