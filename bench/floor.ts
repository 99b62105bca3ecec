import { hash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";

/**
 * What JSON.parse, one hash and zstd of each file of a folder take of a processor, in ms a file, as JSON:
 * below that no import of them can be. Reading the files is not counted. In a process of its own, as the
 * import is.
 */
const [folder = ""] = process.argv.slice(2);
const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
const batch = 100;
let micros = 0;
for (let at = 0; at < names.length; at += batch) {
  const texts = names.slice(at, at + batch).map((name) => readFileSync(join(folder, name)));
  const before = process.cpuUsage();
  for (const text of texts) {
    JSON.parse(text.toString());
    hash("sha256", text);
    zstdCompressSync(text);
  }
  const { user, system } = process.cpuUsage(before);
  micros += user + system;
}
process.stdout.write(JSON.stringify({ milliseconds: micros / 1000 / names.length }));
