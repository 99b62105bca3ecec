import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { observeWorld } from "../../../src/host/simulated/host.ts";
import type { HostState } from "../../../src/host/state/state.ts";
import { prometheusText } from "../../../src/report/data/prometheus.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { verdicts } from "../../../src/verdict/verdict.ts";
import { readGolden } from "../../support/golden.ts";
import { hostileState } from "../../support/hostile.ts";
import { booted, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { noPromtool, parseExposition, type ReadSample } from "../../support/promtool.ts";

const monitoring = join(import.meta.dirname, "../../../monitoring");
const golden = [
  "ovs-works",
  "third-slave",
  "two-nics",
  "lag-state-unknown",
  "port-missing",
  "guests-run",
  "real-6.1-roce-lag",
  "holders-unknown",
];

const metricsOf = ({ spec, state }: { spec: Spec; state: HostState }) =>
  prometheusText(spec, state, verdicts(spec, state), "0");
const samplesOf = (name: string) => parseExposition(metricsOf(readGolden(name))).samples;

function sampled(
  samples: readonly ReadSample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  return samples.find(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value;
}

/** Everything that is ever written, on hosts of all kinds. */
async function everything(): Promise<readonly ReadSample[]> {
  const world = await booted(vfLagSpec, fresh());
  const running = metricsOf({ spec: spec(`${specText}ovs: {}\n`), state: observeWorld(world) });
  return [running, ...golden.map((name) => metricsOf(readGolden(name)))].flatMap(
    (text) => parseExposition(text).samples,
  );
}
const specText =
  "version: 1\nnics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 2, bond: bond0}]\n";

describe("metrics", () => {
  test("a NIC that works, and one whose bond has a third slave", () => {
    const fine = samplesOf("ovs-works");
    assert.equal(sampled(fine, "vflag_nic_works", { nic: "data", mode: "vf-lag" }), 1);
    assert.equal(sampled(fine, "vflag_lag_active", { nic: "data", bond: "bond0" }), 1);
    assert.equal(sampled(fine, "vflag_vfs", { netdev: "ens3f1", pf: "0000:37:00.1" }), 2);
    assert.equal(sampled(fine, "vflag_ovs_offload_in_effect"), 1);
    assert.equal(sampled(fine, "vflag_deviations"), undefined);
    const broken = samplesOf("third-slave");
    assert.equal(sampled(broken, "vflag_nic_works"), 0);
    assert.equal(sampled(broken, "vflag_nic_verdict", { verdict: "broken" }), 1);
    assert.equal(sampled(broken, "vflag_lag_active"), 0);
    const named = (name: string) =>
      broken.filter((sample) => sample.name === name).map(({ labels }) => labels["requirement"]);
    assert.deepEqual(named("vflag_root_causes"), ["bond"]);
    assert.deepEqual(named("vflag_deviations"), ["bond", "lag"]);
  });

  test("a NIC that works, and will not after the next failure of a link", () => {
    assert.equal(sampled(samplesOf("bond-never-fails-over"), "vflag_nic_works"), 1);
    assert.equal(sampled(samplesOf("bond-never-fails-over"), "vflag_nic_at_risk"), 1);
    assert.equal(sampled(samplesOf("ovs-works"), "vflag_nic_at_risk"), 0);
    assert.equal(sampled(samplesOf("third-slave"), "vflag_nic_at_risk"), 0);
  });

  test("symptoms of the logs", () => {
    assert.equal(
      sampled(samplesOf("lag-stuck-in-firmware"), "vflag_symptoms", { nic: "data", symptom: "lag-stuck" }),
      1,
    );
  });

  test("what was not observed has no sample, and is no zero", () => {
    const samples = samplesOf("lag-state-unknown");
    assert.equal(sampled(samples, "vflag_nic_verdict", { verdict: "unknown" }), 1);
    assert.equal(sampled(samples, "vflag_lag_active"), undefined);
    const { spec, state } = readGolden("ovs-works");
    const blind = parseExposition(
      metricsOf({ spec, state: { ...state, ovs: { unknown: "not asked" } } }),
    ).samples;
    assert.deepEqual(
      blind.filter(({ name }) => name.startsWith("vflag_ovs_")),
      [],
    );
    assert.equal(sampled(samplesOf("holders-unknown"), "vflag_vfs_in_use"), undefined);
  });

  test("when the host was observed is told in seconds", () => {
    assert.equal(
      sampled(samplesOf("ovs-works"), "vflag_last_observation_timestamp_seconds"),
      Date.UTC(2026, 0, 1) / 1000,
    );
  });

  test("many VFs make no more series than a few", async () => {
    const count = async (vfs: number) => {
      const wanted = spec(specText.replace("vfs: 2", `vfs: ${vfs}`));
      const state = observeWorld(await booted(wanted, fresh()));
      return parseExposition(metricsOf({ spec: wanted, state })).samples.length;
    };
    assert.equal(await count(32), await count(2));
  });

  test("promtool has nothing to say, whatever the host is called", { skip: noPromtool() }, async () => {
    const states = [...golden.map((name) => readGolden(name)), await hostileState()];
    for (const each of states) {
      const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
        input: metricsOf(each),
        encoding: "utf8",
      });
      assert.deepEqual([status, stdout, stderr], [0, "", ""]);
    }
  });
});

describe("alert rules and dashboard", () => {
  test("promtool accepts the rules, and their tests pass", { skip: noPromtool() }, () => {
    for (const argv of [
      ["check", "rules", "alerts.yml"],
      ["test", "rules", "alerts.test.yml"],
    ]) {
      const { status, stdout, stderr } = spawnSync("promtool", argv, { cwd: monitoring, encoding: "utf8" });
      assert.equal(status, 0, stdout + stderr);
    }
  });

  test("every alert is tested", () => {
    const tests = readFileSync(join(monitoring, "alerts.test.yml"), "utf8");
    const names = [...readFileSync(join(monitoring, "alerts.yml"), "utf8").matchAll(/alert: (\w+)/g)].map(
      ([, name = ""]) => name,
    );
    assert.ok(names.length > 5);
    for (const name of names) assert.match(tests, new RegExp(`alertname: ${name}\n`), name);
  });

  test("every metric and label that they speak of is written", async () => {
    const written = await everything();
    const alerts = [...readFileSync(join(monitoring, "alerts.yml"), "utf8").matchAll(/expr: (.+)/g)].map(
      ([, expression = ""]) => expression,
    );
    const asked = [...alerts, ...dashboardQueries()];
    assert.ok(asked.length > 20);
    for (const expression of asked) {
      const uses = [...expression.matchAll(/\b(vflag_[a-z_]+)(?:\{([^}]*)\})?/g)];
      assert.notEqual(uses.length, 0, expression);
      for (const [, name, matchers = ""] of uses) {
        const samples = written.filter((sample) => sample.name === name);
        assert.notEqual(samples.length, 0, `${name} in ${expression}`);
        for (const [, label = ""] of matchers.matchAll(/([a-z_]+)=/g))
          assert.ok(
            label === "instance" || samples.some(({ labels }) => label in labels),
            `${name}{${label}} in ${expression}`,
          );
      }
    }
  });

  test("the dashboard's expressions are PromQL", { skip: noPromtool() }, () => {
    const folder = mkdtempSync(join(tmpdir(), "vflag-rules-"));
    try {
      const rules = dashboardQueries()
        .filter((query) => !query.startsWith("label_values("))
        .map((expr, index) => ({ record: `x:${index}`, expr }));
      const file = join(folder, "rules.yml");
      writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
      const { status, stdout, stderr } = spawnSync("promtool", ["check", "rules", file], {
        encoding: "utf8",
      });
      assert.equal(status, 0, stdout + stderr);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** What Grafana asks Prometheus for the dashboard: the panels' expressions, and those of its variables. */
function dashboardQueries(): string[] {
  const found: string[] = [];
  JSON.parse(readFileSync(join(monitoring, "dashboard.json"), "utf8"), (key, value: unknown) => {
    if ((key === "expr" || key === "definition") && typeof value === "string") found.push(value);
    return value;
  });
  return found;
}
