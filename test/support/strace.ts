import { spawnSync } from "node:child_process";

/** Why strace cannot be used here, for a test's `skip`. */
export function noStrace(): string | false {
  const { status, error, stderr } = spawnSync("strace", ["-o", "/dev/null", "true"], { encoding: "utf8" });
  if (error !== undefined) return "strace is not installed";
  return status === 0 ? false : `strace cannot trace here: ${stderr.trim()}`;
}
