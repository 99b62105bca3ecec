// Installs what package-lock.json names, unless that is done already. Runs on any Node from 18 on, before
// there is a Node 26.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "..");
const done = join(root, "node_modules/.package-lock.json");
const wanted = join(root, "package-lock.json");

if (!existsSync(done) || statSync(done).mtimeMs < statSync(wanted).mtimeMs) {
  process.stderr.write("Installing what package-lock.json names (npm ci)...\n");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) {
    process.stderr.write(
      "npm ci failed: see above. It needs Linux on x86_64 or arm64, npm, and a reachable npm registry.\n",
    );
    process.exit(1);
  }
}
