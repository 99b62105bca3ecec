import { spawnSync } from "node:child_process";

/**
 * Runs a program to its end and prints what it took, as JSON: exact, because the kernel itself keeps the
 * account of a process's ended children (getrusage(2), RUSAGE_CHILDREN). In a process of its own, because the
 * account is of all children together.
 */
const [file = "", ...args] = process.argv.slice(2);
const began = performance.now();
const { status, error } = spawnSync(file, args, { stdio: ["ignore", "ignore", "inherit"], timeout: 120_000 });
const milliseconds = performance.now() - began;
if (error !== undefined) throw error;

const RUSAGE_CHILDREN = -1;
const { functions } = process
  .getBuiltinModule("node:ffi")
  .dlopen(null, { getrusage: { arguments: ["i32", "buffer"], return: "i32" } });
/** struct rusage: user time, system time (two struct timeval), then ru_maxrss in KiB. */
const usage = Buffer.alloc(256);
if (functions.getrusage(RUSAGE_CHILDREN, usage) !== 0) throw new Error("getrusage failed");
const seconds = (at: number) => Number(usage.readBigInt64LE(at)) + Number(usage.readBigInt64LE(at + 8)) / 1e6;
const taken = {
  status,
  milliseconds,
  cpu: (seconds(0) + seconds(16)) * 1000,
  peakMiB: Number(usage.readBigInt64LE(32)) / 1024,
};
process.stdout.write(JSON.stringify(taken));

export type Taken = typeof taken;
