import { chmodSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";

const root = join(import.meta.dirname, "..");

const common: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node26",
  external: ["node:*"],
  logLevel: "warning",
  write: false,
};

/** Makes vflag as it is shipped, one file that needs nothing but Node, and returns its path: dist/vflag.mjs. */
export async function bundle(): Promise<string> {
  const target = join(root, "dist/vflag.mjs");
  const worker = await build({ ...common, entryPoints: ["src/netlink/worker-main.ts"], format: "cjs", minify: true });
  const source = worker.outputFiles?.[0]?.text;
  if (source === undefined) throw new Error("esbuild made no worker");
  await build({
    ...common,
    entryPoints: ["src/cli/shipped.ts"],
    outfile: target,
    format: "esm",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    write: true,
    define: { WORKER_SOURCE: JSON.stringify(source) },
    banner: {
      // Packages in CommonJS ask for Node's own modules by require.
      js: '#!/usr/bin/env -S node --disable-warning=ExperimentalWarning\nimport { createRequire as makeRequire } from "node:module";\nconst require = makeRequire(import.meta.url);',
    },
  });
  chmodSync(target, 0o755);
  return target;
}
