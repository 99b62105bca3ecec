import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { htmlReport } from "../../../src/report/html/html.ts";
import { verdicts } from "../../../src/verdict/verdict.ts";
import { Chromium, type Look, noChromium, type Page } from "../../support/chromium.ts";
import { roundsFrom } from "../../support/count.ts";
import { readGolden } from "../../support/golden.ts";
import { canary, hostileState } from "../../support/hostile.ts";
import { looks, readable } from "../../support/readable.ts";

/**
 * The report as a browser shows it: wide and narrow, light and dark, and with names that want to be more than
 * names.
 */

const golden = [
  "ovs-works",
  "two-nics",
  "third-slave",
  "real-6.1-roce-lag",
  "lag-state-unknown",
  "guests-run",
  "lag-stuck-in-firmware",
];

function report(name: string): string {
  const { spec, state } = readGolden(name);
  return htmlReport(spec, state, verdicts(spec, state), "0");
}

async function hostileReport(): Promise<string> {
  const { spec, state } = await hostileState();
  return htmlReport(spec, state, verdicts(spec, state), "0");
}

describe("the report's text", () => {
  test("it loads nothing, and forbids itself to run anything", () => {
    for (const name of golden) {
      const text = report(name);
      assert.match(
        text,
        /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:;/,
      );
      assert.doesNotMatch(
        text,
        /<script|<iframe|<object|<embed|\bsrc=|url\(|@import|\bon[a-z]+=|href="(?!#|data:,")/,
      );
    }
  });

  test("a root cause is told with what follows from it folded under it, once", () => {
    const text = report("third-slave");
    assert.match(text, /<h1>data does not work<\/h1>/);
    assert.match(text, /<summary>1 consequence: lag<\/summary>/);
    assert.equal(text.match(/class="cause /g)?.length, 1);
  });

  test("the log's lines stand with what they show", () => {
    const text = report("lag-stuck-in-firmware");
    assert.match(
      text,
      /<dt>Seen<\/dt><dd>.*Failed to deactivate VF LAG; driver restart required.*vflag explain lag-stuck/,
    );
  });

  test("hostile names are text, wherever they stand", async () => {
    const text = await hostileReport();
    assert.doesNotMatch(text, /<script|<img|onload="|onerror="/);
    assert.ok((text.match(/&#60;script&#62;/g)?.length ?? 0) > 20);
  });
});

describe("the report in a browser", { skip: noChromium() }, () => {
  let chromium: Chromium;
  let folder: string;
  before(() => {
    chromium = Chromium.start();
    folder = mkdtempSync(join(tmpdir(), "vflag-report-"));
  });
  after(async () => {
    await chromium.stop();
    rmSync(folder, { recursive: true });
  });

  async function open(name: string, text: string, look: Look): Promise<Page> {
    const file = join(folder, `${name}.html`);
    writeFileSync(file, text);
    return chromium.open(pathToFileURL(file).href, look);
  }

  test("no complaint, no request, nothing wider than the screen, all of it readable", async () => {
    for (const name of golden.slice(0, roundsFrom("PAGES", 2, golden.length))) {
      const page = await open(name, report(name), { width: 1280, dark: false });
      await page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })");
      for (const look of looks) await readable(page, look, name);
      assert.deepEqual(
        [page.requests.length, page.complaints],
        [1, []],
        `${name}: ${page.requests.join(", ")}`,
      );
      await page.close();
    }
  });

  test("names that are markup do not run; the same names do where nobody escapes them", async () => {
    const page = await open("hostile", await hostileReport(), { width: 400, dark: true });
    await page.evaluate(aWhile);
    const title = String(await page.evaluate("document.title"));
    assert.ok(title.includes("<script>") && title !== "owned", title);
    assert.equal(
      await page.evaluate("document.querySelectorAll('script, img, [onload], [onerror], iframe').length"),
      0,
    );
    assert.deepEqual([page.requests.length, page.complaints], [1, []]);
    for (const look of looks) await readable(page, look, "hostile");
    await page.close();

    const naive = await open("naive", `<!doctype html><title>fine</title><p>${canary("x")}`, {
      width: 400,
      dark: true,
    });
    await naive.evaluate(aWhile);
    assert.equal(await naive.evaluate("document.title"), "owned");
    assert.ok(naive.requests.length > 1);
    await naive.close();
  });
});

const aWhile = "new Promise((resolve) => setTimeout(resolve, 200))";
