import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { expectVflag } from "../support/command.ts";

/** What no boot can mend is reported by whoever looks, and fails no unit at each boot. */
const onHost = ["--host", "host.json", "--spec", "vflag.yaml"];
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vflag-cli-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("boot stages", () => {
  for (const [fault, said] of [
    [
      "kernel-without-tc-offload",
      /tc-offload .*cannot offload: its mlx5 was built without CONFIG_MLX5_CLS_ACT/,
    ],
    [
      "no-smfs",
      /steering .*the card refuses it \("Software managed steering is not supported by current device\."\)/,
    ],
  ] as const) {
    test(`${fault}: they end well, again and again, and the plan says it beforehand`, async () => {
      writeSpec();
      await expect(0, ["simulate", "new", "host.json", "--bond", "bond0", "--fault", fault]);
      if (fault === "kernel-without-tc-offload") await expect(2, ["plan", ...onHost], said);
      await expect(0, ["boot", "early", ...onHost]);
      await expect(0, ["simulate", "network", "host.json"]);
      await expect(0, ["boot", "late", ...onHost]);
      await expect(2, ["verify", ...onHost], said);
      await expect(0, ["simulate", "reboot", "host.json"]);
      await expect(0, ["boot", "early", ...onHost]);
    });
  }

  test("what a boot could mend fails them still", async () => {
    writeSpec();
    await expect(0, [
      "simulate",
      "new",
      "host.json",
      "--bond",
      "bond0",
      "--fault",
      "kernel-without-tc-offload",
      "--fault",
      "mode-change-fails",
    ]);
    await expect(2, ["boot", "early", ...onHost], /Failed setting eswitch to offloads/);
  });
});

function writeSpec(): void {
  const nic =
    "{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 2, bond: bond0, eswitch: {steering: smfs}}";
  writeFileSync(join(folder, "vflag.yaml"), `version: 1\nnics: [${nic}]\n`);
}

function expect(status: number, words: readonly string[], shows?: RegExp) {
  return expectVflag(folder, status, words, shows);
}
