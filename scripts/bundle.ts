import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";

/** All of vflag's sources, and the packages they use, as one script for Node. */
const root = join(import.meta.dirname, "..");

const options = {
  absWorkingDir: root,
  entryPoints: ["src/cli/shipped.ts"],
  bundle: true,
  platform: "node",
  target: "node26",
  format: "cjs",
  external: ["node:*"],
  legalComments: "none",
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: "warning",
  write: false,
} as const satisfies BuildOptions;

/** Returns the script that the startup snapshot is made of. */
export async function bundle(): Promise<string> {
  const { outputFiles } = await build(options);
  const text = outputFiles[0]?.text;
  if (text === undefined) throw new Error("esbuild made nothing of vflag");
  return text;
}
