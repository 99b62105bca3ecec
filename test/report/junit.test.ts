import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isInstalled } from "../../scripts/package/tools.ts";
import type { HostState } from "../../src/host/state/state.ts";
import { junitXml } from "../../src/report/data/junit.ts";
import { evaluate, evaluateHost } from "../../src/requirements/evaluate.ts";
import { knownHere, notAskedOfHost, notAskedOfNic } from "../../src/requirements/not-asked.ts";
import { allRequirements } from "../../src/requirements/stages.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { checkLists } from "../../src/verdict/checks.ts";
import { verdicts } from "../../src/verdict/verdict.ts";
import { readGolden } from "../support/golden.ts";
import { hostileState } from "../support/hostile.ts";

const cases = readdirSync(join(import.meta.dirname, "../golden"), { withFileTypes: true }).flatMap((each) =>
  each.isDirectory() ? each.name : [],
);
const xmlOf = ({ spec, state }: { spec: Spec; state: HostState }) =>
  junitXml(spec, state, verdicts(spec, state));
const noXmllint = isInstalled("xmllint") ? false : "xmllint is not installed (Debian: libxml2-utils)";

describe("JUnit XML", () => {
  test("a failure names what is wrong and what it follows from; what builds on it is skipped", () => {
    const xml = xmlOf(readGolden("third-slave"));
    assert.match(xml, /<testsuites name="vflag verify" tests="\d+" failures="2" errors="0" /);
    assert.match(
      xml,
      /<failure message="bond0: eno1 is in it too, wanted no slave but ens3f0 and ens3f1" type="bond">/,
    );
    assert.match(xml, /<failure message="LAG of [^"]+; follows from bond" type="lag">/);
    assert.match(xml, /name="bond-links: [^>]+>\s+<skipped message="not judged while bond does not hold"\/>/);
    assert.match(xml, /name="firmware: [^>]+>\s+<skipped message="the spec declares no firmware"\/>/);
  });

  test("the log's lines stand with the failure that they explain", () => {
    const xml = xmlOf(readGolden("lag-stuck-in-firmware"));
    assert.match(
      xml,
      /type="lag">[^<]*\nseen: \[ +11\.812\] mlx5_core [^<]*driver restart required[^<]*<\/failure>/,
    );
  });

  test("what could not be observed is an error, and a warning passes with its text", () => {
    const xml = xmlOf(readGolden("lag-state-unknown"));
    assert.match(xml, /<error message="LAG of [^"]+debugfs is not mounted[^"]*" type="lag">/);
    assert.match(xmlOf(readGolden("slave-down")), /<system-out>warning: /);
  });

  test("every golden case, and a host of hostile names, fits the schema", { skip: noXmllint }, async () => {
    const texts = [...cases.map((name) => xmlOf(readGolden(name))), xmlOf(await hostileState())];
    const folder = mkdtempSync(join(tmpdir(), "vflag-junit-"));
    try {
      const files = texts.map((text, index) => {
        const file = join(folder, `${index}.xml`);
        writeFileSync(file, text);
        return file;
      });
      const argv = ["--noout", "--nonet", "--schema", join(import.meta.dirname, "junit.xsd"), ...files];
      const { status, stderr } = spawnSync("xmllint", argv, { encoding: "utf8" });
      assert.equal(status, 0, stderr);
      assert.equal(stderr.match(/ validates$/gm)?.length, files.length);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("hostile names are text", async () => {
    const xml = xmlOf(await hostileState());
    assert.doesNotMatch(xml, /<script|<img|[\x00-\x08\x0b-\x1f]/);
    assert.ok(xml.includes("&#60;script&#62;"));
  });
});

describe("what came of each requirement", () => {
  test("every deviation stands with one requirement, and the outcome is its heaviest", () => {
    for (const name of cases) {
      const { spec, state } = readGolden(name);
      const answers = verdicts(spec, state);
      for (const { verdict, checks } of checkLists(spec, state, answers)) {
        if (verdict === null) continue;
        const own = verdict.deviations.filter(({ nic }) => nic === verdict.nic);
        assert.equal(
          checks.reduce((sum, check) => sum + check.deviations.length, 0),
          own.length,
          name,
        );
        const wrong = checks.some(({ outcome }) => outcome === "error");
        assert.equal(
          wrong,
          own.some(({ severity }) => severity === "error"),
          name,
        );
        if (verdict.answer === "works")
          assert.ok(
            checks.every(({ outcome }) => outcome !== "error" && outcome !== "unknown"),
            name,
          );
      }
    }
  });

  test("what a spec does not ask for finds nothing, on any host", () => {
    const ids = new Set(allRequirements.map(({ id }) => id));
    for (const id of knownHere) assert.ok(ids.has(id), id);
    for (const name of cases) {
      const { spec, state } = readGolden(name);
      const found = [
        ...evaluateHost(spec, state),
        ...evaluate(spec, state).flatMap(({ deviations }) => deviations),
      ];
      for (const { requirement, nic } of found) {
        const declared = spec.nics.find((each) => each.name === nic);
        const reason =
          declared === undefined
            ? notAskedOfHost(requirement, spec)
            : notAskedOfNic(requirement, declared, state);
        assert.equal(reason, null, `${name}: ${requirement}`);
      }
    }
  });

  test("without a flow to look at, flows are not said to be in hardware", () => {
    const { spec, state } = readGolden("ovs-works");
    for (const flows of [
      null,
      { unknown: "no answer" },
      { tallies: [], listed: 0, notUnderstood: 0, cut: null, tunnels: [] },
    ]) {
      const [, data] = checkLists(spec, { ...state, flows }, verdicts(spec, { ...state, flows }));
      assert.equal(
        data?.checks.find(({ requirement }) => requirement.id === "flows-in-hardware")?.outcome,
        "not-asked",
      );
    }
  });

  test("nothing is said to hold that builds on what does not", () => {
    const { spec, state } = readGolden("port-missing");
    const [, data] = checkLists(spec, state, verdicts(spec, state));
    const outcomes = new Set(
      data?.checks.filter(({ requirement }) => requirement.id !== "ports").map(({ outcome }) => outcome),
    );
    assert.deepEqual([...outcomes].toSorted(), ["not-asked", "not-judged"]);
  });
});
