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
  // Only the way from sources asks where it is.
  define: { "import.meta.url": "undefined" },
  write: false,
} as const satisfies BuildOptions;

/** Returns the script that the startup snapshot is made of. */
export async function bundle(): Promise<string> {
  const { outputFiles } = await build(options);
  const text = outputFiles[0]?.text;
  if (text === undefined) throw new Error("esbuild made nothing of vflag");
  return text;
}

/** The folders of the npm packages whose code is in the program, sorted. */
export async function bundledPackages(): Promise<string[]> {
  const { metafile } = await build({ ...options, outfile: "vflag.cjs", metafile: true });
  const folders = Object.keys(metafile.inputs).map((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort().map((folder) => join(root, folder));
}
