import { enableCompileCache } from "node:module";
import "./threads.ts";
import { useWorkerSource } from "../netlink/index.ts";

/**
 * Where the shipped program begins: one file that `npm run build` makes of all sources, which therefore brings the source of
 * the worker's thread with it.
 */
declare const WORKER_SOURCE: string;

useWorkerSource(WORKER_SOURCE);

// Beside the program, where only its owner can write: root must not run what others may have put into /tmp.
enableCompileCache(`${import.meta.dirname}/.cache`);

await import("./run.ts");
