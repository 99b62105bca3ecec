import { parseArgs } from "node:util";
import { known } from "../../src/host/state/observed.ts";
import { wholeNumber } from "../../test/support/count.ts";
import { readArguments } from "../arguments.ts";
import { build } from "../build.ts";
import { startGuest, stopGuest } from "../guest.ts";
import { mustDo } from "../operate.ts";
import { doOutside } from "../outside.ts";
import type { Guest } from "../running.ts";
import { summary, type Times } from "./figures.ts";
import { type Card, inspect, makeBond, reset, settle, slowness, timed } from "./hands.ts";
import { type Way, ways } from "./ways.ts";

/**
 * `npm run bench:lab`: the two boot stages by vflag, by a guide's scripts, by netplan as far as it goes, and
 * the same kernel requests alone (the floor, with udev beside it and with udev waiting): in one guest, in one
 * run, with a ConnectX-5's times. Each way begins with a NIC as after power-on and must end with an active
 * LAG and all VFs bound.
 */
const { counts, rounds, chosen, slower } = readArguments(() => {
  const { values } = parseArgs({
    options: {
      vfs: { type: "string", multiple: true, default: ["8", "64"] },
      rounds: { type: "string", default: "3" },
      only: { type: "string", multiple: true },
      /**
       * The card's times, as a multiple of a ConnectX-5's: a VF's probe takes 0.45 s, a mode change with 2
       * VFs 1.3 s (lab/README.md). Emulation makes the processor many times slower than a hypervisor's and
       * leaves the card as quick as it is; with more, the two are closer to what they are there.
       */
      "nic-times": { type: "string", default: "1" },
    },
  });
  const names = ways.map(({ name }) => name);
  for (const word of values.only ?? [])
    if (!names.some((name) => name === word))
      throw new Error(`--only: one of ${names.join(", ")}, not "${word}"`);
  const times = Number(values["nic-times"]);
  if (!(times >= 1 && times <= 100))
    throw new Error(`--nic-times: a number from 1 to 100, not "${values["nic-times"]}"`);
  return {
    counts: values.vfs.map((text) => wholeNumber("--vfs", text)),
    rounds: wholeNumber("--rounds", values.rounds),
    chosen: ways.filter(({ name }) => values.only?.includes(name) ?? true),
    slower: times,
  };
});

/**
 * The driver offers a channel for each processor, and the guest has two (lab/README.md). Each queue is an
 * event for udev.
 */
const channels = { pf: 2, representor: 2 };

await build({});
for (const vfs of counts) await compare(vfs);

async function compare(vfs: number): Promise<void> {
  const guest = await startGuest({
    name: `bench-${vfs}-${process.pid}`,
    nic: "connectx",
    vfs,
    memory: 6144,
  });
  try {
    const card: Card = { ...(await portsOf(guest)), vfs, channels };
    const tables = await tablesOfModeChange(guest, card);
    const firmware = `delay INIT_HCA@vf ${Math.round(450 * slower)}; delay CREATE_FLOW_TABLE@pf ${Math.round((1300 * slower) / tables)}`;
    await doOutside(guest, { fault: firmware });
    process.stdout.write(
      `2 x ${vfs} VFs, firmware: ${firmware}, channels ${channels.pf} and ${channels.representor}\n`,
    );
    process.stdout.write(`  A change to switchdev with 2 VFs makes ${tables} flow tables.\n`);
    process.stdout.write(
      `  The guest's processor takes ${(await slowness(guest)).toFixed(1)} times as long for a loop of bash as this machine's.\n`,
    );
    const results = new Map<string, Times[]>();
    for (let round = 0; round < rounds; round++) {
      for (const way of chosen) {
        const measured = await once(guest, card, way);
        results.set(way.name, [...(results.get(way.name) ?? []), measured]);
        process.stdout.write(
          `  ${way.name.padEnd(10)} early ${seconds(measured.early)}, late ${seconds(measured.late)}, udev then ${seconds(measured.udev)}, ${measured.untuned} representors untuned\n`,
        );
      }
    }
    process.stdout.write(`${summary(results)}\n`);
  } finally {
    await stopGuest(guest.name);
  }
}

/**
 * How many flow tables the driver makes in a change to switchdev mode with 2 VFs: what it takes longer where
 * each is delayed.
 */
async function tablesOfModeChange(guest: Guest, card: Card): Promise<number> {
  const delay = 300;
  const [address] = card.addresses;
  const times: number[] = [];
  for (const fault of ["clear", `delay CREATE_FLOW_TABLE@pf ${delay}`]) {
    await reset(guest, card);
    await mustDo(
      guest,
      `cd /sys/bus/pci/devices/${address} && echo 0 > sriov_drivers_autoprobe && echo 2 > sriov_numvfs && udevadm settle`,
    );
    await doOutside(guest, { fault });
    times.push(await timed(guest, `devlink dev eswitch set pci/${address} mode switchdev`));
    await doOutside(guest, { fault: "clear" });
  }
  const [quick = 0, delayed = 0] = times;
  return Math.max(1, Math.round((delayed - quick) / delay));
}

/**
 * From a NIC without VFs to all VFs bound. What the bond's making takes is nobody's, and not counted; nor is
 * udev's work between.
 */
async function once(guest: Guest, card: Card, way: Way): Promise<Times> {
  await reset(guest, card);
  await way.prepare(guest, card);
  const early = await way.early(guest, card);
  const between = await settle(guest);
  await makeBond(guest, card);
  const late = await way.late(guest, card);
  const udev = between + (await settle(guest));
  const lag = await mustDo(
    guest,
    `cat /sys/kernel/debug/mlx5/${card.addresses[0]}/lag/{state,type}; ls -d /sys/bus/pci/drivers/mlx5_core/0000:* | wc -l`,
  );
  const expected = `active\nswitchdev\n${2 + 2 * card.vfs}`;
  if (lag.trim() !== expected)
    throw new Error(`${way.name} did not bring about VF-LAG with all VFs bound: ${lag}`);
  const untuned = await untunedRepresentors(guest, card);
  const { startup = 0 } = way.startup === undefined ? {} : { startup: await way.startup(guest) };
  const took: Record<string, number> = {};
  for (const [kind, time] of [early, late].flatMap((stage) => Object.entries(stage.took ?? {})))
    took[kind] = (took[kind] ?? 0) + time;
  return {
    early: early.total,
    late: late.total,
    both: early.total + late.total,
    udev,
    startup,
    untuned,
    took,
  };
}

/**
 * How many representors have other channels than they should: where udev renames one meanwhile, a script
 * tunes nothing.
 */
async function untunedRepresentors(guest: Guest, { channels }: Card): Promise<number> {
  const { representors, netdevs } = await inspect(guest);
  const tuned = representors.filter(({ netdev }) => {
    const found = known(netdevs.find(({ name }) => name === netdev)?.channels ?? null);
    return found?.combined === channels.representor;
  });
  return representors.length - tuned.length;
}

async function portsOf(guest: Guest): Promise<Pick<Card, "names" | "addresses">> {
  const { pfs } = await inspect(guest);
  const [first, second] = pfs;
  if (first?.netdev == null || second?.netdev == null) throw new Error("the guest has no two ports");
  return { names: [first.netdev, second.netdev], addresses: [first.address, second.address] };
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
