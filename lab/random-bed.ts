import { execFileSync } from "node:child_process";
import { labNics, realBed } from "../test/conformance/real-bed.ts";
import type { BedFault, NicProperties, Testbed } from "../test/conformance/testbed.ts";
import { portsOf } from "../test/conformance/testbed.ts";
import { ask } from "./asking.ts";
import { beReadyToKill, endWaiting, killOnTheWay } from "./random-kill.ts";

/** In a guest: the real NIC as a testbed with faults, which a program outside of it puts into the card. */

/** What the card is asked for, in the words of connectx/README.md. */
const byFirmware = {
  "lag-refused": "fail CREATE_LAG BAD_PARAM 0x7d49cb",
  "bind-fails": "fail INIT_HCA@vf INTERNAL_ERR",
} as const satisfies Partial<Record<BedFault, string>>;

type FirmwareFault = keyof typeof byFirmware;

export function bedWithFaults(): Testbed {
  const { connectx } = labNics;
  if (connectx === undefined) throw new Error("the lab has no connectx");
  const faults: readonly BedFault[] = [...firmwareFaults(), "eswitch-busy"];
  const nic: NicProperties = { ...connectx, faults };
  const bed = realBed("emulated ConnectX-6 Dx", nic, { restarts: true });
  beReadyToKill();
  const now = new Set<FirmwareFault>();
  const tellCard = () => ask({ fault: ["clear", ...[...now].map((name) => byFirmware[name])].join("; ") });
  let first = "";
  let busy = false;
  /** A rule in the hardware, as somebody else's: it counts as a user of its port's eSwitch. */
  function keepBusy(on: boolean): void {
    const rule = `dev ${first} ingress protocol ip prio 1`;
    if (on) tc(`filter replace ${rule} handle 1 flower skip_sw dst_mac 02:5d:00:00:0b:05 action drop`);
    else if (busy) tc(`filter del ${rule}`);
    busy = on;
  }
  return {
    ...bed,
    reset: async () => {
      now.clear();
      busy = false;
      await tellCard();
      const host = await bed.reset();
      first = portsOf(await host.observe())[0]?.netdev ?? "";
      tc(`qdisc add dev ${first} ingress`);
      return host;
    },
    killed: (_, actions) => killOnTheWay(actions),
    close: async () => {
      endWaiting();
      await bed.close();
    },
    fault: async (fault, on) => {
      if (fault === "eswitch-busy") return keepBusy(on);
      if (!isOfFirmware(fault)) throw new Error(`the card knows no fault ${fault}`);
      if (on) now.add(fault);
      else now.delete(fault);
      await tellCard();
    },
  };
}

function firmwareFaults(): FirmwareFault[] {
  return Object.keys(byFirmware).filter(isOfFirmware);
}

function isOfFirmware(name: string): name is FirmwareFault {
  return Object.hasOwn(byFirmware, name);
}

function tc(words: string): void {
  execFileSync("tc", words.split(" "), { timeout: 60_000 });
}
