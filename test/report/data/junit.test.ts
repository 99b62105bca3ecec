import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SaxesParser } from "saxes";
import { isInstalled } from "../../../scripts/package/tools.ts";
import type { HostState } from "../../../src/host/state/state.ts";
import { junitXml } from "../../../src/report/data/junit.ts";
import { nicsFound } from "../../../src/requirements/evaluate.ts";
import { flowsInHardware } from "../../../src/requirements/traffic/flows-in-hardware.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { checkLists } from "../../../src/verdict/checks.ts";
import { verdicts } from "../../../src/verdict/verdict.ts";
import { readGolden } from "../../support/golden.ts";
import { hostileState } from "../../support/hostile.ts";

const cases = readdirSync(join(import.meta.dirname, "../../golden"), { withFileTypes: true }).flatMap(
  (each) => (each.isDirectory() ? each.name : []),
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
    const hostile = await hostileState();
    const elements = new Set<string>();
    const hostnames = new Set<string | undefined>();
    const parser = new SaxesParser();
    parser.on("opentag", ({ name, attributes }) => {
      elements.add(name);
      if (name === "testsuite") hostnames.add(attributes["hostname"]);
    });
    parser.write(xmlOf(hostile)).close();
    assert.deepEqual(
      elements.difference(new Set(elementsOf(readFileSync(join(import.meta.dirname, "junit.xsd"), "utf8")))),
      new Set(),
    );
    // What draws stands as U+FFFD, and all else as it is.
    const shown = hostile.state.hostname.replaceAll(/[\x00\x1b\u202e]/g, "\ufffd");
    assert.match(shown, /<script>/);
    assert.deepEqual(hostnames, new Set([shown]));
  });
});

/** The elements that a schema knows. */
function elementsOf(schema: string): string[] {
  return [...schema.matchAll(/<xs:element name="([^"]+)"/g)].map(([, name = ""]) => name);
}

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

  test("flows that are not asked about, for want of any, would find nothing", () => {
    let silent = 0;
    for (const name of cases) {
      const { spec, state } = readGolden(name);
      for (const view of nicsFound(spec, state)) {
        const because = flowsInHardware.notAsked?.(view.nic, state) ?? null;
        if (view.nic.mode === "sriov" || because === null) continue;
        silent += 1;
        assert.deepEqual(flowsInHardware.check(view), [], name);
      }
    }
    assert.ok(silent > 20, `${silent}`);
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
