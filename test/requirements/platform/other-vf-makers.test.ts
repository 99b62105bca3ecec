import assert from "node:assert/strict";
import { test } from "node:test";
import { notLookedThen } from "../../../src/host/state/observed.ts";
import type { HostState } from "../../../src/host/state/state.ts";
import type { VfMaker } from "../../../src/host/state/vf-makers.ts";
import { evaluateHost } from "../../../src/requirements/evaluate.ts";
import { readGolden } from "../../support/golden.ts";
import { spec } from "../../support/hosts.ts";

const { state } = readGolden("two-nics");
const two = spec(`version: 1
nics:
  - {name: a, mode: sriov, ports: [${state.pfs[0]?.netdev}], vfs: 2}
  - {name: b, mode: sriov, ports: [${state.pfs[2]?.netdev}], vfs: 2}
`);

function found(change: Partial<HostState>, wanted = two) {
  return evaluateHost(wanted, { ...state, units: [], vfMakers: [], ...change }, ["platform"])
    .filter(({ requirement }) => requirement === "other-vf-makers")
    .map(({ subject, severity, bites, nics, remedy }) => [
      subject,
      severity,
      bites,
      nics,
      remedy.kind === "person" ? remedy.text : "",
    ]);
}

const rule = (text: string): VfMaker => ({
  kind: "udev",
  path: "/etc/udev/rules.d/70-sriov.rules",
  lines: [{ line: 2, text, port: null }],
});
const remedy = "take the line out of /etc/udev/rules.d/70-sriov.rules, then udevadm control --reload";

test("a file that names a port concerns its NIC; one that names none may concern all; others' ports none", () => {
  const [first, , third] = state.pfs.map(({ netdev }) => netdev);
  const path = "/etc/udev/rules.d/70-sriov.rules";
  const concerned = (text: string) => found({ vfMakers: [rule(text)] });
  assert.deepEqual(concerned(`echo 8 > /sys/class/net/${first}/device/sriov_numvfs`), [
    [path, "warning", "at the next boot", ["a"], remedy],
  ]);
  assert.deepEqual(concerned("echo 8 > /sys/class/net/$name/device/sriov_numvfs")[0]?.[3], ["a", "b"]);
  const one = spec(`version: 1\nnics: [{name: a, mode: sriov, ports: [${first}], vfs: 2}]\n`);
  assert.deepEqual(found({ vfMakers: [rule(`ATTR{x} ${third}, sriov_numvfs`)] }, one), []);
  assert.deepEqual(concerned(`echo 8 > /sys/class/net/${first}x/device/sriov_numvfs`)[0]?.[3], ["a", "b"]);
});

test("a unit counts where it starts at boot, each with how it is retired", () => {
  const unit = (name: string, enabled: string | null, active: string) => ({
    name,
    path: null,
    enabled,
    active,
    result: "success",
  });
  const units = [
    unit("sriov_config.service", "enabled", "inactive"),
    unit("sriov-config.service", "enabled", "active"),
    unit("netplan-sriov-apply.service", null, "active"),
    unit("mlnx-vflag-final.service", "disabled", "active"),
    unit("my-vf-lag.service", "enabled", "failed"),
  ];
  const seen = found({ units });
  assert.deepEqual(
    seen.map(([subject]) => subject),
    ["sriov_config.service", "sriov-config.service", "netplan-sriov-apply.service", "my-vf-lag.service"],
  );
  assert.match(String(seen[0]?.[4]), /sriov_pf entries out of os-net-config/);
  assert.match(String(seen[1]?.[4]), /sriov-network-operator's policies/);
  assert.match(
    String(seen[3]?.[4]),
    /^see what it does \(systemctl cat my-vf-lag\.service\), then systemctl disable/,
  );
  const netplan: VfMaker = {
    kind: "netplan",
    path: "/etc/netplan/50.yaml",
    lines: [{ line: 1, text: "x", port: null }],
  };
  assert.ok(!found({ units, vfMakers: [netplan] }).some(([name]) => name === "netplan-sriov-apply.service"));
});

test("each line of a file counts for itself: another NIC's lines hide none of ours", () => {
  const [first, , third] = state.pfs.map(({ netdev }) => netdev);
  const one = spec(`version: 1\nnics: [{name: a, mode: sriov, ports: [${first}], vfs: 2}]\n`);
  const lines = (...texts: string[]) => [
    { ...rule(""), lines: texts.map((text, line) => ({ line, text, port: null })) },
  ];
  const [others, ours, any] = [third, first, "$name"].map((name) => `echo 8 > ${name}/device/sriov_numvfs`);
  assert.deepEqual(found({ vfMakers: lines(`${others}`, `${others}`) }, one), []);
  assert.equal(found({ vfMakers: lines(`${others}`, `${ours}`) }, one).length, 1);
  assert.equal(found({ vfMakers: lines(`${others}`, `${any}`) }, one).length, 1);
});

test("a unit whose file makes VFs counts where it starts at boot, whatever its name", () => {
  const vfMakers: VfMaker[] = [
    { ...rule("sriov_numvfs"), kind: "unit", path: "/etc/systemd/system/set-vfs.service" },
  ];
  const unit = { name: "set-vfs.service", path: null, active: "inactive", result: "success" };
  const seen = (enabled: string) => found({ vfMakers, units: [{ ...unit, enabled }] });
  assert.deepEqual(seen("disabled"), []);
  assert.deepEqual(seen("masked"), []);
  assert.deepEqual(
    seen("enabled").map(([subject, , , , text]) => [subject, text]),
    [
      [
        "set-vfs.service",
        "see what it does (systemctl cat set-vfs.service), then systemctl disable set-vfs.service",
      ],
    ],
  );
  const agent = { ...unit, name: "kolla-neutron_sriov_agent-container.service", enabled: "enabled" };
  assert.deepEqual(found({ units: [agent] }), []);
});

test("a state of an earlier version, in which nobody looked, says nothing of them", () => {
  assert.deepEqual(found({ vfMakers: notLookedThen }), []);
  const [unseen] = found({ vfMakers: { unknown: "EACCES" } });
  assert.deepEqual(unseen?.slice(0, 2), ["files of the next boot", "warning"]);
});
