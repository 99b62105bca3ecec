import { open } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const prompt = "(qemu) ";

/**
 * Gives commands to the QEMU of a guest's folder, one after the other, and resolves with what it printed.
 * A command that does its work in the foreground (`migrate` without -d) is waited for.
 */
export async function monitor(folder: string, commands: readonly string[]): Promise<string> {
  const socket = await reach(folder);
  const waiting = [...commands];
  let said = "";
  let seen = 0;
  return new Promise((resolve, reject) => {
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      said += text;
      const at = said.indexOf(prompt, seen);
      if (at < 0) return;
      seen = at + prompt.length;
      const next = waiting.shift();
      if (next === undefined) socket.end();
      else socket.write(`${next}\n`);
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(said));
  });
}

/** Connects; a QEMU that was just started takes some milliseconds to listen. */
async function reach(folder: string): Promise<Socket> {
  // Through the open folder: its path may be too long for a socket.
  const handle = await open(folder);
  try {
    for (let tries = 0; ; tries++) {
      const socket = connect(`/proc/self/fd/${handle.fd}/monitor`);
      const error = await new Promise<Error | undefined>((resolve) => {
        socket.once("connect", () => resolve(undefined)).once("error", resolve);
      });
      if (error === undefined) return socket;
      if (tries === 200) throw error;
      await sleep(20);
    }
  } finally {
    await handle.close();
  }
}
