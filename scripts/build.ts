import { statSync } from "node:fs";
import { bundle } from "./bundle.ts";

/** `npm run build`. */
const file = await bundle();
process.stdout.write(`${file}: ${Math.round(statSync(file).size / 1024)} KiB\n`);
