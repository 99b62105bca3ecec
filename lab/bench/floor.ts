import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { carryOut, type LinkReference, openNetlink } from "../../src/netlink/index.ts";
import type { NetdevOf, Request, Requests } from "./requests.ts";

/**
 * The floor of the benchmark, run in the guest: the kernel requests of a file, in its order and with its
 * parallelism, with nothing around them: nothing is observed, checked, written down or waited for, except the
 * LAG. Prints the milliseconds, in all and by kind of action.
 */
const requests = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Requests;
const netlink = openNetlink();
let representors: ReadonlyMap<string, number> | undefined;

const took: Record<string, number> = {};
const started = performance.now();
for (const together of requests) {
  const begun = performance.now();
  await Promise.all(together.map(ask));
  const kind = together[0]?.action ?? "";
  took[kind] = (took[kind] ?? 0) + performance.now() - begun;
}
process.stdout.write(`${JSON.stringify({ total: performance.now() - started, took })}\n`);
process.exit();

async function ask(request: Request): Promise<void> {
  switch (request.kind) {
    case "write": {
      await using file = await open(request.file, "w");
      await file.write(request.text);
      return;
    }
    case "mode":
      return carryOut({ kind: "setEswitch", handle: request.handle, change: { mode: request.mode } });
    case "offload":
      netlink.ethtool.setFeatures(linkOf(request.netdev), { "hw-tc-offload": request.on });
      return;
    case "channels":
      netlink.ethtool.setCombinedChannels(linkOf(request.netdev), request.combined);
      return;
    case "lag":
      while (readFileSync(request.file, "utf8").trim() !== "active") await sleep(5);
  }
}

/** One listing of devlink's ports: representors are there, with their netdevs, when the mode has been set. */
function linkOf(netdev: NetdevOf): LinkReference {
  if (typeof netdev === "string") return netdev;
  representors ??= new Map(
    netlink.devlink
      .listPorts()
      .flatMap(({ flavour, handle, vf, ifindex }) =>
        flavour === "pcivf" && ifindex !== null ? [[`${handle} ${vf}`, ifindex]] : [],
      ),
  );
  const index = representors.get(`pci/${netdev.pf} ${netdev.vf}`);
  if (index === undefined) throw new Error(`VF ${netdev.vf} of ${netdev.pf} has no representor`);
  return index;
}
