import { statSync } from "node:fs";
import { join, relative } from "node:path";
import { bundle } from "./bundle.ts";
import { debTools, makeDeb } from "./package/deb.ts";
import { sourceDateEpoch } from "./package/epoch.ts";
import { type Format, packagedFiles } from "./package/files.ts";
import { packageInfo } from "./package/package-info.ts";
import { makeRpm, rpmTools } from "./package/rpm.ts";
import { requireTools } from "./package/tools.ts";
import { makeProgram } from "./program.ts";

/** `npm run package [-- deb|rpm]`: the executable of `npm run build`, and the packages of it, in dist/. */

const makers = {
  deb: { tools: debTools, make: makeDeb },
  rpm: { tools: rpmTools, make: makeRpm },
} as const;

/** Without it the executable is a fifth larger, and not the same as where there is one. */
const strip = {
  program: "strip",
  what: "makes the executable smaller",
  debian: "binutils",
  redHat: "binutils",
};

async function main(wanted: readonly string[]): Promise<void> {
  const formats = (["deb", "rpm"] as const satisfies readonly Format[]).filter(
    (format) => wanted.length === 0 || wanted.includes(format),
  );
  const unknown = wanted.filter((each) => each !== "deb" && each !== "rpm");
  if (unknown.length > 0) throw new Error(`${unknown.join(" ")}: packages are deb and rpm`);
  requireTools([strip, ...formats.flatMap((format) => makers[format].tools)]);
  const info = packageInfo(sourceDateEpoch());
  const dist = join(import.meta.dirname, "../dist");
  const program = makeProgram(await bundle(), dist);
  const files = await packagedFiles(program, info);
  report(program);
  // Compressing takes a minute of one processor for each.
  for (const file of await Promise.all(formats.map((format) => makers[format].make(files, info, dist))))
    report(file);
}

function report(file: string): void {
  process.stdout.write(
    `${relative(process.cwd(), file)}: ${(statSync(file).size / 1024 / 1024).toFixed(1)} MiB\n`,
  );
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`package: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
