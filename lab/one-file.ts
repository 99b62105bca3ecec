import { basename, join } from "node:path";
import { build } from "esbuild";
import type { Guest } from "./running.ts";

/**
 * Puts a program of the repository and all that it imports into one file of JavaScript, and returns its path
 * in the guest. An emulated Node takes 8 s to read and strip some hundred files of TypeScript over 9p.
 */
export async function oneFile(guest: Guest, source: string): Promise<string> {
  const name = basename(source).replace(/\.ts$/, ".mjs");
  await build({
    absWorkingDir: join(import.meta.dirname, ".."),
    entryPoints: [source],
    bundle: true,
    platform: "node",
    target: "node26",
    format: "esm",
    // For packages that are not modules.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "warning",
    sourcemap: "inline",
    outfile: join(guest.access.folder, "share", name),
  });
  return `/mnt/share/${name}`;
}
