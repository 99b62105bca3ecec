import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { makeTree } from "../host/linux/tree.ts";

const repository = join(import.meta.dirname, "../..");

/** A copy of the sources, to which somebody adds something. */
export class Sources {
  readonly #root: string;

  constructor(t: TestContext) {
    this.#root = makeTree(t, { "package.json": readFileSync(join(repository, "package.json"), "utf8") });
    for (const folder of ["src", "bin"])
      cpSync(join(repository, folder), join(this.#root, folder), { recursive: true });
    symlinkSync(join(repository, "node_modules"), join(this.#root, "node_modules"));
    const config = { extends: `${repository}/tsconfig.json`, include: ["src"] };
    writeFileSync(join(this.#root, "tsconfig.json"), JSON.stringify(config));
  }

  /** A new file. */
  add(path: string, text: string): void {
    const file = join(this.#root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** Lines behind a place of a file, and imports at its top. */
  insert(path: string, after: string, text: string, ...imports: readonly string[]): void {
    const file = join(this.#root, path);
    const source = readFileSync(file, "utf8");
    assert.ok(source.includes(after), `${path} has no ${after}`);
    writeFileSync(file, [...imports, source.replace(after, after + text)].join("\n"));
  }

  /** What the compiler says, a complaint a line. */
  compile(): string[] {
    const compiler = join(repository, "node_modules/typescript7/bin/tsc");
    const argv = [compiler, "--noEmit", "--pretty", "false", "-p", "."];
    const { stdout, status } = spawnSync(process.execPath, argv, { cwd: this.#root, encoding: "utf8" });
    assert.ok(status !== null, "the compiler did not end by itself");
    return stdout.split("\n").filter((line) => line !== "");
  }

  /** The program of these sources. */
  vflag(...argv: readonly string[]): { readonly status: number | null; readonly said: string } {
    const main = join(this.#root, "src/cli/main.ts");
    const words = ["--disable-warning=ExperimentalWarning", main, ...argv];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, {
      cwd: this.#root,
      encoding: "utf8",
    });
    return { status, said: stdout + stderr };
  }
}
