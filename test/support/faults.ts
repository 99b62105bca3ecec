import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** Faults of the machine, as the kernel gives them: for tests that run the program itself. */

export const vflag = join(import.meta.dirname, "../../bin/vflag");

export const demoSpec = `version: 1
nics:
  - name: data
    mode: vf-lag
    ports: [ens3f0, ens3f1]
    vfs: 2
    bond: bond0
`;

/** A folder with a simulated host, host.json, and a spec, vflag.yaml. */
export function makeHost(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "vflag-faults-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "vflag.yaml"), demoSpec);
  run(folder, [vflag, "simulate", "new", "host.json", "--bond", "bond0"]);
  return folder;
}

export const onHost = ["--host", "host.json", "--spec", "vflag.yaml"];

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in a folder, to its end. */
export function run(folder: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}): Ended {
  const [program = "", ...words] = argv;
  const { status, signal, stdout, stderr, error } = spawnSync(program, words, {
    cwd: folder,
    encoding: "utf8",
    timeout: 120_000,
    env: { ...process.env, ...env },
  });
  if (error !== undefined) throw error;
  return { status, signal, stdout, stderr };
}

/** Runs a program whose system calls fail: `inject` as strace has it, only for calls on `paths` where there are some. */
export function runFaulty(folder: string, argv: readonly string[], inject: readonly string[], paths: readonly string[] = []): Ended {
  const words = [...paths.flatMap((path) => ["-P", path]), ...inject.flatMap((fault) => ["-e", `inject=${fault}`])];
  return run(folder, ["strace", "-f", "-qq", "-o", "/dev/null", ...words, ...argv], { UV_THREADPOOL_SIZE: "1" });
}

/** Why strace cannot be used here, for a test's `skip`. */
export function noStrace(): string | false {
  const { status, error, stderr } = spawnSync("strace", ["-o", "/dev/null", "true"], { encoding: "utf8" });
  if (error !== undefined) return "strace is not installed";
  return status === 0 ? false : `strace cannot trace here: ${stderr.trim()}`;
}

/** Why there is no other user here to be, for a test's `skip`. */
export function noOtherUser(): string | false {
  if (process.getuid?.() !== 0) return "only root can be somebody else";
  const { status } = spawnSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "true"]);
  return status === 0 ? false : "setpriv is not installed";
}

/** Why there is no full or read-only file system to be made here, for a test's `skip`. */
export function noMounts(): string | false {
  const { status } = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
  return status === 0 ? false : "nothing can be mounted here";
}

/** An argument vector that runs another one where `script`, of a shell, has mounted something, in a mount namespace of its own. */
export function mounted(script: string, argv: readonly string[]): string[] {
  return ["unshare", "--mount", "sh", "-ec", `${script}\nexec "$@"`, "sh", ...argv];
}
