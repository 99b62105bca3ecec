import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import * as z from "zod";
import { assess } from "../../src/bios/assess.ts";
import { planOf } from "../../src/bios/plan.ts";
import { Secret } from "../../src/redfish/access.ts";
import { surveyBios } from "../../src/redfish/bios.ts";
import { Session } from "../../src/redfish/session.ts";
import { type Machine, machines } from "../bios/machines.ts";
import { python, without } from "../openstack/python.ts";
import { makeCertificate, withoutOpenssl } from "./certificates.ts";
import { Service } from "./service.ts";

/**
 * The service of the tests is one for others too: what vflag reads of it, and asks of it, OpenStack's sushy
 * does as well.
 */
const Seen = z.object({
  manufacturer: z.string(),
  attributes: z.record(z.string(), z.unknown()),
  pending: z.record(z.string(), z.unknown()),
  applyTimes: z.array(z.string()),
  registry: z.array(z.string()).nullable(),
  after: z.record(z.string(), z.unknown()),
});

describe("sushy", { skip: without("sushy", "python3-sushy") || withoutOpenssl, timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "vflag-sushy-"));
  after(() => rmSync(folder, { recursive: true }));
  for (const [name, machine] of Object.entries(machines)) {
    test(`reads the BIOS of ${name} as vflag does, and sets what vflag would`, async () => {
      const ca = makeCertificate(folder, `authority-${name}`, "");
      // sushy sends no ETag along.
      const options = { machine, applyTimes: ["OnReset"], strict: false };
      await using service = await Service.start(options, makeCertificate(folder, name, "IP:127.0.0.1", ca));
      const [username, password] = ["admin", "made-up-password"];
      const address = { host: "127.0.0.1", port: service.port };
      const trust = { kind: "authorities" as const, ca: ca.cert };
      await using session = await Session.open({
        address,
        username,
        password: new Secret(password),
        trust,
        system: null,
      });
      const survey = await surveyBios(session, null);
      const change = planOf(assess(survey), survey).request?.body.Attributes ?? { [one(machine)]: "Enabled" };
      const seen = await ask({
        url: `https://127.0.0.1:${service.port}/redfish/v1`,
        username,
        password,
        ca: ca.file,
        change,
      });
      assert.equal(seen.manufacturer, survey.system.manufacturer);
      assert.deepEqual(seen.attributes, Object.fromEntries(survey.attributes));
      assert.deepEqual(seen.pending, Object.fromEntries(survey.settings.pending ?? []));
      assert.deepEqual(seen.applyTimes, survey.settings.applyTimes);
      assert.ok("attributes" in survey.registry);
      assert.deepEqual(seen.registry, [...survey.registry.attributes.keys()]);
      assert.deepEqual(seen.after, change);
      assert.deepEqual(Object.fromEntries((await surveyBios(session, null)).settings.pending ?? []), change);
    });
  }
});

/** Something to set where vflag would set nothing. */
function one({ entries }: Machine): string {
  return String(
    entries.find(({ Value: values }) => JSON.stringify(values ?? []).includes('"Enabled"'))?.AttributeName,
  );
}

async function ask(question: unknown): Promise<z.infer<typeof Seen>> {
  // Python's requests would take authorities and a proxy of this machine's instead.
  const env = { PATH: process.env["PATH"], NO_PROXY: "*", PYTHONDONTWRITEBYTECODE: "1" };
  const running = promisify(execFile)(python, [join(import.meta.dirname, "sushy_bios.py")], {
    timeout: 60_000,
    env,
  });
  running.child.stdin?.end(JSON.stringify(question));
  return Seen.parse(JSON.parse((await running).stdout));
}
