import { existsSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { doOutside, type Outside } from "./outside.ts";
import type { Guest } from "./running.ts";

/**
 * A program in the guest has something done to the cards from outside: a question in a file of the share, and
 * the answer in another.
 */
const names = { question: "outside.ask", answer: "outside.answer" } as const;
const share = "/mnt/share";

/** In the guest: waits until it has been done, for a minute at most. */
export async function ask(what: Outside): Promise<void> {
  const answer = join(share, names.answer);
  await rm(answer, { force: true });
  await write(share, names.question, JSON.stringify(what));
  for (let tries = 0; tries < 3000; tries++) {
    if (existsSync(answer)) {
      const error = await readFile(answer, "utf8");
      if (error !== "") throw new Error(error);
      return;
    }
    await sleep(20);
  }
  throw new Error(`nobody outside of the guest answered to ${JSON.stringify(what)} within 60 s`);
}

/** Outside: does what the guest asks for, as long as `work` is under way. */
export async function answering<T>(guest: Guest, work: Promise<T>): Promise<T> {
  const folder = join(guest.access.folder, "share");
  let done = false;
  const serve = async (): Promise<void> => {
    for (; !done; await sleep(20)) {
      const question = await readFile(join(folder, names.question), "utf8").catch(() => null);
      if (question === null) continue;
      await rm(join(folder, names.question));
      const error = await doOutside(guest, JSON.parse(question) as Outside).then(
        () => "",
        (reason: unknown) => String(reason),
      );
      await write(folder, names.answer, error);
    }
  };
  const served = serve();
  try {
    return await work;
  } finally {
    done = true;
    await served;
  }
}

/** Whole or not at all. */
async function write(folder: string, name: string, text: string): Promise<void> {
  await writeFile(join(folder, `${name}.new`), text);
  await rename(join(folder, `${name}.new`), join(folder, name));
}
