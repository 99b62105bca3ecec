import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { History } from "../../src/fleet/history/history.ts";
import { readReport } from "../../src/fleet/reading/report.ts";

/**
 * A process that writes into a database until it is killed, and says after each host that it is there: `node
 * writer.ts DB FOLDER`.
 */
const [file = "", folder = ""] = process.argv.slice(2);
const history = History.open(file, "0");
const names = readdirSync(folder);
for (let round = 0; ; round++) {
  for (const name of names) {
    const report = readReport(`${process.pid}-${name}`, readFileSync(join(folder, name), "utf8"), null);
    const observedAt = new Date(Date.parse(report.state.observedAt) + round * 60_000).toISOString();
    history.record({ ...report, state: { ...report.state, observedAt, kernel: `6.1.${round}` } });
    process.stdout.write(`${report.host} ${observedAt}\n`);
  }
  if (round % 2 === 1) history.prune(Date.UTC(2020, 0, 1));
}
