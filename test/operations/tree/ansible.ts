import { spawnSync } from "node:child_process";

/**
 * Why the real ansible-inventory cannot be asked here, for the skip option of a test; `false` where it can.
 */
export const withoutAnsible: string | false =
  spawnSync("ansible-inventory", ["--version"], { env: { ...process.env, LC_ALL: "C.UTF-8" } }).status === 0
    ? false
    : "no ansible-inventory: apt-get install --no-install-recommends ansible-core";
