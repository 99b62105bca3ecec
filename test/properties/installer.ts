import { text } from "node:stream/consumers";
import type { Action } from "../../src/host/actions/action.ts";
import { perform } from "./installing.ts";

/** A program that installs what it reads, once it has shown that it is there: killed-install.long.ts. */
process.stdout.write("ready\n");
const { root, actions }: { readonly root: string; readonly actions: readonly Action[] } = JSON.parse(
  await text(process.stdin),
);
for (const action of actions) await perform(root, action);
process.exit(0);
