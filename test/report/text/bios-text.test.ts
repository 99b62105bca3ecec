import assert from "node:assert/strict";
import { test } from "node:test";
import { assess } from "../../../src/bios/assess.ts";
import { evidenceOf } from "../../../src/bios/evidence.ts";
import { planOf } from "../../../src/bios/plan.ts";
import type { BiosSurvey } from "../../../src/bios/survey.ts";
import type { ChangeOutcome } from "../../../src/redfish/bios.ts";
import type { HostBios } from "../../../src/redfish/hosts.ts";
import { terminalText } from "../../../src/report/terminal/escape.ts";
import { plain } from "../../../src/report/terminal/style.ts";
import { biosPlanText } from "../../../src/report/text/bios-plan-text.ts";
import { biosCheckText } from "../../../src/report/text/bios-text.ts";
import { dell, hpe, lenovo, nobody, surveyOf } from "../../bios/machines.ts";
import { readGolden } from "../../support/golden.ts";

test("check: what is on, off, pending and unknown, then what to do, once", () => {
  const survey = surveyOf(dell);
  const pending = new Map<string, unknown>([
    ["ProcVirtualization", "Enabled"],
    ["SysProfile", "Custom"],
  ]);
  const text = check(["hv1", { ...survey, settings: { ...survey.settings, pending } }]);
  assert.equal(
    text,
    [
      "hv1  Dell Inc. PowerEdge R650  BIOS 1.2.4  power on  https://bmc.example",
      "  ! virtualization (VT-x, AMD-V)  off until the host reboots: ProcVirtualization (Virtualization Technology) is Disabled, Enabled is pending",
      "  ! IOMMU (VT-d, AMD-Vi)          off until the host reboots: ProcVirtualization (Virtualization Technology) is Disabled, Enabled is pending",
      "  ✗ SR-IOV                        off: SriovGlobalEnable (SR-IOV Global Enable) is Disabled",
      "  ✓ above-4G decoding             on: MmioAbove4Gb (Memory Mapped I/O above 4GB) is Enabled",
      "  - ARI                           no setting of this BIOS is known for it",
      "      do   reboot the host: what is pending takes effect then",
      "      do   vflag bios set hv1, then reboot the host",
      "  ! the next reboot also changes SysProfile",
      "",
      "1 host: 0 as it should be, 1 not.",
      "",
    ].join("\n"),
  );
});

test("check: an unknown vendor's settings are listed for a person", () => {
  const text = check(["hv5", surveyOf(nobody)]);
  assert.match(text, /\? vflag does not know this vendor's settings, and sets none of them\n/);
  assert.match(
    text,
    /looks relevant, for a person to judge:\n {4}CbsCmnCpuSvm \(SVM Mode\) is On\n {4}NBIO001 \(IOMMU\) is Off\n/,
  );
});

test("check: the host's word beside the BIOS', and a contradiction of the two", () => {
  const agreed = check(["hv3", surveyOf(lenovo), evidenceOf(readGolden("sriov-works").state)]);
  assert.match(
    agreed,
    /✓ IOMMU .* on: DevicesandIOPorts_IOMMU \(IOMMU\) is Auto, so the BIOS decides; the host showed at .*: \d+ IOMMU groups\n/,
  );
  assert.match(agreed, /1 host: 1 as it should be\.\n$/);
  const against = check(["hv3", surveyOf(lenovo), evidenceOf(readGolden("virtualization-off").state)]);
  assert.match(
    against,
    /✗ virtualization .* contradiction: Processors_SVMMode is Enabled, and the host showed at .*\n {6}do {3}reboot the host/,
  );
});

test("check: by hand where vflag may not; hosts that do not answer, and those without a BMC", () => {
  const entries = hpe.entries.map((entry) => ({ ...entry, ReadOnly: true }));
  assert.match(
    check(["hv2", surveyOf(hpe, { entries })]),
    /do {3}turn it on in the BIOS by hand: Sriov: the BIOS lets nobody change it \(read-only\)/,
  );
  const silent: HostBios = {
    host: "hv9",
    bmc: null,
    report: null,
    plan: null,
    outcome: null,
    problem: "it has no vflag_bmc_address",
  };
  assert.equal(
    biosCheckText([silent], ["hv7"], plain),
    "hv9\n  ✗ cannot be asked: it has no vflag_bmc_address\n\n1 host: 0 as it should be, 1 could not be asked.\n" +
      "Without vflag_bmc_address in the inventory, so not asked: hv7.\n",
  );
});

test("plan: each change, and the request as a person would type it", () => {
  assert.equal(
    biosPlanText([answer("hv2", surveyOf(hpe))], [], false, plain),
    [
      "hv2  HPE ProLiant DL385 Gen10  BIOS 1.2.4  power on  https://bmc.example",
      "  ProcAmdIOMMU: Disabled -> Enabled  IOMMU (VT-d, AMD-Vi)",
      "  Sriov: Disabled -> Enabled  SR-IOV",
      `      curl --netrc -X PATCH -H 'Content-Type: application/json' -H 'If-Match: "1"' -d ` +
        `'{"Attributes":{"ProcAmdIOMMU":"Enabled","Sriov":"Enabled"}}' https://bmc.example/redfish/v1/Systems/1/Bios/settings/`,
      "",
      "Plan: 1 host to change. Nothing was changed. `vflag bios set` does it; then each has to be rebooted.",
      "",
    ].join("\n"),
  );
});

test("set: pending, or taken and not seen as pending, or refused", () => {
  const done = (outcome: ChangeOutcome) =>
    biosPlanText([{ ...answer("hv2", surveyOf(hpe)), outcome }], [], true, plain);
  assert.match(
    done({ unseen: [], shown: true, problem: null, task: null, remarks: [] }),
    /✓ pending: it takes effect when the host reboots\n\n1 host changed\./,
  );
  const lost = done({
    unseen: ["Sriov"],
    shown: true,
    problem: null,
    task: "/tasks/1 (New)",
    remarks: ["The job queue is full."],
  });
  assert.match(
    lost,
    /\? the BMC took it, by the task \/tasks\/1 \(New\), and does not show it as pending: Sriov: see its job queue\n/,
  );
  assert.match(lost, /! the BMC says: The job queue is full\.\n/);
  const unlooked = done({
    unseen: ["Sriov"],
    shown: false,
    problem: "GET /x: no answer within 60 s",
    task: null,
    remarks: [],
  });
  assert.match(
    unlooked,
    /\? the BMC took it; whether it is pending could not be seen: GET \/x: no answer within 60 s: see vflag bios/,
  );
  assert.match(unlooked, /1 host changed\./);
  const refused = biosPlanText([{ ...answer("hv2", surveyOf(hpe)), problem: "HTTP 412" }], [], true, plain);
  assert.match(refused, /✗ cannot be changed: HTTP 412\n/);
  assert.match(refused, /0 hosts changed, 1 could not be asked or changed\.\n$/);
});

test("nothing that a BMC says draws or adds a line", () => {
  const survey = surveyOf(dell, { manufacturer: "Dell\u001b[2J\n  ✓ SR-IOV  on", model: "\u202eR650" });
  const settings = {
    ...survey.settings,
    pending: new Map([["Sys\nProfile\u0007", "x"]]),
    remarks: ["a\rb\u009b1m"],
  };
  const asked = answer("hv1", { ...survey, settings });
  for (const text of [biosCheckText([asked], [], plain), biosPlanText([asked], [], false, plain)]) {
    assert.doesNotMatch(terminalText(text), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    assert.doesNotMatch(text, /^ {2}✓ SR-IOV/m);
  }
});

function check(...asked: readonly [string, BiosSurvey, ReturnType<typeof evidenceOf>?][]): string {
  return biosCheckText(
    asked.map((each) => answer(...each)),
    [],
    plain,
  );
}

function answer(host: string, survey: BiosSurvey, evidence?: ReturnType<typeof evidenceOf>): HostBios {
  const report = assess(survey, evidence);
  return {
    host,
    bmc: "https://bmc.example",
    report,
    plan: planOf(report, survey),
    outcome: null,
    problem: null,
  };
}
