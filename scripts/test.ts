import { spawnSync } from "node:child_process";
import { join } from "node:path";

/**
 * `npm test` and `npm run test:long`: runs the test files of these patterns, and shows at the end what was
 * skipped.
 */

const root = join(import.meta.dirname, "..");
const reporters = ["spec", join(root, "test/support/skips.ts")].flatMap((name) => [
  `--test-reporter=${name}`,
  "--test-reporter-destination=stdout",
]);
const options = ["--disable-warning=ExperimentalWarning", "--test", "--test-concurrency=2", ...reporters];
const { status } = spawnSync(process.execPath, [...options, ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
  // Each file is a process of its own: what one has compiled is kept for the next, which begins in half the
  // time.
  env: { ...process.env, NODE_COMPILE_CACHE: join(root, "node_modules/.cache/tests") },
});
process.exitCode = status ?? 1;
