import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { Secret } from "../../src/redfish/access.ts";
import { askBioses } from "../../src/redfish/hosts.ts";
import { plain } from "../../src/report/terminal/style.ts";
import { biosPlanText } from "../../src/report/text/bios-plan-text.ts";
import { biosCheckText } from "../../src/report/text/bios-text.ts";
import { dell } from "../bios/machines.ts";
import { roundsFrom } from "../support/count.ts";
import { makeCertificate, withoutOpenssl } from "./certificates.ts";
import { Service, type ServiceOptions } from "./service.ts";

/**
 * A service that answers anything at all, at any of its places: vflag comes to an end, in words, and the
 * secret stays where it is.
 */
const secret = "made-up-password";
const places = [
  "GET /redfish/v1/",
  "POST /redfish/v1/SessionService/Sessions",
  "GET /redfish/v1/Systems",
  "GET /redfish/v1/Systems/System.Embedded.1",
  "GET /redfish/v1/Systems/System.Embedded.1/Bios",
  "GET /redfish/v1/Systems/System.Embedded.1/Bios/Settings",
  "PATCH /redfish/v1/Systems/System.Embedded.1/Bios/Settings",
  "GET /redfish/v1/Registries",
  "GET /redfish/v1/Registries/BiosAttributeRegistry.v1_0_3",
  "GET /redfish/v1/registrystore/bios",
];
const link = fc.constantFrom(
  "/redfish/v1/Systems",
  "//evil.example",
  "https://127.0.0.1:1/",
  "",
  "x",
  `/${secret}`,
);
const words = fc.constantFrom(secret, "Enabled", "Dell Inc.", "Disabled");
const aValue = fc.oneof(
  fc.jsonValue(),
  words,
  fc.dictionary(fc.constantFrom("ProcVirtualization", "SriovGlobalEnable", secret), words),
  fc.record({ "@odata.id": link }),
  fc.array(fc.record({ "@odata.id": link })),
);
const keys = [
  "Manufacturer",
  secret,
  "Links",
  "Systems",
  "Registries",
  "Members",
  "Bios",
  "Attributes",
  "AttributeRegistry",
  "@Redfish.Settings",
  "error",
  "Location",
];
const aBody = fc.oneof(
  fc.dictionary(fc.constantFrom(...keys), aValue).map((data) => JSON.stringify(data)),
  fc.string(),
  fc.json(),
);
const anAnswer = fc.record({
  place: fc.constantFrom(...places),
  status: fc.constantFrom(200, 201, 202, 204, 302, 400, 401, 404, 412, 500, 503),
  location: fc.option(link, { nil: undefined }),
  token: fc.option(fc.constantFrom("t", "", "a b"), { nil: undefined }),
  body: aBody,
});

test("whatever a service answers, it is told in words, with no secret in them", {
  skip: withoutOpenssl,
  timeout: 300_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "vflag-hostile-"));
  const certificate = makeCertificate(folder, "bmc", "IP:127.0.0.1");
  rmSync(folder, { recursive: true });
  const instead: NonNullable<ServiceOptions["instead"]> = {};
  const options = {
    machine: dell,
    instead: instead as Record<string, NonNullable<ServiceOptions["instead"]>[string]>,
  };
  await using service = await Service.start(options, certificate);
  const trust = { kind: "fingerprint" as const, sha256: certificate.fingerprint.replaceAll(":", "") };
  const access = {
    address: { host: "127.0.0.1", port: service.port },
    username: "admin",
    password: new Secret(secret),
    trust,
    system: null,
  };
  await fc.assert(
    fc.asyncProperty(fc.array(anAnswer, { minLength: 1, maxLength: 3 }), async (answers) => {
      for (const place of Object.keys(options.instead)) delete options.instead[place];
      for (const { place, status, location, token, body } of answers)
        options.instead[place] = (response) => {
          const headers = {
            ...(location === undefined ? {} : { Location: location }),
            ...(token === undefined ? {} : { "X-Auth-Token": token }),
          };
          response.writeHead(status, headers).end(status === 204 ? undefined : body);
        };
      const limits = { requestMs: 3000, bytes: 100_000 };
      const asked = await askBioses([{ host: "hv1", access, evidence: new Map() }], {
        deed: "set",
        forks: 1,
        limits,
        looks: [0],
      });
      const shown = [
        biosCheckText(asked, [], plain),
        biosPlanText(asked, [], true, plain),
        JSON.stringify(asked),
        inspect(asked, { depth: 9 }),
      ];
      for (const text of shown) assert.doesNotMatch(text, new RegExp(secret));
      service.pending.clear();
    }),
    { numRuns: roundsFrom("REDFISH_ROUNDS", 8, 400) },
  );
});
