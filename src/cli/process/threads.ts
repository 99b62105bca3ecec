/**
 * Gives libuv a thread for each sysfs write that may be under way: a VF's probe takes half a second of one.
 * To be called before anything else, for libuv asks once, when the first thread is needed.
 */
export function allowThreads(): void {
  process.env["UV_THREADPOOL_SIZE"] ??= "32";
}
