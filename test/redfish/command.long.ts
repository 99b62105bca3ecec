import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { dell, lenovo, type Machine } from "../bios/machines.ts";
import { withoutAnsible } from "../operations/tree/ansible.ts";
import { readGolden } from "../support/golden.ts";
import { usersEnvironment, vflag } from "../support/vflag.ts";
import { type Certificate, makeCertificate, withoutOpenssl } from "./certificates.ts";
import { Service, type ServiceOptions } from "./service.ts";

/** `vflag bios` as it is shipped, with the real ansible-inventory and services of the tests' own. */

const root = mkdtempSync(join(tmpdir(), "vflag-bios-"));
after(() => rmSync(root, { recursive: true }));
const secret = "made-up-password";
let ca: Certificate;
let right: Certificate;
let folder = "";
let services: Service[] = [];

describe("vflag bios", { skip: withoutAnsible || withoutOpenssl, timeout: 300_000 }, () => {
  before(() => {
    ca = makeCertificate(root, "authority", "");
    right = makeCertificate(root, "bmc", "IP:127.0.0.1", ca);
  });
  beforeEach(() => {
    folder = mkdtempSync(join(root, "x"));
  });
  afterEach(async () => {
    for (const service of services) await service[Symbol.asyncDispose]();
    services = [];
  });

  test("check, plan, set, and check again: from off to pending to on, with one inventory", async () => {
    const [service] = await inventory({ hv1: dell });
    await expect(2, ["check"], /✗ SR-IOV +off: SriovGlobalEnable \(SR-IOV Global Enable\) is Disabled\n/);
    await expect(
      2,
      ["plan", "hv1"],
      /SriovGlobalEnable: Disabled -> Enabled {2}SR-IOV\n {6}curl --netrc -X PATCH /,
    );
    assert.equal(service.pending.size, 0);
    await expect(0, ["set"], /✓ pending: it takes effect when the host reboots\n\n1 host changed\./);
    await expect(2, ["check"], /! SR-IOV +off until the host reboots: .*, Enabled is pending\n/);
    await expect(0, ["plan"], /nothing to set: what is pending takes effect when the host reboots\n/);
    service.reset();
    await expect(0, ["check"], /1 host: 1 as it should be\.\n$/);
    await expect(0, ["set"], /nothing to set\n\n0 hosts changed\./);
    assert.equal(service.sessions.size, 0);
  });

  test("a saved state and the fleet's database are held against the BIOS", async () => {
    await inventory({ hv3: lenovo });
    mkdirSync(join(folder, "states"));
    writeFileSync(join(folder, "states/hv3.json"), JSON.stringify(readGolden("sriov-works").state));
    await expect(2, ["check"], /\? IOMMU .* is Auto, so the BIOS decides\n/);
    await expect(0, ["check", "--states", "states"], /✓ IOMMU .* the host showed at .* IOMMU groups\n/);
    assert.equal((await run(["fleet", "import", "states", "--db", "fleet.db"])).code, 0);
    await expect(0, ["check", "--db", "fleet.db"], /✓ IOMMU .* the host showed at /);
    writeFileSync(join(folder, "states/hv3.json"), JSON.stringify(readGolden("virtualization-off").state));
    await expect(
      2,
      ["check", "--states", "states"],
      /✗ virtualization .* contradiction: Processors_SVMMode is Enabled, and the host showed/,
    );
    writeFileSync(join(folder, "states/hv3.json"), "{");
    const { stderr } = await expect(2, ["check", "--states", "states"], /\? IOMMU/);
    assert.match(stderr, /hv3: its state is left aside: .*not valid JSON/);
    assert.match(
      (await run(["bios", "check", "-i", "inventory.json", "--states", "a", "--db", "b"])).stderr,
      /--states or --db, not both/,
    );
  });

  test("one BMC that does not answer, or is not the right one, stops none of the others", async () => {
    const [, wrong] = await inventory(
      { hv1: dell, hv2: dell, hv3: lenovo },
      { hv3: { password: "another" } },
    );
    await wrong?.[Symbol.asyncDispose]();
    const { stdout } = await expect(
      2,
      ["check"],
      /3 hosts: 0 as it should be, 1 not, 2 could not be asked\.\n/,
    );
    assert.match(stdout, /hv2 {2}https:.*\n {2}✗ cannot be asked: .*nothing listens there\n/);
    assert.match(stdout, /hv3 {2}https:.*\n {2}✗ cannot be asked: .*HTTP 401.*\(hidden\)\.\n/);
    const json = JSON.parse((await run(["bios", "check", "-i", "inventory.json", "-o", "json"])).stdout);
    assert.equal(json.schema, "vflag/bios/1");
    assert.deepEqual(
      json.hosts.map((host: { problem: string | null }) => host.problem === null),
      [true, false, false],
    );
  });

  test("Ctrl-C: what is asked ends, the session is closed, and vflag dies by the signal", async () => {
    const heard = Promise.withResolvers<void>();
    const instead: ServiceOptions["instead"] = { "GET /redfish/v1/Systems": () => heard.resolve() };
    const [service] = await inventory({ hv1: dell }, { hv1: { instead } });
    const running = start(["bios", "set", "-i", "inventory.json"]);
    await heard.promise;
    running.child.kill("SIGINT");
    const { signal, stdout } = await running.ended;
    assert.equal(signal, "SIGINT");
    assert.match(stdout, /cannot be asked: GET \/redfish\/v1\/Systems: interrupted\n/);
    assert.equal(service.sessions.size, 0);
  });
});

/** Services, and an inventory of their hosts, whose password lies in a file. */
async function inventory(
  machines: Record<string, Machine>,
  more: Record<string, Partial<ServiceOptions>> = {},
) {
  const hosts: Record<string, unknown> = {};
  for (const [host, machine] of Object.entries(machines)) {
    const service = await Service.start({ machine, applyTimes: ["OnReset"], ...more[host] }, right);
    services.push(service);
    hosts[host] = { vflag_bmc_address: `127.0.0.1:${service.port}` };
  }
  writeFileSync(join(folder, "password"), `${secret}\n`);
  chmodSync(join(folder, "password"), 0o600);
  const vars = {
    vflag_bmc_username: "admin",
    vflag_bmc_password_file: join(folder, "password"),
    vflag_bmc_ca_file: ca.file,
  };
  writeFileSync(join(folder, "inventory.json"), JSON.stringify({ all: { vars, hosts } }));
  const [first, ...rest] = services;
  assert.ok(first);
  return [first, ...rest] as const;
}

async function expect(code: number, [command = "", ...args]: readonly string[], words: RegExp) {
  const found = await run(["bios", command, ...args, "-i", "inventory.json"]);
  assert.equal(found.code, code, `${found.stdout}${found.stderr}`);
  assert.match(found.stdout, words);
  return found;
}

async function run(args: readonly string[]) {
  return await start(args).ended;
}

/** Meanwhile no process may have the password in its arguments, and nothing may print it. */
function start(args: readonly string[]) {
  const child = spawn(vflag, args, { cwd: folder, env: usersEnvironment, stdio: ["ignore", "pipe", "pipe"] });
  const seen: string[] = [];
  const timer = setInterval(() => seen.push(...argumentsWith(secret)), 50);
  const closed = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>();
  child.once("close", (code, signal) => closed.resolve({ code, signal }));
  const ended = Promise.all([text(child.stdout), text(child.stderr), closed.promise]).then(
    ([stdout, stderr, end]) => {
      clearInterval(timer);
      assert.doesNotMatch(stdout + stderr, new RegExp(`${secret}|token-\\d+-of`));
      assert.deepEqual(seen, []);
      return { stdout, stderr, ...end };
    },
  );
  return { child, ended };
}

function argumentsWith(word: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return line.includes(word) ? [line] : [];
    } catch {
      return [];
    }
  });
}
