import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type FaultName, faults, inject, isFaultName } from "../../src/host/simulated/faults.ts";
import { fresh, spec } from "../support/hosts.ts";
import { apply, boot, bootAgain, follow, isEnd } from "./remedies.ts";

/**
 * Every fault of the simulated host, at power-on, on a running host, and after two more boots: the first line
 * names the cause, and whoever follows its remedy reaches a NIC that works, or is told what a person must do,
 * without ever being told the same again.
 */

const wanted = spec(`
version: 1
nics:
  - name: data
    mode: vf-lag
    ports: [ens3f0, ens3f1]
    vfs: 5
    bond: bond0
    channels: {pf: 63, representor: 18}
    eswitch: {steering: smfs, encap: true}
kernel: {iommu: auto}
ovs: {hwOffload: true}
`);

/**
 * What the first line is about, at power-on, on a running host, after two more boots; null: the NIC works.
 */
const causes: Partial<Record<FaultName, readonly [string | null, string | null, string | null]>> = {
  "missing-vf-link": ["vf-links", null, "vf-links"],
  "no-mmio": ["bios-resources", null, "bios-resources"],
  "renames-ports": ["bond", null, null],
  "bind-fails": ["vfs-bound", null, "vfs-bound"],
  "mode-change-fails": ["eswitch-mode", null, "eswitch-mode"],
  "eswitch-busy": ["eswitch-mode", null, "eswitch-mode"],
  "mode-change-out-of-memory": ["eswitch-mode", null, "eswitch-mode"],
  "lag-refused": ["lag", null, "lag"],
  "lag-stuck": [null, "lag", null],
  "kernel-without-tc-offload": ["tc-offload", "tc-offload", "tc-offload"],
  "no-smfs": ["steering", "not-in-bond", "steering"],
  "no-encap": ["eswitch-encap", "not-in-bond", "eswitch-encap"],
  "ovs-forgets-bond": ["ovs-ingress-blocks", null, "ovs-ingress-blocks"],
  "ovs-offload-off": [null, "ovs-hw-offload", "ovs-hw-offload"],
  "ovs-skip-hw": [null, "ovs-tc-policy", "ovs-tc-policy"],
  "ovs-stopped": ["ovs-running", "ovs-running", null],
  "ingress-block-missing": [null, "ovs-ingress-blocks", null],
  "virtualization-off": ["iommu", "iommu", "iommu"],
  "iommu-off": ["iommu", "iommu", "iommu"],
  "firmware-short": ["vf-count", null, "vf-count"],
  "no-virtualization": ["model", null, null],
  "port-missing": ["ports", null, null],
  "third-slave": ["bond", "bond", null],
  "slave-missing": [null, "bond", null],
  "bond-mode": ["bond", "bond", "bond"],
  "bonded-early": ["not-in-bond", null, null],
  "port-to-legacy": [null, "not-in-bond", null],
  "vfs-bound-early": [null, "lag", null],
  "tc-offload-off": [null, "tc-offload", null],
  "channels-reset": [null, "channels", null],
  "representors-lost": [null, "representors", null],
  "vfs-unbound": [null, "vfs-bound", null],
  "debugfs-missing": ["lag", "lag", "lag"],
  "steering-without-value": ["steering", "steering", null],
};

const moments = ["at power-on", "on a running host", "after two more boots"] as const;

describe("the remedy of the first line, followed", () => {
  for (const name of Object.keys(faults).filter(isFaultName)) {
    for (const [index, moment] of moments.entries()) {
      test(`${name}, ${moment}`, async () => {
        const world = fresh();
        if (index === 0) inject(world, name);
        await boot(world, wanted);
        await apply(world, wanted);
        if (index > 0) inject(world, name);
        if (index === 2) for (let boots = 0; boots < 2; boots++) await bootAgain(world, wanted);
        const rounds = await follow(world, wanted);
        assert.equal(rounds[0]?.requirement ?? null, causes[name]?.[index] ?? null, rounds[0]?.line ?? "");
        const lines = rounds.map(({ line }) => line);
        assert.deepEqual(lines, [...new Set(lines)], "the same is said again");
        const last = rounds.at(-1);
        assert.ok(last !== undefined && isEnd(last), `it goes on: ${lines.join(" / ")}`);
        assert.deepEqual(world.hidden.harm, []);
      });
    }
  }
});
