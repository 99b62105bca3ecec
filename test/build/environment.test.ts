import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sharedProgram } from "../support/program.ts";
import { noStrace } from "../support/strace.ts";

/** The shipped program runs as root: nothing in its environment runs, loads or writes anything. */

const folder = mkdtempSync(join(tmpdir(), "vflag-environment-"));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const noCompiler = spawnSync("cc", ["--version"]).status === 0 ? false : "there is no C compiler";
let program = "";
before(async () => {
  program = await sharedProgram();
});

function version(env: Readonly<Record<string, string>>): {
  status: number | null;
  stdout: string;
  stderr: string;
} {
  return spawnSync(program, ["--version"], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
}

function assertPlain(result: ReturnType<typeof version>): void {
  assert.deepEqual([result.status, result.stderr], [0, ""]);
  assert.match(result.stdout, /^\d+\.\d+\.\d+\n$/);
}

describe("the environment of the shipped program", () => {
  test("OPENSSL_CONF loads no shared object", { skip: noCompiler }, () => {
    const source =
      '#include <stdio.h>\n__attribute__((constructor)) void run(void) { FILE *file = fopen("RAN", "w"); if (file) fclose(file); }\n';
    writeFileSync(at("evil.c"), source.replace("RAN", at("ran")));
    assert.equal(spawnSync("cc", ["-shared", "-fPIC", "-o", at("evil.so"), at("evil.c")]).status, 0);
    const lines = [
      "nodejs_conf = init",
      "openssl_conf = init",
      "[init]",
      "providers = all",
      "[all]",
      "evil = evil",
      "[evil]",
      `module = ${at("evil.so")}`,
      "activate = 1",
    ];
    writeFileSync(at("evil.cnf"), `${lines.join("\n")}\n`);
    assertPlain(version({ OPENSSL_CONF: at("evil.cnf") }));
    assert.equal(existsSync(at("ran")), false);
    // The same file does it to a Node that reads it: the test can fail.
    spawnSync(process.execPath, ["--openssl-shared-config", "-e", "0"], {
      env: { OPENSSL_CONF: at("evil.cnf") },
    });
    assert.equal(existsSync(at("ran")), true);
  });

  test("a broken openssl.cnf, given or the machine's, prevents no start", { skip: noStrace() }, () => {
    writeFileSync(at("broken.cnf"), "no [equal sign\n= = \n[x\n");
    assertPlain(version({ OPENSSL_CONF: at("broken.cnf") }));
    spawnSync("strace", ["-f", "-o", at("trace"), "-e", "trace=openat,open", program, "--version"]);
    assert.doesNotMatch(readFileSync(at("trace"), "utf8"), /openssl\.cnf/);
  });

  test("NODE_V8_COVERAGE and its like write, load and print nothing", () => {
    writeFileSync(at("loaded.cjs"), `require("node:fs").writeFileSync(${JSON.stringify(at("loaded"))}, "");`);
    const variables = {
      NODE_V8_COVERAGE: at("coverage"),
      NODE_REDIRECT_WARNINGS: at("warnings"),
      NODE_OPTIONS: `--require=${at("loaded.cjs")}`,
      NODE_DEBUG: "fs,child_process,module",
      NODE_EXTRA_CA_CERTS: at("none"),
      NODE_CHANNEL_FD: "9",
    };
    for (const [name, value] of Object.entries(variables)) assertPlain(version({ [name]: value }));
    assertPlain(version(variables));
    for (const name of ["coverage", "warnings", "loaded"]) assert.equal(existsSync(at(name)), false, name);
  });

  test("NODE_COMPILE_CACHE, for which Node makes a folder before the program begins, has no file put there", () => {
    assertPlain(version({ NODE_COMPILE_CACHE: at("compiled") }));
    const inside = readdirSync(at("compiled"), { recursive: true, withFileTypes: true });
    assert.deepEqual(
      inside.filter((entry) => !entry.isDirectory()),
      [],
    );
  });

  test("arguments are the same with such a variable", () => {
    const env = { PATH: process.env["PATH"] ?? "", NODE_V8_COVERAGE: at("coverage") };
    const { status, stderr } = spawnSync(program, ["verify", "--spec", "a b\n'c"], { encoding: "utf8", env });
    assert.equal(status, 1);
    assert.match(stderr, /^vflag: a b\n {2}'c: no such file/);
  });
});
