/**
 * Each sysfs write that is under way takes a thread of libuv's pool, for as long as the kernel takes: a VF's probe may be half
 * a second. libuv reads this when the first thread is needed, so it is set before anything else runs.
 */
process.env["UV_THREADPOOL_SIZE"] ??= "64";
