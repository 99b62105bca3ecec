import { spawn } from "node:child_process";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { isRunning } from "../../host/linux/system/processes.ts";
import { mustRun, type RunProgram, runProgram } from "../../host/linux/system/program.ts";
import { FleetError } from "../error.ts";
import type { FailureKind, History } from "../history/history.ts";
import { ownFolder } from "../history/own-folder.ts";
import { type Taken, takeIn } from "../history/spool.ts";
import type { Reader } from "../reading/reader.ts";
import type { SpecText } from "../reading/report.ts";
import { callbackName, callbackSource, spoolVariable } from "./callback.ts";

/**
 * How `collect` asks the hosts: by the real ansible, whose inventory, connections and privileges are the
 * operator's.
 */
export interface CollectOptions {
  readonly inventories: readonly string[];
  /** Ansible's pattern: a group, hosts, `all`. */
  readonly pattern: string;
  readonly forks: number;
  /** Seconds for a connection, and for `vflag inspect` on a host. */
  readonly connectSeconds: number;
  readonly taskSeconds: number;
  readonly become: boolean;
  /** Vflag on the hosts; the inventory's variable `vflag_program` counts before it. */
  readonly program: string;
  /** A folder where results lie until they are in the database. */
  readonly spool: string;
}

export interface CollectResult {
  readonly hosts: number;
  readonly stored: number;
  readonly known: number;
  readonly failures: readonly {
    readonly host: string;
    readonly kind: FailureKind;
    readonly message: string;
  }[];
  /** Taken from a run that was killed before. */
  readonly recovered: number;
  /** What ansible said where it failed as a whole. */
  readonly said: string | null;
}

/** Runs Ansible; resolves when it has ended. */
export type RunAnsible = (argv: readonly string[], env: NodeJS.ProcessEnv, limit: number) => Promise<string>;

interface Programs {
  readonly run?: RunProgram;
  readonly ansible?: RunAnsible;
}

/** How often results are looked for, in ms. */
const interval = 100;

/**
 * Asks every host of the pattern for its state and spec, and keeps each answer as it comes. A host that
 * cannot be reached, fails or does not answer is recorded as that: each host of the pattern is in the
 * database afterwards.
 */
export async function collect(
  history: History,
  reader: Reader,
  options: CollectOptions,
  programs: Programs = {},
): Promise<CollectResult> {
  // The plugin that Ansible runs lies in it: it is looked at before anything else.
  ownFolder(options.spool);
  const { run = runProgram, ansible = runAnsible } = programs;
  const hosts = await hostsOf(run, options);
  const specs = await specsOf(run, options, new Set(hosts));
  let recovered = 0;
  for (const folder of leftovers(options.spool))
    recovered += (await takeIn(history, reader, folder, specs)).length;
  const spool = join(options.spool, String(process.pid));
  ownFolder(spool);
  const plugins = join(spool, "plugins");
  ownFolder(plugins);
  writeFileSync(join(plugins, `${callbackName}.py`), callbackSource);
  const rounds = Math.ceil(hosts.length / options.forks);
  const limit = (rounds * (options.connectSeconds + options.taskSeconds) + 60) * 1000;
  const taken: Taken[] = [];
  let ended = false;
  const running = ansible(argvOf(options), environment(spool, plugins), limit).finally(() => {
    ended = true;
  });
  // What goes wrong with it is heard below.
  running.catch(() => {});
  while (!ended) {
    await Promise.race([running.catch(() => {}), new Promise((resolve) => setTimeout(resolve, interval))]);
    taken.push(...(await takeIn(history, reader, spool, specs)));
  }
  const said = await running;
  taken.push(...(await takeIn(history, reader, spool, specs)));
  rmSync(spool, { recursive: true });
  return { ...summary(history, hosts, taken, said), recovered };
}

/**
 * Spools of runs that were killed. The ansible of such a run may go on and write there: only after a day it
 * is cleared away.
 */
function leftovers(folder: string): string[] {
  const abandoned = readdirSync(folder).filter(
    (name) => /^\d+$/.test(name) && (Number(name) === process.pid || !isRunning(Number(name))),
  );
  return abandoned
    .map((name) => join(folder, name))
    .filter((spool) => {
      const old = Date.now() - statSync(spool).mtimeMs > 86_400_000;
      if (old && readdirSync(spool).every((name) => !name.endsWith(".json") && !name.endsWith(".out")))
        rmSync(spool, { recursive: true });
      return existsSync(spool);
    });
}

function summary(
  history: History,
  hosts: readonly string[],
  taken: readonly Taken[],
  said: string,
): Omit<CollectResult, "recovered"> {
  const answered = new Map(taken.map((each) => [each.host, each]));
  const failures: { host: string; kind: FailureKind; message: string }[] = [];
  const nothing = said === "" ? "ansible told nothing of it" : `ansible told nothing of it: ${said}`;
  for (const host of hosts) {
    const { result, message } = answered.get(host) ?? { result: "no-answer" as const, message: nothing };
    if (!answered.has(host)) history.fail(host, "no-answer", nothing);
    if (result !== "stored" && result !== "known") failures.push({ host, kind: result, message });
  }
  const count = (wanted: Taken["result"]) =>
    [...answered.values()].filter(({ result }) => result === wanted).length;
  const whole = failures.some(({ kind }) => kind === "no-answer") && said !== "" ? said : null;
  return { hosts: hosts.length, stored: count("stored"), known: count("known"), failures, said: whole };
}

/** The ad-hoc command. The program's words are a list: no shell reads them. */
export function argvOf(options: CollectOptions): string[] {
  const program = `{{ vflag_program | default(${JSON.stringify(options.program)}, true) }}`;
  const words = { argv: [program, "inspect", "-o", "json", "--with-spec"] };
  return [
    "ansible",
    ...inventoryWords(options),
    "--module-name=ansible.builtin.command",
    `--args=${JSON.stringify(words)}`,
    `--forks=${options.forks}`,
    `--timeout=${options.connectSeconds}`,
    `--task-timeout=${options.taskSeconds}`,
    ...(options.become ? ["--become"] : []),
    "--",
    options.pattern,
  ];
}

function inventoryWords({ inventories }: CollectOptions): string[] {
  return inventories.map((inventory) => `--inventory=${inventory}`);
}

/** What holds for ad-hoc commands too, whatever the operator's ansible.cfg says of callbacks. */
function environment(spool: string, plugins: string): NodeJS.ProcessEnv {
  const more = process.env["ANSIBLE_CALLBACK_PLUGINS"];
  return {
    ...process.env,
    ANSIBLE_CALLBACK_PLUGINS: more === undefined ? plugins : `${plugins}:${more}`,
    ANSIBLE_STDOUT_CALLBACK: callbackName,
    ANSIBLE_LOAD_CALLBACK_PLUGINS: "true",
    ANSIBLE_NOCOLOR: "1",
    ANSIBLE_RETRY_FILES_ENABLED: "0",
    // The answer is looked at whole: nothing of the host is asked for beside it.
    ANSIBLE_GATHERING: "explicit",
    [spoolVariable]: spool,
  };
}

/**
 * The hosts of the pattern. Source: ansible's lib/ansible/cli/adhoc.py, --list-hosts prints `  hosts (N):`
 * and a line for each.
 */
async function hostsOf(run: RunProgram, options: CollectOptions): Promise<string[]> {
  for (const inventory of options.inventories)
    if (!inventory.includes(",") && !existsSync(inventory))
      throw new FleetError(`${inventory}: no such inventory: name it with -i`);
  const argv = ["ansible", ...inventoryWords(options), "--list-hosts", "--", options.pattern];
  const text = await answerOf(run, argv, 120_000);
  const hosts = text.split("\n").flatMap((line) => /^ {4}(\S.*)$/.exec(line)?.[1] ?? []);
  const count = /^ {2}hosts \((\d+)\):/m.exec(text)?.[1];
  if (count === undefined || Number(count) !== hosts.length)
    throw new FleetError(`ansible --list-hosts was not understood: ${text.slice(0, 200)}`);
  if (hosts.length === 0)
    throw new FleetError(
      `no host of the inventory matches "${options.pattern}": see ansible-inventory --graph`,
    );
  return hosts;
}

const Inventory = z.object({
  _meta: z.object({ hostvars: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});

/**
 * Specs that the inventory declares in the variable `vflag`: they count before the one that lies on the host.
 */
async function specsOf(
  run: RunProgram,
  options: CollectOptions,
  hosts: ReadonlySet<string>,
): Promise<Map<string, SpecText | FleetError>> {
  const argv = ["ansible-inventory", ...inventoryWords(options), "--list"];
  const parsed = Inventory.safeParse(jsonOf(await answerOf(run, argv, 60_000 + hosts.size * 100)));
  if (!parsed.success)
    throw new FleetError(`ansible-inventory --list was not understood:\n${z.prettifyError(parsed.error)}`);
  return new Map(
    Object.entries(parsed.data._meta.hostvars).flatMap(
      ([host, variables]): [string, SpecText | FleetError][] => {
        const declared = variables["vflag"];
        if (declared === undefined || declared === null || !hosts.has(host)) return [];
        const text = typeof declared === "string" ? declared : JSON.stringify(declared, null, 1);
        if (text.includes("{{") || text.includes("{%")) return [[host, templated(host)]];
        return [[host, { file: `${host}: variable vflag`, text }]];
      },
    ),
  );
}

function templated(host: string): FleetError {
  return new FleetError(
    `the variable \`vflag\` of ${host} is a Jinja template, which vflag does not evaluate: write it out ` +
      `in the inventory`,
  );
}

/**
 * Ansible refuses to start where the locale's encoding is another one. Source: ansible's
 * lib/ansible/cli/__init__.py, initialize_locale.
 */
const utf8 = { LC_ALL: "C.UTF-8" };

/** Ansible's output can be large. @throws {FleetError} with what it said */
async function answerOf(run: RunProgram, argv: readonly string[], limit: number): Promise<string> {
  try {
    return await mustRun(run, argv, { limit, most: 1 << 29, env: utf8 });
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const words = error instanceof Error ? error.message : String(error);
    throw new FleetError(missing ? `${argv[0]} is not installed here: apt-get install ansible-core` : words, {
      cause: error,
    });
  }
}

/**
 * Runs ansible to its end. At the time limit it gets the signal of Ctrl-C, at which it ends its workers, and
 * then SIGKILL.
 * @returns what it said on its error output, the end of it
 */
const runAnsible: RunAnsible = ([program = "", ...args], env, limit) => {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(program, args, { env: { ...env, ...utf8 }, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = `${said}${text}`.slice(-4000);
  });
  const timers = [
    setTimeout(() => child.kill("SIGINT"), limit),
    setTimeout(() => child.kill("SIGKILL"), limit + 20_000),
  ];
  child.once("error", (error) => reject(new FleetError(`${program}: ${error.message}`, { cause: error })));
  child.once("close", () => resolve(said.trim()));
  return promise.finally(() => {
    for (const timer of timers) clearTimeout(timer);
  });
};

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
