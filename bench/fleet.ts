import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isInstalled } from "../scripts/package/tools.ts";
import { Chromium, noChromium } from "../test/support/chromium.ts";
import { countFrom } from "../test/support/count.ts";
import { makeFleet } from "../test/support/fleet.ts";
import { line, megabytes, milliseconds, program, taken } from "./measure.ts";

/**
 * `vflag fleet` for 10,000 hosts with 2 x 16 VFs: two days of states, with what went wrong on some of them.
 */

const hosts = countFrom("FLEET_HOSTS", 10_000);
const limits = { memory: 512 };
const seconds = (value: number) => `${(value / 1000).toFixed(2)} s`;

/** @param command the executable */
export async function fleetBench(command: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "vflag-bench-fleet-"));
  try {
    const bytes = await writeStates(folder);
    const db = join(folder, "fleet.db");
    const vflag = (words: readonly string[]) => taken(command, ["fleet", ...words, "--db", db], [0, 2]);
    const first = vflag(["import", join(folder, "day0")]);
    const small = statSync(db).size;
    const second = vflag(["import", join(folder, "day1")]);
    const [status, diff] = [vflag(["status"]), vflag(["diff", "--since", "2026-01-02T00:00Z"])];
    const page = join(folder, "fleet.html");
    const report = vflag(["report", "--write", page]);
    const peak = Math.max(...[first, second, status, diff, report].map(({ peakMiB }) => peakMiB));
    // Beside it in the same run: on a busy machine both take more.
    const floor = floorOf(join(folder, "day1"));
    const each = (first.cpu + second.cpu) / 2 / hosts;
    const rate = (run: { readonly milliseconds: number }) =>
      `${Math.round((hosts / run.milliseconds) * 1000)} hosts/s`;
    const cpu = (run: { readonly cpu: number }) => `${seconds(run.cpu)} of a processor`;
    const megs = (size: number) => megabytes(size / 1024 / 1024);
    return [
      line(
        `fleet of ${hosts}: import of the first day`,
        rate(first),
        `(asked: 500 hosts/s or more; ${cpu(first)})`,
      ),
      line(
        `fleet of ${hosts}: import of the second day`,
        rate(second),
        `(asked: 500 hosts/s or more; ${cpu(second)})`,
      ),
      line("  JSON.parse, one hash and zstd of a host's text", milliseconds(floor)),
      line("  import of a host, of a processor", milliseconds(each), importVerdict(each, floor)),
      line(`fleet of ${hosts}: status`, seconds(status.milliseconds), `(asked: under 2 s; ${cpu(status)})`),
      line(
        `fleet of ${hosts}: diff of the two days`,
        seconds(diff.milliseconds),
        `(asked: under 3 s; ${cpu(diff)})`,
      ),
      line(
        `fleet of ${hosts}: report as HTML`,
        seconds(report.milliseconds),
        `(asked: under 10 s; ${cpu(report)})`,
      ),
      line(`fleet of ${hosts}: most memory of these`, megabytes(peak), `(asked: under ${limits.memory} MB)`),
      line("  the database after one day, and after two", `${megs(small)}, ${megs(statSync(db).size)}`),
      line("  the same states as JSON files, one day", megs(bytes)),
      line("  the page's size", megs(statSync(page).size)),
      ...(await browserRows(page)),
      ...jqRows(join(folder, "day1")),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Of a processor, an import takes at most so many ms a host, or so many times what it cannot do without. */
const asked = { milliseconds: 1.5, times: 3 };

function importVerdict(each: number, floor: number): string {
  const times = each / floor;
  const holds = each <= asked.milliseconds || times <= asked.times;
  const bound = `asked: at most ${milliseconds(asked.milliseconds)}, or ${asked.times} times that`;
  return `(${times.toFixed(1)} times that; ${bound}: ${holds ? "within" : "NOT within"} what is asked)`;
}

/** What the import cannot do without, in ms a host: bench/floor.ts. */
function floorOf(folder: string): number {
  const floor = ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "floor.ts"), folder];
  const { milliseconds: taken }: { readonly milliseconds: number } = JSON.parse(
    program(process.execPath, floor),
  );
  return taken;
}

/** @returns the bytes of one day */
async function writeStates(folder: string): Promise<number> {
  const fleet = await makeFleet();
  let bytes = 0;
  for (const day of [0, 1]) {
    mkdirSync(join(folder, `day${day}`));
    for (let host = 0; host < hosts; host++) {
      const report = fleet.report(host, day);
      if (day === 0) bytes += report.length;
      writeFileSync(join(folder, `day${day}`, `${fleet.name(host)}.json`), report);
    }
  }
  return bytes;
}

/** The page as somebody uses it. */
async function browserRows(file: string): Promise<string[]> {
  const missing = noChromium();
  if (missing !== false) return [`fleet: the page was not opened: ${missing}`];
  const chromium = Chromium.start();
  try {
    const began = performance.now();
    const page = await chromium.open(pathToFileURL(file).href, { width: 1280, dark: false });
    const counted = String(await page.evaluate(`document.getElementById("counted").textContent`));
    const opened = performance.now() - began;
    if (counted !== `${hosts} of ${hosts} hosts`) throw new Error(`the page says: ${counted}`);
    const timed = async (work: string) =>
      Number(
        await page.evaluate(
          `(async () => { const began = performance.now(); ${work}; return performance.now() - began; })()`,
        ),
      );
    const typed = (words: string) =>
      `const search = document.getElementById("search"); search.value = ${JSON.stringify(words)}; search.dispatchEvent(new Event("input")); document.body.offsetHeight`;
    const filtered = await timed(typed("bond"));
    const again = await timed(typed("hv00"));
    const drawn = await timed(
      `document.querySelector("#rows button").click(); while (document.querySelector("#detail svg") === null) await new Promise((done) => setTimeout(done, 1))`,
    );
    if (page.complaints.length > 0) throw new Error(page.complaints.join("\n"));
    return [
      line("  Chromium opens the page", seconds(opened)),
      line("  it filters: the first time, and then", `${milliseconds(filtered)}, ${milliseconds(again)}`),
      line("  it draws a host's map", milliseconds(drawn)),
    ];
  } finally {
    await chromium.stop();
  }
}

/**
 * "Which hosts have a bond that is not in mode 802.3ad?", asked of a cache of facts: a JSON file for each
 * host, as Ansible's jsonfile has it.
 */
function jqRows(folder: string): string[] {
  if (!isInstalled("jq")) return ["the same question with jq: not measured: jq is not installed"];
  const facts = join(folder, "facts");
  mkdirSync(facts);
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  for (const name of names) {
    const { state } = JSON.parse(readFileSync(join(folder, name), "utf8"));
    writeFileSync(join(facts, name), JSON.stringify({ ansible_local: { vflag: state } }));
  }
  const question = '.ansible_local.vflag | select(any(.bonds[]; .mode != "802.3ad")) | .hostname';
  const run = taken("jq", ["-r", question, ...names.map((name) => join(facts, name))]);
  return [
    line("one question of Ansible's fact cache, with jq (bonds' modes only)", seconds(run.milliseconds)),
  ];
}
