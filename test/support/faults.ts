import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fresh } from "./hosts.ts";
import { usersEnvironment } from "./vflag.ts";

/** Faults of the machine, as the kernel gives them: for tests that run the program itself. */

export const demoSpec = `version: 1
nics:
  - name: data
    mode: vf-lag
    ports: [ens3f0, ens3f1]
    vfs: 2
    bond: bond0
`;

/** What `simulate new` makes, once for all tests of a file. */
const host = JSON.stringify(fresh());

/** A folder with a simulated host, host.json, and a spec, vflag.yaml. */
export function makeHost(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "vflag-faults-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "vflag.yaml"), demoSpec);
  writeFileSync(join(folder, "host.json"), host);
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
export function run(
  folder: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Ended {
  const [program = "", ...words] = argv;
  const { status, signal, stdout, stderr, error } = spawnSync(program, words, {
    cwd: folder,
    encoding: "utf8",
    timeout: 120_000,
    env: { ...usersEnvironment, ...env },
  });
  if (error !== undefined) throw error;
  return { status, signal, stdout, stderr };
}

/** How a program with a fault ended, and whether the fault came to it at all. */
interface Struck extends Ended {
  readonly isStruck: boolean;
}

/**
 * Runs a program whose system calls fail: `inject` as strace has it, only for calls on `paths` where there
 * are some.
 */
export function runFaulty(
  folder: string,
  argv: readonly string[],
  inject: readonly string[],
  paths: readonly string[] = [],
): Struck {
  const calls = inject.map((fault) => fault.slice(0, fault.indexOf(":"))).join(",");
  const words = [
    ...paths.flatMap((path) => ["-P", path]),
    ...inject.flatMap((fault) => ["-e", `inject=${fault}`]),
  ];
  const { ended, log } = traced(folder, argv, calls, words);
  const isKilled = ended.status === null || ended.status === 137;
  return { ...ended, isStruck: isKilled || log.includes("(INJECTED)") };
}

/** A system call that a program made: the n-th of its name in its thread, which is how strace counts them. */
export interface SystemCall {
  readonly name: string;
  readonly nth: number;
}

/**
 * The system calls of some names that a program makes in a folder, from the first on that has to do with a
 * file of `ours`.
 */
export function callsOf(
  folder: string,
  argv: readonly string[],
  names: readonly string[],
  ours: RegExp,
): SystemCall[] {
  const { ended, log } = traced(folder, argv, [...new Set(["openat", ...names])].join(","), []);
  const counts = new Map<string, number>();
  const found: SystemCall[] = [];
  let begun = false;
  for (const line of log.split("\n")) {
    // A call that another thread's came into is in two lines; it counts where it begins.
    const [, thread = "", name = ""] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    if (name === "") continue;
    const nth = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, nth);
    begun ||= ours.test(line);
    if (begun && names.includes(name)) found.push({ name, nth });
  }
  if (found.length === 0) throw new Error(`${argv.join(" ")} makes none of these calls: ${ended.stderr}`);
  return found;
}

/**
 * One thread for files: the order of the calls is the same each time. Only the calls that are asked for are
 * stopped at, which the kernel sees to, unless a signal is to come with one: strace 6.1 does not deliver it
 * then.
 */
function traced(folder: string, argv: readonly string[], calls: string, words: readonly string[]) {
  const file = join(mkdtempSync(join(tmpdir(), "vflag-strace-")), "log");
  try {
    const quick = words.some((word) => word.includes(":signal=")) ? [] : ["--seccomp-bpf"];
    const strace = ["strace", "-f", ...quick, "-qq", "-o", file, "-e", `trace=${calls}`, ...words];
    const ended = run(folder, [...strace, ...argv], { UV_THREADPOOL_SIZE: "1" });
    return { ended, log: readFileSync(file, "utf8") };
  } finally {
    rmSync(dirname(file), { recursive: true });
  }
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

/**
 * An argument vector that runs another one where `script`, of a shell, has mounted something, in a mount
 * namespace of its own.
 */
export function mounted(script: string, argv: readonly string[]): string[] {
  return ["unshare", "--mount", "sh", "-ec", `${script}\nexec "$@"`, "sh", ...argv];
}
