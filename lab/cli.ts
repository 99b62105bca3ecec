import { parseArgs } from "node:util";
import { type BuildOptions, build } from "./build.ts";
import { models } from "./cards.ts";
import { prepareStart, type StartOptions, startGuest, stopGuest } from "./guest.ts";
import { allSeries } from "./kernel.ts";
import { cache } from "./paths.ts";
import { type Guest, runningGuest, runningGuests } from "./running.ts";
import { smoke } from "./smoke.ts";
import { runInGuest, shellInGuest } from "./ssh.ts";

const usage = `Usage: npm run lab -- COMMAND [OPTIONS]

  build [--update] [--clean]   make the guest's image, and a snapshot to start from (once; then they are found in ${cache})
      --kernel 6.1|6.12|newest   Linux of Debian 12 (6.1), of its backports, or of sid; for start and smoke too
  start [OPTIONS]              start a guest and wait until it is up; build with the same options makes its snapshot
      --nic connectx|igb         the card: an emulated ConnectX for Debian's mlx5_core, or QEMU's igb (connectx)
      --model cx5|cx6dx|cx7      which ConnectX (cx6dx)
      --cards 1|2                cards of two ports each (1)
      --vfs N                    VFs that each port of a ConnectX offers, up to 127 (8)
      --name NAME                several guests at once (lab)
      --port PORT                ssh on this local port (any free one)
      --cpus N  --memory MIB     (2, 2048)
      --no-iommu                 a machine without IOMMU
      --accel auto|kvm|tcg       (auto)
      --persist                  a disk of its own, so that the guest can reboot
      --no-snapshot              boot, even where a snapshot of a booted guest would do
      --append ARGUMENT          a kernel argument, e.g. mlx5_core.prof_sel=0; repeatable
  run [--name NAME] -- COMMAND...   one argument: a line for the guest's shell; exit code as in the guest
  sh [--name NAME]             a shell in the guest
  stop [--name NAME | --all]   end it
  list                         the guests that are running
  smoke                        boot a guest per NIC and see that the lab itself works
`;

const options = {
  name: { type: "string", default: "lab" },
  nic: { type: "string" },
  kernel: { type: "string" },
  model: { type: "string" },
  cards: { type: "string" },
  vfs: { type: "string" },
  port: { type: "string" },
  cpus: { type: "string" },
  memory: { type: "string" },
  accel: { type: "string" },
  append: { type: "string", multiple: true },
  iommu: { type: "boolean", default: true },
  persist: { type: "boolean", default: false },
  snapshot: { type: "boolean", default: true },
  update: { type: "boolean", default: false },
  clean: { type: "boolean", default: false },
  all: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

type Values = ReturnType<typeof parse>["values"];

function parse() {
  return parseArgs({ options, allowPositionals: true, allowNegative: true });
}

function oneOf<const T extends string>(
  option: string,
  value: string | undefined,
  allowed: readonly T[],
): T | undefined {
  const found = allowed.find((one) => one === value);
  if (value !== undefined && found === undefined)
    throw new Error(`--${option}: ${allowed.join(" or ")}, not "${value}"`);
  return found;
}

function natural(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new Error(`--${option}: a number, not "${value}"`);
  return Number(value);
}

function buildOptions(values: Values): BuildOptions {
  const kernel = oneOf("kernel", values.kernel, allSeries);
  return { update: values.update, clean: values.clean, ...(kernel && { kernel }) };
}

/** Only the options that were given: the others keep startGuest's defaults. */
function startOptions(values: Values): StartOptions {
  const nic = oneOf("nic", values.nic, ["connectx", "igb"]);
  const model = oneOf("model", values.model, models);
  const { kernel } = buildOptions(values);
  const vfs = natural("vfs", values.vfs);
  const cards = oneOf("cards", values.cards, ["1", "2"]);
  const acceleration = oneOf("accel", values.accel, ["auto", "kvm", "tcg"]);
  const port = natural("port", values.port);
  const cpus = natural("cpus", values.cpus);
  const memory = natural("memory", values.memory);
  return {
    name: values.name,
    iommu: values.iommu,
    persist: values.persist,
    snapshot: values.snapshot,
    append: values.append ?? [],
    ...(nic && { nic }),
    ...(kernel && { kernel }),
    ...(model && { model }),
    ...(vfs && { vfs }),
    ...(cards && { cards: cards === "2" ? 2 : 1 }),
    ...(acceleration && { acceleration }),
    ...(port && { port }),
    ...(cpus && { cpus }),
    ...(memory && { memory }),
  };
}

function theGuest(name: string): Guest {
  const guest = runningGuest(name);
  if (guest === undefined)
    throw new Error(`guest "${name}" is not running: "npm run lab -- start --name ${name}"`);
  return guest;
}

function describe(guest: Guest): string {
  return `${guest.name}  nic ${guest.nic}  ssh port ${guest.access.sshPort}  process ${guest.pid}  ${guest.access.folder}`;
}

async function main(): Promise<number> {
  const { values, positionals } = parse();
  const [command, ...rest] = positionals;
  const started = performance.now();
  switch (command) {
    case "build":
      await build(buildOptions(values));
      await prepareStart(startOptions(values));
      return 0;
    case "start": {
      const guest = await startGuest(startOptions(values));
      console.log(`${describe(guest)}  up after ${((performance.now() - started) / 1000).toFixed(1)} s`);
      return 0;
    }
    case "run":
      if (rest.length === 0) throw new Error("run: no command");
      return (await runInGuest(theGuest(values.name).access, rest, { output: "inherit" })).code;
    case "sh":
      return (await shellInGuest(theGuest(values.name).access)).code;
    case "stop": {
      const names = values.all ? (await runningGuests()).map((guest) => guest.name) : [values.name];
      for (const name of names)
        console.log(`${name}: ${(await stopGuest(name)) ? "stopped" : "was not running"}`);
      return 0;
    }
    case "list":
      for (const guest of await runningGuests()) console.log(describe(guest));
      return 0;
    case "smoke":
      await build(buildOptions(values));
      return (await smoke({ ...startOptions(values), name: values.name })) === 0 ? 0 : 1;
    default:
      console.log(usage);
      return values.help ? 0 : 2;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
