import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { allowThreads } from "./process/threads.ts";

allowThreads();

// Compiled code is kept beside the sources, where only their owner can write. Node's own default is a folder
// in /tmp whose name everybody knows: root must not run what others may have put there.
enableCompileCache(join(import.meta.dirname, "../../node_modules/.cache/vflag"));

const { commandLine, main } = await import("./run.ts");
await main(commandLine());
