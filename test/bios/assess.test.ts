import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assess, type BiosReport, isThere } from "../../src/bios/assess.ts";
import { evidenceOf } from "../../src/bios/evidence.ts";
import { type Feature, features, optionalFeatures } from "../../src/bios/features.ts";
import { planOf } from "../../src/bios/plan.ts";
import { vendorNames, vendorOf, vendorTable } from "../../src/bios/vendors.ts";
import { readGolden } from "../support/golden.ts";
import { dell, hpe, lenovo, machines, nobody, supermicro, surveyOf } from "./machines.ts";

describe("what a BIOS says", () => {
  test("each vendor's settings are found by its own names, and judged by its own values", () => {
    assert.deepEqual(answers(assess(surveyOf(dell))), ["off", "off", "off", "on", "none"]);
    assert.deepEqual(answers(assess(surveyOf(hpe))), ["on", "off", "off", "none", "none"]);
    assert.deepEqual(answers(assess(surveyOf(lenovo))), ["on", "unknown", "on", "none", "none"]);
    assert.deepEqual(answers(assess(surveyOf(supermicro))), ["off", "on", "off", "off", "off"]);
  });

  test("one attribute stands for two features where its help says so, and only then", () => {
    const [virtualization] = dell.entries;
    const silent = surveyOf(dell, {
      entries: [{ ...virtualization, HelpText: "Virtualization." }, ...dell.entries.slice(1)],
    });
    assert.equal(answers(assess(silent))[1], "unknown");
  });

  test("a BIOS of nobody that vflag knows: what looks relevant is listed, and nothing is set", () => {
    const survey = surveyOf(nobody);
    const report = assess(survey);
    assert.equal(report.vendor, null);
    assert.deepEqual(
      report.relevant.map(({ attribute, feature, value }) => [attribute, feature, value]),
      [
        ["CbsCmnCpuSvm", "virtualization", "On"],
        ["NBIO001", "iommu", "Off"],
        ["PCIS007", "sr-iov", "Disabled"],
        ["PCIS008", "above-4g", "Disabled"],
      ],
    );
    assert.deepEqual(planOf(report, survey), { changes: [], left: [], request: null });
    assert.deepEqual(answers(report), ["unknown", "unknown", "unknown", "unknown", "none"]);
  });

  test("a setting that is not in the table, looks like a feature and is off: nobody knows whether the feature is there", () => {
    const above = (value: string) => {
      const attributes = { ...lenovo.attributes, DevicesandIOPorts_PCI64BitResourceAllocation: value };
      return answers(assess(surveyOf(lenovo, { attributes })))[3];
    };
    assert.equal(above("Disabled"), "unknown");
    assert.equal(above("Enabled"), "none");
  });

  test("a detail of a feature is not taken for the feature", () => {
    assert.deepEqual(
      assess(surveyOf({ ...supermicro, manufacturer: "Example Servers" })).relevant.map(
        ({ attribute }) => attribute,
      ),
      Object.keys(supermicro.attributes).filter((name) => !name.startsWith("Interrupt")),
    );
  });

  test("what is pending is told apart from what is in force, in both directions", () => {
    const pending = new Map([
      ["SriovGlobalEnable", "Enabled"],
      ["MmioAbove4Gb", "Disabled"],
      ["SysProfile", "Custom"],
      ["ProcVirtualization", "Disabled"],
    ]);
    const survey = surveyOf(dell);
    const report = assess({ ...survey, settings: { ...survey.settings, pending } });
    assert.deepEqual(answers(report), ["off", "off", "turns-on", "turns-off", "none"]);
    assert.deepEqual(report.alsoPending, ["SysProfile"]);
    assert.deepEqual(report.features.filter(isThere).length, 1);
    const plan = planOf(report, { ...survey, settings: { ...survey.settings, pending } });
    assert.deepEqual(plan.request?.body.Attributes, {
      ProcVirtualization: "Enabled",
      MmioAbove4Gb: "Enabled",
    });
  });
});

describe("what would be set", () => {
  test("each attribute once, to a value that its registry lists, with the tag of what was looked at", () => {
    const survey = surveyOf(supermicro);
    const { request, changes } = planOf(assess(survey), survey);
    assert.deepEqual(request, {
      path: "/redfish/v1/Systems/1/Bios/SD",
      etag: '"1"',
      body: {
        Attributes: {
          IntelVirtualizationTechnology_0019: "Enable",
          SR_IOVSupport_002B: "Enabled",
          Above4GDecoding_002A: "Enabled",
          ARISupport_0037: "Enabled",
        },
      },
    });
    assert.equal(changes.length, 4);
    const two = surveyOf(dell);
    assert.deepEqual(planOf(assess(two), two).changes[0]?.features, ["virtualization", "iommu"]);
  });

  test("only at the next reset, where the service lets it be said; and not at all where it would not wait for one", () => {
    const at = (applyTimes: readonly string[]) => {
      const survey = surveyOf(dell);
      const timed = { ...survey, settings: { ...survey.settings, applyTimes } };
      return planOf(assess(timed), timed);
    };
    assert.equal(
      at(["Immediate", "OnReset"]).request?.body["@Redfish.SettingsApplyTime"]?.ApplyTime,
      "OnReset",
    );
    const { request, left } = at(["Immediate"]);
    assert.equal(request, null);
    assert.equal(left.length, 3);
    assert.match(left[0]?.reason ?? "", /Immediate, and not OnReset/);
  });

  test("what is read-only, has no such value, is no enumeration, or is not described is left, and why is said", () => {
    const reasonFor = (entry: Record<string, unknown> | null) => {
      const rest = dell.entries.filter(({ AttributeName: name }) => name !== "SriovGlobalEnable");
      const survey = surveyOf(dell, {
        entries: entry === null ? rest : [...rest, { ...entry, AttributeName: "SriovGlobalEnable" }],
      });
      const { left, request } = planOf(assess(survey), survey);
      assert.deepEqual(Object.keys(request?.body.Attributes ?? {}), ["ProcVirtualization"]);
      return left.map(({ reason }) => reason).join();
    };
    const value = [{ ValueName: "Enabled" }, { ValueName: "Disabled" }];
    assert.match(reasonFor({ Type: "Enumeration", Value: value, ReadOnly: true }), /read-only/);
    assert.match(reasonFor({ Type: "Enumeration", Value: value, Immutable: true }), /read-only/);
    assert.match(
      reasonFor({ Type: "Enumeration", Value: [{ ValueName: "Aktiviert" }] }),
      /registry lists Aktiviert$/,
    );
    assert.match(reasonFor({ Type: "String" }), /type String, not an enumeration/);
    assert.match(reasonFor(null), /does not describe it/);
  });

  test("without a registry nothing is set", () => {
    const survey = surveyOf(dell, {}, { registry: { problem: "HTTP 404" } });
    const report = assess(survey);
    assert.deepEqual(answers(report), ["off", "unknown", "off", "on", "none"]);
    assert.equal(planOf(report, survey).request, null);
    assert.match(planOf(report, survey).left[0]?.reason ?? "", /registry cannot be read: HTTP 404/);
  });

  test("a setting that depends on another is set together with it, or left while the other stays as it is", () => {
    const off = { attributes: { ...hpe.attributes, ProcAmdVirtualization: "Disabled" } };
    const survey = surveyOf(hpe, off);
    assert.deepEqual(planOf(assess(survey), survey).request?.body.Attributes, {
      ProcAmdVirtualization: "Enabled",
      Sriov: "Enabled",
      ProcAmdIOMMU: "Enabled",
    });
    const readOnly = hpe.entries.map((entry, index) => (index === 0 ? { ...entry, ReadOnly: true } : entry));
    const locked = surveyOf(hpe, { ...off, entries: readOnly });
    const { left, request } = planOf(assess(locked), locked);
    assert.deepEqual(request?.body.Attributes, { Sriov: "Enabled" });
    assert.equal(
      left.find(({ feature }) => feature === "iommu")?.reason,
      "it depends on another setting: ProcAmdVirtualization is Disabled",
    );
  });
});

describe("beside what the host shows", () => {
  const shown = (name: string) => evidenceOf(readGolden(name).state);

  test("the host's word counts where the BIOS decides itself", () => {
    const report = assess(surveyOf(lenovo), shown("sriov-works"));
    assert.equal(answers(report)[1], "on");
    assert.equal(report.features[1]?.evidence?.shows, "on");
    const survey = surveyOf(lenovo);
    const missed = new Map([
      ["iommu" as Feature, { shows: "off" as const, text: "no IOMMU group", observedAt: "then" }],
    ]);
    assert.deepEqual(planOf(assess(survey, missed), survey).request?.body.Attributes, {
      DevicesandIOPorts_IOMMU: "Enabled",
    });
  });

  test("a contradiction is named, with both sides and what to do", () => {
    const report = assess(surveyOf(lenovo), shown("virtualization-off"));
    const [virtualization] = report.features;
    assert.equal(virtualization?.answer, "contradiction");
    assert.match(
      virtualization?.contradiction?.text ?? "",
      /^Processors_SVMMode is Enabled, and the host showed at .*: the processor has neither vmx nor svm$/,
    );
    assert.match(virtualization?.contradiction?.remedy ?? "", /reboot the host/);
    const other = assess(surveyOf(hpe), shown("sriov-works")).features[2];
    assert.equal(other?.answer, "contradiction");
    assert.match(other?.contradiction?.remedy ?? "", /BMC is the host's own/);
  });

  test("a kernel without room for VFs points to SR-IOV and above-4G decoding", () => {
    const found = shown("no-room-for-vfs");
    assert.deepEqual([found.get("sr-iov")?.shows, found.get("above-4g")?.shows], ["off", "off"]);
  });

  test("no IOMMU group is no evidence against the BIOS while the kernel was not asked for one", () => {
    const { state } = readGolden("iommu-off-not-declared");
    const platform = state.platform;
    assert.ok(!("unknown" in platform));
    const at = (args: string[]) =>
      evidenceOf({
        ...state,
        platform: {
          ...platform,
          iommuGroups: 0,
          cpu: { vendor: "GenuineIntel", virtualization: "vmx" },
          arguments: args,
        },
      });
    assert.equal(at(["quiet"]).has("iommu"), false);
    assert.equal(at(["intel_iommu=on", "iommu=off"]).has("iommu"), false);
    assert.equal(at(["intel_iommu=on,sm_on"]).get("iommu")?.shows, "off");
  });

  test("a state in which nobody looked is evidence of nothing", () => {
    const { state } = readGolden("sriov-works");
    assert.deepEqual([...evidenceOf({ ...state, pfs: [], platform: { unknown: "not looked" } }).keys()], []);
  });
});

test("vendors are known by what they call themselves", () => {
  const expected = {
    dell: "Dell",
    hpe: "HPE",
    lenovo: "Lenovo",
    supermicro: "Supermicro",
    nobody: null,
  } as const;
  for (const [name, { manufacturer }] of Object.entries(machines))
    assert.equal(vendorOf(manufacturer), Reflect.get(expected, name));
  assert.equal(vendorOf("Hewlett Packard Enterprise"), "HPE");
  assert.equal(vendorOf("Super Micro Computer, Inc."), "Supermicro");
  assert.equal(vendorOf("HP"), "HPE");
  assert.equal(vendorOf(null, "Dell"), "Dell");
  assert.equal(vendorOf("Hyper Dell"), null);
});

test("each vendor has the settings that all need, each for one feature unless its help says more, and turns none off", () => {
  const needed = features.filter((feature) => !optionalFeatures.has(feature));
  for (const vendor of vendorNames) {
    const entries = vendorTable[vendor];
    const covered = new Set(entries.map(({ feature }) => feature));
    assert.deepEqual(
      needed.filter((feature) => !covered.has(feature)),
      [],
      vendor,
    );
    const plain = entries.flatMap(({ ifHelp, attributes }) => (ifHelp === undefined ? attributes : []));
    assert.equal(new Set(plain).size, plain.length, vendor);
    for (const { on } of entries) assert.match(on.join(" "), /^(Enabled?|On|Auto)( |$)/, vendor);
  }
});

function answers(report: BiosReport): string[] {
  return features.map(
    (feature) => report.features.find((each) => each.feature === feature)?.answer ?? "missing",
  );
}
