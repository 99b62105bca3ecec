import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Makes a single executable of a bundled script: Node with the script's startup snapshot in it.
 * Source: Node's documentation, "Single executable applications". NODE_OPTIONS has no say in it: it runs as
 * root.
 * @param folder where its parts and then the program, `vflag`, are made
 */
export function makeProgram(script: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = (name: string): string => join(folder, name);
  writeFileSync(file("vflag.cjs"), compiledWhole(script));
  copyFileSync(process.execPath, file("node"));
  // Its symbols are a fifth of it. Where there is no strip, the program is larger, that is all.
  spawnSync("strip", ["--strip-unneeded", file("node")], { stdio: "ignore" });
  const config = {
    main: "vflag.cjs",
    output: "vflag.new",
    executable: "node",
    useSnapshot: true,
    disableExperimentalSEAWarning: true,
    execArgvExtension: "none",
    // MiB that are filled before V8 first looks for what is no longer used: a boot stage ends before that.
    // No configuration of OpenSSL, neither OPENSSL_CONF's nor the machine's, is read: it can load a shared
    // object, and a broken one would prevent the start. Source: Node's documentation, --openssl-config.
    execArgv: ["--min-semi-space-size=16", "--openssl-config=/dev/null"],
  };
  writeFileSync(file("sea.json"), JSON.stringify(config));
  // Two builds of one script are the same byte for byte: no random seed is in the heap that is kept, nor a
  // warning's text, which has the process's number in it. One thread collects garbage: with several, it is a
  // matter of their pace whether a comparison was seen with a string or with its only copy, and V8 notes that
  // in the compiled function.
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--random-seed=1", "--single-threaded-gc", "--no-warnings", "--build-sea", "sea.json"],
    {
      argv0: "node",
      cwd: folder,
      encoding: "utf8",
      timeout: 120_000,
    },
  );
  if (status !== 0) throw new Error(`node --build-sea: exit code ${status}\n${stdout}${stderr}`);
  for (const part of ["vflag.cjs", "node", "sea.json"]) rmSync(file(part));
  renameSync(file("vflag.new"), file("vflag"));
  return file("vflag");
}

/**
 * V8 compiles a function when it is first called, and a snapshot holds what was compiled by then. Here
 * everything is: the program then starts without compiling anything. Number and path of the process that
 * builds are not kept in it: Node gives the program its own when it starts.
 */
function compiledWhole(script: string): string {
  return [
    'Object.defineProperty(process, "pid", { value: 1, configurable: true, enumerable: true });',
    'process.execPath = process.argv[0] = "node";',
    'const v8 = require("node:v8");',
    'v8.setFlagsFromString("--no-lazy");',
    `const program = require("node:vm").compileFunction(${JSON.stringify(script)}, ["require"]);`,
    'v8.setFlagsFromString("--lazy");',
    "program(require);",
  ].join("\n");
}
