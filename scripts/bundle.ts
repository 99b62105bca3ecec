import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";

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
  // Only the way from sources asks where it is.
  define: { "import.meta.url": "undefined" },
  write: false,
} as const satisfies BuildOptions;

/** The thread that reads what hosts said is started from a text: a program in one file has no other file to start it from. */
const readerThread: Plugin = {
  name: "reader-thread",
  setup({ onLoad }) {
    onLoad({ filter: /src\/fleet\/reading\/reader-text\.ts$/ }, async () => {
      const { outputFiles } = await build({ ...common, entryPoints: ["src/fleet/reading/reader-thread.ts"] });
      const text = outputFiles[0]?.text;
      if (text === undefined) throw new Error("esbuild made nothing of the fleet's reader");
      // A thread runs its text as a script, whose variables would be everybody's.
      return {
        contents: `export const readerText = ${JSON.stringify(`(() => {${text}})();`)};`,
        loader: "ts",
      };
    });
  },
};

/** Commands that hypervisors, monitoring and a fleet's collector run again and again. */
const frequent = [
  "target.ts",
  ...["apply.ts", "inspect.ts", "map.ts", "plan.ts", "verify.ts", "watch.ts"].map((name) => `host/${name}`),
  ...globSync("*.ts", { cwd: join(root, "src/cli/fleet") })
    .sort()
    .map((name) => `fleet/${name}`),
];

/** What they import when they run is imported before the startup snapshot is made, so that it holds it. */
const loadedBefore: Plugin = {
  name: "loaded-before",
  setup({ onLoad }) {
    onLoad({ filter: /src\/cli\/shipped\.ts$/ }, ({ path }) => {
      const imports = frequent.flatMap((name) => {
        const file = join(dirname(path), name);
        const source = readFileSync(file, "utf8");
        return [...source.matchAll(/import\("(\.[^"]+)"\)/g)].map(([, to = ""]) => join(dirname(file), to));
      });
      const lines = [...new Set(imports)].sort().map((file) => `import ${JSON.stringify(file)};\n`);
      return { contents: readFileSync(path, "utf8") + lines.join(""), loader: "ts" };
    });
  },
};

const options = {
  ...common,
  entryPoints: ["src/cli/shipped.ts"],
  plugins: [readerThread, loadedBefore],
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
  const folders = Object.keys(metafile.inputs).map(
    (file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0],
  );
  return [...new Set(folders.filter((folder) => folder !== undefined))]
    .sort()
    .map((folder) => join(root, folder));
}
