import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { packedMaps } from "../../src/fleet/answers/maps.ts";
import { statusOf } from "../../src/fleet/answers/status.ts";
import { History } from "../../src/fleet/history/history.ts";
import { Reader } from "../../src/fleet/reading/reader.ts";
import { readReport } from "../../src/fleet/reading/report.ts";
import { fleetCsv } from "../../src/report/data/fleet-csv.ts";
import { fleetHtml } from "../../src/report/html/fleet-html.ts";
import { Chromium, noChromium, type Page } from "../support/chromium.ts";
import { makeFleet } from "../support/fleet.ts";
import { canary, hostileState } from "../support/hostile.ts";
import { looks, readable } from "../support/readable.ts";

/** The fleet's page as a browser runs it, and with names that want to be more than names. */

const folder = mkdtempSync(join(tmpdir(), "vflag-fleet-page-"));
after(() => rmSync(folder, { recursive: true }));
const now = Date.UTC(2026, 0, 2, 12);

const reader = new Reader();
after(() => reader[Symbol.dispose]());

async function pageOf(
  fill: (history: History) => void,
  name: string,
): Promise<{ readonly html: string; readonly csv: string }> {
  using history = History.open(join(folder, `${name}.db`), "0");
  fill(history);
  const known = history.known();
  const status = statusOf(known, now, 86_400);
  return { html: fleetHtml(status, await packedMaps(history, reader, known), "0"), csv: fleetCsv(status) };
}

async function fleetPage() {
  const fleet = await makeFleet();
  return pageOf((history) => {
    for (let host = 0; host < 300; host++)
      history.record(readReport(fleet.name(host), fleet.report(host, 1), null));
    history.fail("hv-gone", "unreachable", "no route to host", now);
  }, "fleet");
}

async function hostilePage() {
  const { state } = await hostileState();
  const text =
    "version: 1\nnics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 2, bond: bond0}]\novs: {}\n";
  return pageOf((history) => {
    history.record({ host: canary("=hv1"), state, spec: { file: canary("f"), text } });
    history.record({ host: canary("hv2"), state, spec: { file: canary("f"), text: canary("t") } });
    history.fail(canary("hv3"), "failed", canary("m"), now);
  }, "hostile");
}

describe("the page's text", () => {
  test("it loads nothing, and one script may run: vflag's own", async () => {
    const { html } = await fleetPage();
    assert.match(
      html.slice(0, 1000),
      /content="default-src 'none'; script-src 'sha256-[A-Za-z0-9+/=]{44}'; style-src 'unsafe-inline'; img-src data:;/,
    );
    assert.doesNotMatch(
      html.replaceAll(/<script[\s\S]*?<\/script>/g, ""),
      /<iframe|<object|<embed|\bsrc=|url\(|@import|\bon[a-z]+="|href="(?!#|data:,")/,
    );
    assert.equal(html.match(/<script>/g)?.length, 1);
  });

  test("hostile names begin no element, and no formula of a spreadsheet", async () => {
    const { html, csv } = await hostilePage();
    assert.doesNotMatch(html.replace(/<script>[\s\S]*/, ""), /<script>|<img|<\/script>[^\n]/);
    for (const line of csv.split("\r\n")) assert.doesNotMatch(line, /^"?[=+@-]/);
    assert.match(csv, /\n"'=hv1/);
  });
});

describe("the page in a browser", { skip: noChromium() }, () => {
  let chromium: Chromium;
  before(() => {
    chromium = Chromium.start();
  });
  after(() => chromium.stop());

  async function open(name: string, html: string): Promise<Page> {
    const file = join(folder, `${name}.html`);
    writeFileSync(file, html);
    return chromium.open(pathToFileURL(file).href, { width: 1280, dark: false });
  }

  const input = (id: string, value: string) =>
    `(() => { const each = document.getElementById("${id}"); each.value = ${JSON.stringify(value)}; each.dispatchEvent(new Event("input")); return document.getElementById("counted").textContent; })()`;
  const drawn = `(async () => { for (let n = 0; n < 100 && document.querySelector("#detail svg") === null; n++) await new Promise((done) => setTimeout(done, 50)); return document.querySelector("#detail svg title")?.textContent; })()`;

  test("it is filtered by words, verdict and cause, and shows a host's map", async () => {
    const page = await open("fleet", (await fleetPage()).html);
    assert.equal(await page.evaluate(`document.getElementById("counted").textContent`), "301 of 301 hosts");
    assert.equal(await page.evaluate(`document.querySelectorAll("#rows tr").length`), 100);
    assert.equal(
      await page.evaluate(
        `document.getElementById("more").click(); document.querySelectorAll("#rows tr").length`,
      ),
      200,
    );
    assert.equal(await page.evaluate(input("search", "hv00012")), "1 of 301 hosts");
    assert.equal(await page.evaluate(input("search", "UNREACHABLE")), "1 of 301 hosts");
    assert.equal(await page.evaluate(input("search", "")), "301 of 301 hosts");
    const broken = Number.parseInt(String(await page.evaluate(input("answer", "broken"))), 10);
    assert.ok(broken > 0 && broken < 50, `${broken}`);
    await page.evaluate(input("answer", ""));
    const pressed = `(() => { const each = [...document.querySelectorAll("[data-cause]")].find((button) => button.textContent.includes("bond")); const said = Number.parseInt(each.textContent, 10); each.click(); return [said, Number.parseInt(document.getElementById("counted").textContent, 10), each.getAttribute("aria-pressed")]; })()`;
    const [said, found, state] = (await page.evaluate(pressed)) as [number, number, string];
    assert.deepEqual([found, state], [said, "true"]);
    assert.ok(said > 0);
    for (const look of looks) await readable(page, look, "fleet");
    await page.evaluate(`document.querySelector("#rows button").click()`);
    assert.match(String(await page.evaluate(drawn)), /^hv\d+: 2 ports, 32 VFs/);
    for (const look of looks) await readable(page, look, "a host of the fleet");
    assert.match(String(await page.evaluate("location.hash")), /^#hv\d+$/);
    await page.evaluate(`document.getElementById("close").click()`);
    assert.deepEqual([page.requests.length, page.complaints], [1, []], page.requests.join(", "));
    await page.close();
  });

  test("names that are markup do not run", async () => {
    const page = await open("hostile", (await hostilePage()).html);
    assert.equal(await page.evaluate(`document.getElementById("counted").textContent`), "3 of 3 hosts");
    for (const row of [0, 1]) {
      await page.evaluate(`document.querySelectorAll("#rows button")[${row}].click()`);
      assert.notEqual(await page.evaluate(drawn), undefined);
      await page.evaluate("new Promise((resolve) => setTimeout(resolve, 200))");
      assert.equal(
        await page.evaluate(
          "document.querySelectorAll('body script:not([type]), img, [onload], [onerror], iframe').length",
        ),
        1,
      );
      await page.evaluate(
        `document.getElementById("close").click(); document.querySelector("#detail svg")?.remove()`,
      );
    }
    assert.notEqual(await page.evaluate("document.title"), "owned");
    assert.deepEqual([page.requests.length, page.complaints], [1, []]);
    for (const look of looks) await readable(page, look, "hostile");
    await page.close();
  });
});
