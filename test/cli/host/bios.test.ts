import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { dell, lenovo, nobody } from "../../bios/machines.ts";
import { type Certificate, makeCertificate, withoutOpenssl } from "../../redfish/certificates.ts";
import { Service, type ServiceOptions } from "../../redfish/service.ts";
import { runVflag } from "../../support/command.ts";
import { readGolden } from "../../support/golden.ts";

/**
 * `vflag bios` in this process, with an ansible-inventory that prints what it is given; the real one is in
 * test/redfish/command.long.ts.
 */
const folder = mkdtempSync(join(tmpdir(), "vflag-cli-bios-"));
after(() => rmSync(folder, { recursive: true }));
const secret = "made-up-password";
let certificate: Certificate;

describe("vflag bios", { skip: withoutOpenssl, timeout: 60_000 }, () => {
  before(() => {
    certificate = makeCertificate(folder, "bmc", "IP:127.0.0.1");
    mkdirSync(join(folder, "bin"));
    mkdirSync(join(folder, "states"));
    writeFileSync(join(folder, "bin/ansible-inventory"), "#!/bin/sh\nexec cat inventory.json\n");
    chmodSync(join(folder, "bin/ansible-inventory"), 0o755);
    writeFileSync(join(folder, "states/hv1.json"), JSON.stringify(readGolden("sriov-works").state));
  });

  test("exit codes: 0 all is on, or pending after set; 2 something is off, left, or not known", async () => {
    await using service = await start({ machine: dell, applyTimes: ["OnReset"] });
    for (const [command, status, words] of [
      ["check", 2, /✗ SR-IOV/],
      ["plan", 2, /SriovGlobalEnable: Disabled -> Enabled/],
      ["set", 0, /✓ pending: it takes effect when the host reboots/],
      ["plan", 0, /nothing to set: what is pending/],
      ["check", 2, /! SR-IOV +off until the host reboots/],
    ] as const)
      assert.match((await bios(status, command)).stdout, words);
    service.reset();
    await bios(0, "check");
    await bios(0, "set");
  });

  test("what vflag may not set is left, and said; -o json has it all", async () => {
    await using _service = await start({ machine: nobody });
    await bios(2, "set");
    const { stdout } = await bios(2, "plan", "-o", "json");
    const { schema, command, hosts, without } = JSON.parse(stdout);
    assert.deepEqual([schema, command, without], ["vflag/bios/1", "plan", []]);
    assert.equal(hosts[0].report.vendor, null);
    assert.deepEqual(hosts[0].plan, { changes: [], left: [], request: null });
  });

  test("a host's saved state answers what the BIOS leaves open", async () => {
    await using _service = await start({ machine: lenovo });
    await bios(2, "check");
    await bios(0, "check", "--states", "states");
    await bios(2, "check", "--states", "nowhere");
  });

  test("wrong words end in a sentence", async () => {
    await using _service = await start({ machine: dell });
    for (const [words, shows] of [
      [["check"], /name the inventory|required option '-i, --inventory <path>'/],
      [
        ["check", "-i", "i", "gone"],
        /the inventory has no host and no group gone: see ansible-inventory --graph/,
      ],
      [["check", "-i", "i", "--states", "a", "--db", "b"], /--states or --db, not both/],
      [["check", "-i", "i", "--forks", "0"], /A whole number from 1 to 10000/],
    ] as const) {
      const { status, stderr } = await run(["bios", ...words]);
      assert.equal(status, 1, stderr);
      assert.match(stderr, shows);
    }
  });
});

/** A service, and the inventory of its host. */
async function start(options: ServiceOptions): Promise<Service> {
  const service = await Service.start(options, certificate);
  const own = {
    vflag_bmc_address: `127.0.0.1:${service.port}`,
    vflag_bmc_username: "admin",
    vflag_bmc_password: secret,
    vflag_bmc_fingerprint: certificate.fingerprint,
  };
  writeFileSync(
    join(folder, "inventory.json"),
    JSON.stringify({ _meta: { hostvars: { hv1: own } }, all: { hosts: ["hv1"] } }),
  );
  return service;
}

async function bios(status: number, command: string, ...more: readonly string[]) {
  const ended = await run(["bios", command, "-i", "inventory", ...more]);
  assert.equal(ended.status, status, `${ended.stdout}${ended.stderr}`);
  return ended;
}

async function run(words: readonly string[]) {
  const ended = await runVflag(folder, words, { PATH: `${join(folder, "bin")}:${process.env["PATH"]}` });
  assert.ok(!`${ended.stdout}${ended.stderr}`.includes(secret));
  return ended;
}
