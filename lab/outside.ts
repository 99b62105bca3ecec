import { deviceOf, farEndOf, type Port } from "./cards.ts";
import { monitor } from "./monitor.ts";
import type { Guest } from "./running.ts";

/** What is done to a guest's cards from outside of it, by QEMU's monitor. */
export type Outside =
  /** A port's cable is pulled, or put back. */
  | { readonly cable: "out" | "in"; readonly port: Port }
  /**
   * A connectx's firmware misbehaves from now on; `clear` ends all of it. The words are in
   * connectx/README.md.
   */
  | { readonly fault: string; readonly card?: 0 | 1 };

/** Does it, and throws with QEMU's answer where it has one: it is silent when all is well. */
export async function doOutside(guest: Guest, what: Outside): Promise<void> {
  for (const command of commandsOf(what)) {
    const said = await monitor(guest.access.folder, [command]);
    // The answer stands between the command's echo and the next prompt.
    const answers = said.split("(qemu) ")[1]?.split("\n").slice(1).join("\n").trim() ?? "";
    if (answers !== "") throw new Error(`${command}: QEMU's answer: ${answers}`);
  }
}

/** A cable has two ends, and each sees that it is out: QEMU tells only the one that it is told of. */
function commandsOf(what: Outside): string[] {
  if ("cable" in what)
    return [deviceOf(what.port), farEndOf(what.port)].map(
      (end) => `set_link ${end} ${what.cable === "in" ? "on" : "off"}`,
    );
  return [`qom-set /machine/peripheral/${deviceOf(what.card === 1 ? 2 : 0)} fault ${what.fault}`];
}
