import { spawnSync } from "node:child_process";

/**
 * Mount and network namespaces of a test's own, so that the programs that read vflag's files can be run on
 * them without a trace.
 */

/** Why there can be none here, or false. */
export function noSandbox(...programs: readonly string[]): string | false {
  for (const program of ["unshare", ...programs]) {
    if (spawnSync("sh", ["-c", 'command -v "$1"', "sh", program]).status !== 0)
      return `${program} is not installed`;
  }
  const mounts = spawnSync("unshare", ["-mn", "mount", "--make-rprivate", "/"], { encoding: "utf8" });
  return mounts.status === 0 ? false : `no namespaces here: ${mounts.stderr.trim()}`;
}

/** Runs lines of shell in it; $1 and so on are the arguments. What it printed, both ways. */
export function inSandbox(lines: readonly string[], ...args: readonly string[]): string {
  const script = [
    "set -e",
    "mount --make-rprivate /",
    "mount -t tmpfs tmpfs /run",
    "mkdir -p /run/udev",
    ...lines,
  ].join("\n");
  const { status, stdout, stderr } = spawnSync("unshare", ["-mn", "sh", "-c", script, "sh", ...args], {
    encoding: "utf8",
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`exit code ${status}: ${stderr}`);
  return stdout + stderr;
}
