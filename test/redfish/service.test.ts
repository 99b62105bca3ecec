import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";
import { assess } from "../../src/bios/assess.ts";
import { planOf } from "../../src/bios/plan.ts";
import { type BmcAccess, parseAddress, Secret, type Trust } from "../../src/redfish/access.ts";
import { changeBios, surveyBios } from "../../src/redfish/bios.ts";
import { RedfishError } from "../../src/redfish/error.ts";
import { Session } from "../../src/redfish/session.ts";
import { dell, hpe, lenovo, type Machine, supermicro, surveyOf } from "../bios/machines.ts";
import { type Certificate, makeCertificate, withoutOpenssl } from "./certificates.ts";
import { refuse, Service, type ServiceOptions } from "./service.ts";

const folder = mkdtempSync(join(tmpdir(), "vflag-redfish-"));
after(() => rmSync(folder, { recursive: true }));
const secret = "made-up-password";
const limits = { requestMs: 5000, bytes: 1024 * 1024 };
let ca: Certificate;
let right: Certificate;

describe("a Redfish service", { skip: withoutOpenssl, timeout: 60_000 }, () => {
  before(() => {
    ca = makeCertificate(folder, "authority", "");
    right = makeCertificate(folder, "bmc", "IP:127.0.0.1", ca);
  });

  test("is surveyed, changed and looked at again; the reset is the host's, and the session is closed", async () => {
    for (const machine of [dell, hpe, lenovo, supermicro]) {
      await using service = await start({ machine, applyTimes: ["OnReset"] });
      await using session = await open(service);
      const survey = await surveyBios(session, null);
      assert.equal(survey.system.model, machine.model);
      assert.ok("attributes" in survey.registry);
      const { request, changes } = planOf(assess(survey), survey);
      if (request !== null) {
        assert.deepEqual(await changeBios(session, request), {
          unseen: [],
          shown: true,
          problem: null,
          task: null,
          remarks: [],
        });
        assert.deepEqual(Object.fromEntries(service.pending), request.body.Attributes);
      }
      const pending = await surveyBios(session, null);
      assert.equal(planOf(assess(pending), pending).request, null);
      service.reset();
      const later = await surveyBios(session, null);
      for (const { attribute, to } of changes) assert.equal(later.attributes.get(attribute), to);
      await session[Symbol.asyncDispose]();
      assert.deepEqual([...service.sessions], []);
      const patched = service.asked.filter(({ method }) => method === "PATCH");
      assert.equal(patched.length, request === null ? 0 : 1);
      assert.ok(service.asked.every(({ method, path }) => method !== "POST" || path.endsWith("/Sessions")));
    }
  });

  test("gives its registry as it likes: plain, packed, as a packed file, under another version", async () => {
    for (const registry of ["plain", "gzip", "file", "other-version"] as const) {
      const { registry: read } = await survey({ machine: dell, registry });
      assert.ok("attributes" in read, registry);
      assert.equal(read.attributes.size, dell.entries.length);
    }
  });

  test("may have no registry, or one elsewhere: the values are known all the same", async () => {
    for (const [registry, words] of [
      ["none", /none that is called BiosAttributeRegistry\.v1_0_3/],
      ["elsewhere", /does not hold BiosAttributeRegistry\.v1_0_3 itself/],
    ] as const) {
      const found = await survey({ machine: dell, registry });
      assert.match("problem" in found.registry ? found.registry.problem : "", words);
      assert.equal(found.attributes.get("SriovGlobalEnable"), "Disabled");
    }
    const broken = await survey({
      machine: dell,
      instead: { "GET /redfish/v1/registrystore/bios": (response) => response.end("{") },
    });
    assert.match("problem" in broken.registry ? broken.registry.problem : "", /is no JSON/);
  });

  test("without a settings resource the BIOS itself is changed", async () => {
    await using service = await start({ machine: dell, settingsResource: false });
    await using session = await open(service);
    const found = await surveyBios(session, null);
    assert.equal(found.settings.pending, null);
    const { request } = planOf(assess(found), found);
    assert.ok(request);
    assert.equal(request.path, "/redfish/v1/Systems/System.Embedded.1/Bios");
    assert.deepEqual((await changeBios(session, request)).unseen, []);
  });

  test("may give a weak ETag and take a strong one: it stands for the same state", async () => {
    await using service = await start({ machine: dell, weak: true });
    await using session = await open(service);
    const found = await surveyBios(session, null);
    const { request } = planOf(assess(found), found);
    assert.ok(request);
    service.touch();
    await fails(changeBios(session, request), "changed", /changed by somebody else/);
    const again = await surveyBios(session, null);
    assert.deepEqual((await changeBios(session, { ...request, etag: again.settings.etag })).unseen, []);
  });

  test("may carry a change out in a task, which may fail; and may not show what is pending", async () => {
    const change = async (options: Partial<ServiceOptions>) => {
      await using service = await start({ machine: dell, ...options });
      await using session = await open(service);
      const found = await surveyBios(session, null);
      const { request } = planOf(assess(found), found);
      assert.ok(request);
      return await changeBios(session, request, [0, 1]);
    };
    assert.equal((await change({ task: "Pending" })).task, "/redfish/v1/TaskService/Tasks/1 (Pending)");
    await fails(
      change({ task: "Exception" }),
      "refused",
      /gave the change up \(Exception\): BIOS is locked down\./,
    );
    assert.deepEqual((await change({ shows: false })).unseen, ["ProcVirtualization", "SriovGlobalEnable"]);
  });

  test("that took a change and then does not show it: the change is not called a failure", async () => {
    const before = surveyOf(dell);
    const { request } = planOf(assess(before), before);
    assert.ok(request);
    const change = async (
      show: NonNullable<ServiceOptions["instead"]>[string],
      looks: readonly number[],
      within = limits,
    ) => {
      await using service = await start({ machine: dell, instead: { [`GET ${request.path}`]: show } });
      await using session = await Session.open(accessTo(service.port), within);
      const outcome = await changeBios(session, request, looks);
      assert.deepEqual(Object.fromEntries(service.pending), request.body.Attributes);
      return outcome;
    };
    const busy: Parameters<typeof change>[0] = (response) => refuse(response, 503, "Base.1.8.Busy", "Wait.");
    const { unseen, problem } = await change(busy, [0, 1]);
    assert.deepEqual(unseen, Object.keys(request.body.Attributes));
    assert.match(problem ?? "", /the service is busy/);
    assert.match(
      (await change(() => {}, [0, 1], { ...limits, requestMs: 300 })).problem ?? "",
      /no answer within 0\.3 s$/,
    );
    let asked = 0;
    const late: typeof busy = (response, body) =>
      asked++ === 0
        ? busy(response, body)
        : response.end(JSON.stringify({ Attributes: request.body.Attributes }));
    assert.deepEqual(await change(late, [0, 1]), {
      unseen: [],
      shown: true,
      problem: null,
      task: null,
      remarks: [],
    });
  });

  test("that does not answer a change: what came of it is not known", async () => {
    const before = surveyOf(dell);
    const { request } = planOf(assess(before), before);
    assert.ok(request);
    const change = async (answer: NonNullable<ServiceOptions["instead"]>[string]) => {
      await using service = await start({ machine: dell, instead: { [`PATCH ${request.path}`]: answer } });
      await using session = await Session.open(accessTo(service.port), { ...limits, requestMs: 300 });
      return await changeBios(session, request);
    };
    await fails(
      change(() => {}),
      "time",
      /PATCH .*: no answer within 0\.3 s: what came of it is not known$/,
    );
    await fails(
      change((response) => void response.destroy()),
      "unreachable",
      /PATCH .*: what came of it is not known$/,
    );
    await fails(
      change(
        (response) =>
          void response.writeHead(200, { "Content-Length": "9" }).write("{", () => response.destroy()),
      ),
      "unreachable",
      /broke in the middle of the answer: what came of it is not known$/,
    );
  });

  test("several systems: one has to be named", async () => {
    const systems = ["System.Embedded.1", "Self"];
    await fails(
      survey({ machine: dell, systems }),
      "missing",
      /2 systems \(System\.Embedded\.1, Self\).*vflag_bmc_system/,
    );
    assert.equal((await survey({ machine: dell, systems }, "System.Embedded.1")).system.model, dell.model);
    await fails(survey({ machine: dell, systems }, "gone"), "missing", /no system gone: it has/);
  });

  describe("is refused, or refuses, in words, with no secret in them", () => {
    test("401: a wrong password, even where the service repeats it", async () => {
      await fails(
        survey({ machine: dell, password: "another" }),
        "denied",
        /HTTP 401\): Denied admin with the password \(hidden\)\.$/,
      );
    });

    test("412: somebody else was faster, and nothing is set", async () => {
      await using service = await start({ machine: dell });
      await using session = await open(service);
      const found = await surveyBios(session, null);
      const { request } = planOf(assess(found), found);
      assert.ok(request);
      service.touch();
      await fails(
        changeBios(session, request),
        "changed",
        /changed by somebody else meanwhile: run vflag again/,
      );
      assert.equal(service.pending.size, 0);
      await fails(changeBios(session, { ...request, etag: null }), "changed", /gave no ETag/);
    });

    test("400: a read-only attribute, a value that is not in the list: what the service says of it is shown", async () => {
      await using service = await start({
        machine: { ...dell, entries: dell.entries.map((entry) => ({ ...entry, ReadOnly: true })) },
      });
      await using session = await open(service);
      const { path, etag } = (await surveyBios(session, null)).settings;
      const ask = (attributes: Record<string, string>) =>
        changeBios(session, { path, etag, body: { Attributes: attributes } });
      await fails(
        ask({ SriovGlobalEnable: "Enabled" }),
        "refused",
        /\(HTTP 400\): The property SriovGlobalEnable is read only\.$/,
      );
      await fails(ask({ Sriov: "Enabled" }), "refused", /The property Sriov is not known\./);
    });

    test("a certificate that nobody signed, another host's, or another than the one that is pinned: nothing is sent", async () => {
      const other = makeCertificate(folder, "other", "IP:192.0.2.1", ca);
      const alone = makeCertificate(folder, "alone", "IP:127.0.0.1");
      await using service = await start({ machine: dell }, alone);
      await using elsewhere = await start({ machine: dell }, other);
      const byCa: Trust = { kind: "authorities", ca: ca.cert };
      await fails(
        open(service, byCa),
        "certificate",
        /it is self-signed; its certificate has the SHA-256 fingerprint [0-9A-F:]{95}\. Nothing/,
      );
      await fails(open(service, { kind: "authorities", ca: null }), "certificate", /it is self-signed/);
      await fails(open(elsewhere, byCa), "certificate", /it is another host's/);
      const pinned: Trust = { kind: "fingerprint", sha256: other.fingerprint.replaceAll(":", "") };
      await fails(
        open(service, pinned),
        "certificate",
        /not the certificate of vflag_bmc_fingerprint.*Nothing was sent/,
      );
      assert.deepEqual([service.asked, elsewhere.asked], [[], []]);
      await using session = await open(elsewhere, pinned);
      assert.equal((await surveyBios(session, null)).system.model, dell.model);
    });

    test("too slow: at the first byte, and byte by byte", async () => {
      const quick = { ...limits, requestMs: 300 };
      const silent = { "GET /redfish/v1/Systems": () => {} };
      await fails(
        survey({ machine: dell, instead: silent }, null, quick),
        "time",
        /GET \/redfish\/v1\/Systems: no answer within 0\.3 s/,
      );
      const dripping: ServiceOptions["instead"] = {
        "GET /redfish/v1/Systems": (response) => {
          const timer = setInterval(() => response.write(" "), 20);
          response.once("close", () => clearInterval(timer));
        },
      };
      await fails(
        survey({ machine: dell, instead: dripping }, null, quick),
        "time",
        /no answer within 0\.3 s/,
      );
    });

    test("too large, also where it only becomes so when it is unpacked", async () => {
      const at = "GET /redfish/v1/Systems";
      const large = Buffer.alloc(limits.bytes + 1, " ");
      await fails(
        survey({ machine: dell, instead: { [at]: (response) => response.end(large) } }),
        "answer",
        /more than 1 MiB/,
      );
      const bomb = gzipSync(Buffer.alloc(limits.bytes * 20));
      const packed: ServiceOptions["instead"] = {
        [at]: (response) => response.setHeader("Content-Encoding", "gzip").end(bomb),
      };
      await fails(survey({ machine: dell, instead: packed }), "answer", /more than 1 MiB unpacked/);
      const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
      await fails(
        survey({ machine: dell, instead: { [at]: (response) => response.end(deep) } }),
        "answer",
        /within one another/,
      );
    });

    test("no JSON, no object, no Redfish, a broken-off answer, an unknown packing", async () => {
      const at = "GET /redfish/v1/Systems";
      const says = (words: RegExp, instead: NonNullable<ServiceOptions["instead"]>) =>
        fails(survey({ machine: dell, instead }), ["answer", "unreachable", "missing"], words);
      await says(/is no JSON: is this a Redfish service/, { [at]: (response) => response.end("<html>") });
      await says(/is no object/, { [at]: (response) => response.end("[]") });
      await says(/no system$/, { [at]: (response) => response.end("{}") });
      await says(/names no sessions/, { "GET /redfish/v1/": (response) => response.end("{}") });
      await says(/broke in the middle/, {
        [at]: (response) =>
          void response.writeHead(200, { "Content-Length": "1000" }).write("{", () => response.destroy()),
      });
      await says(/packed as zstd/, {
        [at]: (response) => response.setHeader("Content-Encoding", "zstd").end("{}"),
      });
    });

    test("a redirect to another host is not followed, one within the service is, and a circle ends", async () => {
      const at = "GET /redfish/v1/Systems";
      const to = (location: string) => ({
        [at]: (response: Parameters<typeof refuse>[0]) =>
          response.writeHead(307, { Location: location }).end(),
      });
      await using other = await start({ machine: dell });
      for (const place of [
        `https://127.0.0.1:${other.port}/redfish/v1/Systems`,
        "//evil.example/x",
        "http://127.0.0.1/",
      ])
        await fails(
          survey({ machine: dell, instead: to(place) }),
          "answer",
          /leads to another host .* was not followed/,
        );
      assert.deepEqual(other.asked, []);
      await fails(
        survey({ machine: dell, instead: to("/redfish/v1/Systems") }),
        "answer",
        /from one place to the next/,
      );
      const within = { ...to("/redfish/v1/Systems/"), "GET /redfish/v1/Systems/": systemsOf(dell) };
      assert.equal((await survey({ machine: dell, instead: within })).system.model, dell.model);
    });

    test("a link to another host is not followed either", async () => {
      const elsewhere: ServiceOptions["instead"] = {
        "GET /redfish/v1/Systems": (response) =>
          response.end(JSON.stringify({ Members: [{ "@odata.id": "https://evil.example/a" }] })),
      };
      await fails(
        survey({ machine: dell, instead: elsewhere }),
        "answer",
        /leads to another host \(evil\.example\)/,
      );
    });

    test("nothing listens there", async () => {
      const service = await start({ machine: dell });
      const { port } = service;
      await service[Symbol.asyncDispose]();
      await fails(Session.open(accessTo(port), limits), "unreachable", /nothing listens there/);
    });

    test("an interruption ends what only reads, and the session is closed", async () => {
      const controller = new AbortController();
      await using service = await start({
        machine: dell,
        instead: { "GET /redfish/v1/Systems": () => controller.abort() },
      });
      await using session = await Session.open(accessTo(service.port), limits, controller.signal);
      await fails(surveyBios(session, null), "time", /interrupted/);
      await session[Symbol.asyncDispose]();
      assert.equal(service.asked.at(-1)?.method, "DELETE");
      assert.equal(service.sessions.size, 0);
    });

    test("whatever a service answers with the secret in it, the message has none", async () => {
      const echo: ServiceOptions["instead"] = {
        "GET /redfish/v1/Systems": (response) =>
          refuse(response, 500, "Oem.1.0.Echo", `${secret} and token-1-of-a-session`),
      };
      await fails(survey({ machine: dell, instead: echo }), "refused", /\(hidden\) and \(hidden\)/);
    });
  });
});

test("a secret shows itself nowhere", () => {
  const access = accessTo(443);
  for (const shown of [
    inspect(access, { depth: 9 }),
    JSON.stringify(access),
    `${access.password}`,
    String(access.password),
  ])
    assert.doesNotMatch(shown, new RegExp(secret));
  assert.equal(access.password.reveal(), secret);
});

test("addresses: names and IP addresses, with a port or without, and nothing else", () => {
  assert.deepEqual(parseAddress("bmc1.example"), { host: "bmc1.example", port: 443 });
  assert.deepEqual(parseAddress("https://192.0.2.7:8443/"), { host: "192.0.2.7", port: 8443 });
  assert.deepEqual(parseAddress("2001:db8::7"), { host: "2001:db8::7", port: 443 });
  assert.deepEqual(parseAddress("[2001:db8::7]:8443"), { host: "2001:db8::7", port: 8443 });
  for (const wrong of [
    "",
    "http://bmc",
    "https://user:word@bmc",
    "bmc/redfish",
    "bmc:99999",
    "bmc?x",
    "a b",
    "bmc:port",
    "https://",
  ])
    assert.equal(parseAddress(wrong), null, wrong);
});

function systemsOf({ system }: Machine): NonNullable<ServiceOptions["instead"]>[string] {
  return (response) =>
    response.end(JSON.stringify({ Members: [{ "@odata.id": `/redfish/v1/Systems/${system}` }] }));
}

function start(options: ServiceOptions, certificate: Certificate = right): Promise<Service> {
  return Service.start(options, certificate);
}

function accessTo(port: number, trust?: Trust): BmcAccess {
  const byCa: Trust = { kind: "authorities", ca: ca?.cert ?? null };
  return {
    address: { host: "127.0.0.1", port },
    username: "admin",
    password: new Secret(secret),
    trust: trust ?? byCa,
    system: null,
  };
}

function open(service: Service, trust?: Trust): Promise<Session> {
  return Session.open(accessTo(service.port, trust), limits);
}

async function survey(options: ServiceOptions, name: string | null = null, within = limits) {
  await using service = await start(options);
  await using session = await Session.open(accessTo(service.port), within);
  return await surveyBios(session, name);
}

async function fails(
  work: Promise<unknown>,
  failure: string | readonly string[],
  words: RegExp,
): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof RedfishError, inspect(error));
    assert.ok([failure].flat().includes(error.failure), `${error.failure}: ${error.message}`);
    assert.match(error.message, words);
    assert.doesNotMatch(inspect(error, { depth: 9 }), new RegExp(`${secret}|token-\\d+-of`));
    return true;
  });
}
