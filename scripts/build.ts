import { statSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "./bundle.ts";
import { makeProgram } from "./program.ts";

/** `npm run build`: vflag as one file that needs nothing else, dist/vflag. */
const program = makeProgram(await bundle(), join(import.meta.dirname, "../dist"));
process.stdout.write(`${program}: ${(statSync(program).size / 1024 / 1024).toFixed(0)} MiB\n`);
