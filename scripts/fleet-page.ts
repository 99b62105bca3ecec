import { hash } from "node:crypto";
import { join } from "node:path";
import { buildSync } from "esbuild";

/**
 * The script of the fleet's page, src/report/html/fleet-page.ts with the map's drawing, as one text that a
 * browser runs.
 */
export function fleetPageModule(): string {
  const { outputFiles } = buildSync({
    absWorkingDir: join(import.meta.dirname, ".."),
    entryPoints: ["src/report/html/fleet-page.ts"],
    bundle: true,
    platform: "browser",
    target: "es2022",
    format: "iife",
    legalComments: "none",
    charset: "ascii",
    minify: true,
    // Colours of a terminal, of which nothing is left.
    alias: { "node:util": "./scripts/no-terminal.ts" },
    write: false,
    logLevel: "warning",
  });
  const text = outputFiles[0]?.text;
  if (text === undefined) throw new Error("esbuild made nothing of the fleet's page");
  const script = text.trim().replaceAll("</", "<\\/");
  return [
    "// Made by `npm run published` of fleet-page.ts: edit that.",
    `export const fleetPage: string = ${JSON.stringify(script)};`,
    "/** What the page's policy allows to run. */",
    `export const fleetPageHash: string = "sha256-${hash("sha256", script, "base64")}";\n`,
  ].join("\n");
}
