import type { FoundNic, Report } from "../check-finding.ts";
import { entriesOf, type Ini } from "../files/ini.ts";
import type { Release } from "../releases.ts";
import type { NovaView } from "./nova-host.ts";
import { matches, type PciRule } from "./pci-rule.ts";
import { placementProblems, reportsToPlacement } from "./placement-view.ts";
import type { PresentRules } from "./present-rules.ts";

/** What nova-compute refuses of the rules while it reports them to Placement. */
export function checkPlacement(
  ini: Ini,
  release: Release,
  present: readonly PresentRules[],
  view: NovaView,
  report: Report,
): void {
  const reports = reportsToPlacement(ini, release);
  const line = entriesOf(ini, "pci", "report_in_placement").at(-1)?.line ?? null;
  if (reports === null)
    report("unknown", line, "an expression decides whether nova-compute reports PCI devices to Placement");
  if (reports !== true) return;
  const problems = placementProblems(present, view);
  for (const { entry, why } of problems) report("wrong", entry?.line ?? line, why);
  const overlay = present.find(({ rules }) =>
    rules.some(({ tags }) => "physical_network" in tags && tags["physical_network"] === null),
  );
  if (problems.length === 0 && overlay !== undefined)
    report(
      "doubtful",
      overlay.entry.line,
      "physical_network null is no network to Placement: these VFs are reported as a resource class too, " +
        "and a flavor's alias can take them from Neutron's ports",
    );
}

/**
 * VFs that a DPU manages are for ports of vnic-type remote-managed: nova/pci/stats.py,
 * _filter_pools_for_unrequested_remote_managed_devices().
 */
export function checkRemote(
  rule: PciRule,
  view: NovaView,
  nics: readonly FoundNic[],
  report: (text: string) => void,
): void {
  // Nova asks for a serial number too, which ordinary VFs do not have.
  const about = view.devices.find(
    (device) => device.parent !== null && matches(rule, { ...device, serial: "any" }, view.host),
  );
  const owner = nics.find(({ pfs }) => pfs.some((pf) => pf.address === about?.parent));
  if (owner === undefined) return;
  report(
    `remote_managed is for VFs that a DPU manages (vnic-type remote-managed); no direct port gets ` +
      `those of NIC ${owner.nic.name}, which this host switches itself: take the tag out`,
  );
}
