import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scenario } from "./nova-api.ts";

/** The collection of ansible/, where the ansible of Debian's packages finds it, with a home of its own. */

const root = join(import.meta.dirname, "../..");

/**
 * Why these programs cannot be run here, for the skip option of a test; `false` where all can. Debian's own
 * are meant, not others in the path.
 */
export function without(
  ...programs: readonly (readonly [program: string, debianPackage: string])[]
): string | false {
  const missing = programs.filter(([program]) => !existsSync(program));
  if (missing.length === 0) return false;
  const names = missing.map(([program]) => program).join(", ");
  return `no ${names}: apt-get install --no-install-recommends ${missing.map(([, name]) => name).join(" ")}`;
}

export const ansibleCore = ["/usr/bin/ansible-playbook", "ansible-core"] as const;
export const openstackClient = ["/usr/bin/openstack", "python3-openstackclient"] as const;

/** What the tests' hosts are to be: VF-LAG on a card with two ports. */
export const demoSpec = {
  version: 1,
  nics: [
    { name: "data", mode: "vf-lag", ports: ["ens3f0", "ens3f1"], vfs: 2, bond: "bond0", physnet: "physnet2" },
  ],
};

export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), "vflag-ansible-"));
  readonly environment: NodeJS.ProcessEnv;
  readonly collection: string;
  readonly #processes: ChildProcess[] = [];

  constructor() {
    const parent = join(this.folder, "collections/ansible_collections/vflag");
    mkdirSync(parent, { recursive: true });
    this.collection = join(parent, "vflag");
    symlinkSync(join(root, "ansible"), this.collection);
    this.environment = {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: this.folder,
      LC_ALL: "C.UTF-8",
      ANSIBLE_HOME: join(this.folder, "home"),
      ANSIBLE_COLLECTIONS_PATH: join(this.folder, "collections"),
      ANSIBLE_COLLECTIONS_PATHS: join(this.folder, "collections"),
      ANSIBLE_LOCALHOST_WARNING: "False",
      ANSIBLE_HOST_KEY_CHECKING: "False",
      ANSIBLE_NOCOLOR: "1",
      ANSIBLE_FORKS: "8",
      PYTHONDONTWRITEBYTECODE: "1",
    };
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, content: string | object): string {
    writeFileSync(this.path(name), typeof content === "string" ? content : JSON.stringify(content, null, 2));
    return this.path(name);
  }

  /** @param timeout milliseconds after which it is ended */
  async run(
    program: string,
    words: readonly string[],
    extra: NodeJS.ProcessEnv = {},
    timeout = 600_000,
  ): Promise<{ status: number; output: string }> {
    const options = { cwd: this.folder, timeout, maxBuffer: 1 << 28, env: { ...this.environment, ...extra } };
    const { promise, resolve } = Promise.withResolvers<{ status: number; output: string }>();
    execFile(program, words, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ status, output: `${stdout}${stderr}` });
    });
    return promise;
  }

  /** A module on this machine itself: what it returns. */
  async module(
    name: string,
    parameters: object,
    { check = false, extra = {} }: ModuleOptions = {},
  ): Promise<Result> {
    const words = [
      "localhost",
      "-m",
      `vflag.vflag.${name}`,
      "-a",
      JSON.stringify(parameters),
      "-e",
      "ansible_python_interpreter=/usr/bin/python3",
    ];
    const { output } = await this.run(
      "/usr/bin/ansible",
      [...words, "--diff", ...(check ? ["--check"] : [])],
      extra,
    );
    const found = /^localhost \| ([A-Z]+)!? => ([\s\S]*?^})/m.exec(output);
    if (found === null) throw new Error(`no result of ${name}:\n${output}`);
    return { output, failed: found[1] === "FAILED", ...JSON.parse(found[2] ?? "") };
  }

  /** Starts the service that answers as Nova does. */
  async nova(scenario: Scenario, enter: readonly string[] = []): Promise<NovaService> {
    const log = this.write(`requests-${this.#processes.length}.jsonl`, "");
    const file = this.write(`scenario-${this.#processes.length}.json`, scenario);
    const script = join(import.meta.dirname, "nova-api.ts");
    const [program = "", ...words] = [
      ...enter,
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      script,
      file,
      log,
    ];
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "inherit"] });
    this.#processes.push(child);
    const [line] = await once(child.stdout, "data");
    const url = `http://127.0.0.1:${Number(String(line))}/identity/v3`;
    const names = { OS_USERNAME: "admin", OS_PASSWORD: "made-up-password", OS_PROJECT_NAME: "admin" };
    const domains = { OS_USER_DOMAIN_NAME: "Default", OS_PROJECT_DOMAIN_NAME: "Default" };
    return {
      environment: { OS_AUTH_URL: url, OS_IDENTITY_API_VERSION: "3", ...names, ...domains },
      requests: () =>
        readFileSync(log, "utf8")
          .split("\n")
          .filter((text) => text !== "")
          .map((text): Asked => JSON.parse(text)),
      changes: () => changesIn(readFileSync(log, "utf8")),
    };
  }

  remove(): void {
    for (const child of this.#processes) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface ModuleOptions {
  readonly check?: boolean;
  readonly extra?: NodeJS.ProcessEnv;
}

export type Result = {
  readonly output: string;
  readonly failed: boolean;
  readonly msg?: string;
  readonly [key: string]: unknown;
};

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

interface NovaService {
  readonly environment: NodeJS.ProcessEnv & Record<string, string>;
  readonly requests: () => Asked[];
  /** What was asked to be changed, in order: `disable h1: vflag: ...`, `migrate <id>`. */
  readonly changes: () => string[];
}

function changesIn(log: string): string[] {
  return log
    .split("\n")
    .filter((text) => text !== "")
    .map((text): Asked & { body: Record<string, string> | null } => JSON.parse(text))
    .filter(({ method, path }) => method !== "GET" && !path.startsWith("/identity"))
    .map(({ path, body }) => {
      if (path.endsWith("/action")) return `${Object.keys(body ?? {}).join()} ${path.split("/").at(-2)}`;
      return `${body?.["status"]} ${path.split("/").at(-1)?.at(-1)}${body?.["disabled_reason"] === undefined ? "" : `: ${body["disabled_reason"]}`}`;
    });
}
