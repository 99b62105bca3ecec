import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";

/** All of vflag's sources, and the packages they use, as one script for Node. */
const root = join(import.meta.dirname, "..");

const common = {
  absWorkingDir: root,
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

/** Returns the script that the startup snapshot is made of. The source of the worker's thread is in it, as text. */
export async function bundle(): Promise<string> {
  const worker = await scriptOf("src/netlink/worker-main.ts", {});
  // Only the way from sources asks where it is: the shipped program has no file to load a worker from.
  return scriptOf("src/cli/shipped.ts", { WORKER_SOURCE: JSON.stringify(worker), "import.meta.url": "undefined" });
}

/** The folders of the npm packages whose code is in the program, sorted. */
export async function bundledPackages(): Promise<string[]> {
  const define = { WORKER_SOURCE: '""', "import.meta.url": "undefined" };
  const entryPoints = ["src/cli/shipped.ts", "src/netlink/worker-main.ts"];
  const { metafile } = await build({ ...common, entryPoints, define, outdir: "dist", metafile: true });
  const folders = Object.keys(metafile.inputs).map((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort().map((folder) => join(root, folder));
}

async function scriptOf(entry: string, define: Readonly<Record<string, string>>): Promise<string> {
  const { outputFiles } = await build({ ...common, entryPoints: [entry], define });
  const text = outputFiles[0]?.text;
  if (text === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  return text;
}
