import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { python, without } from "./python.ts";

/** An agent of a compute host, as it has reported itself to neutron-server. */
export type NeutronAgent = { readonly host: string; readonly alive?: boolean } & (
  | { readonly kind: "nic-switch" /** The text of its sriov_agent.ini. */; readonly conf: string }
  | {
      readonly kind: "openvswitch";
      readonly bridgeMappings?: Readonly<Record<string, string>>;
      readonly tunnelTypes?: readonly string[];
    }
);

interface ServerRequest {
  /** The text of ml2_conf.ini. */
  readonly ml2: string;
  readonly agents?: readonly NeutronAgent[];
  /** More of neutron.conf, read after its own. */
  readonly neutron?: string;
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the API's answer, which the tests look into
  readonly body: any;
}

/** A neutron-server that runs, on loopback, with every caller its administrator. */
export interface NeutronServer {
  readonly endpoint: string;
  /** For the openstack client: the cloud `vflag`, which asks nobody for a token. */
  readonly cloudsYaml: string;
  call(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: object): Promise<Answer>;
  log(): string;
  stop(): Promise<void>;
}

/** neutron-server did not come up. */
export class NeutronServerExit extends Error {
  override name = "NeutronServerExit";
  readonly code: number | null;
  readonly log: string;

  constructor(code: number | null, log: string) {
    super(`neutron-server ended with exit code ${code}: ${log.slice(-3000)}`);
    this.code = code;
    this.log = log;
  }
}

const program = "/usr/bin/neutron-server";
const paste = "/usr/share/neutron-common/api-paste.ini";
/** Longer than any test: what a killed test leaves behind ends by itself. */
const lifetime = 300;

/** Why no neutron-server can be started here, for the skip option of a test. */
export const withoutServer: string | false = [program, paste].every((path) => existsSync(path))
  ? without("neutron.db.migration.models.head", "neutron-server")
  : `no ${program} here: apt-get install --no-install-recommends neutron-server`;

/**
 * Starts a real neutron-server, as a deployment does, with these files: SQLite for its database, no message
 * bus, no keystone. Agents have reported before it starts. It listens on 127.0.0.1 only; `stop` ends it and
 * removes its files.
 * @throws NeutronServerExit where it does not come up, as with a mechanism driver that it does not know
 */
export async function startNeutronServer({
  ml2,
  agents = [],
  neutron = "",
}: ServerRequest): Promise<NeutronServer> {
  const folder = mkdtempSync(join(tmpdir(), "vflag-neutron-"));
  const port = await freePort();
  const at = (name: string) => join(folder, name);
  writeFileSync(at("neutron.conf"), neutronConf(folder, port));
  writeFileSync(at("ml2_conf.ini"), ml2);
  writeFileSync(at("more.conf"), neutron);
  const log = () => readFileSync(at("log"), "utf8");
  let stop = async () => rmSync(folder, { recursive: true, force: true });
  try {
    makeDatabase(folder, agents);
    const files = ["neutron.conf", "ml2_conf.ini", "more.conf"].flatMap((name) => [
      "--config-file",
      at(name),
    ]);
    // A process group of its own: neutron-server has workers.
    const arguments_ = ["--kill-after=5", String(lifetime), program, ...files, "--log-file", at("log")];
    writeFileSync(at("log"), "");
    const child = spawn("/usr/bin/timeout", arguments_, {
      detached: true,
      stdio: "ignore",
      env: { ...process.env, PYTHONUTF8: "1" },
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    let running = true;
    void ended.then(() => {
      running = false;
    });
    const kill = () => {
      if (running && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    };
    process.once("exit", kill);
    stop = async () => {
      kill();
      await ended;
      process.off("exit", kill);
      rmSync(folder, { recursive: true, force: true });
    };
    const endpoint = `http://127.0.0.1:${port}`;
    await Promise.race([
      ready(endpoint),
      ended.then((code) => Promise.reject(new NeutronServerExit(code, log()))),
    ]);
    return {
      endpoint,
      cloudsYaml: cloudsYaml(endpoint),
      call: (...request) => call(endpoint, ...request),
      log,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function makeDatabase(folder: string, agents: readonly NeutronAgent[]): void {
  const reported = agents.map((agent) => ({
    alive: true,
    ...(agent.kind === "openvswitch" && { bridgeMappings: {}, tunnelTypes: [] }),
    ...agent,
  }));
  const { status, stderr } = spawnSync(python, [join(import.meta.dirname, "neutron_database.py")], {
    input: JSON.stringify({
      conf: join(folder, "neutron.conf"),
      database: join(folder, "neutron.sqlite"),
      agents: reported,
    }),
    encoding: "utf8",
    timeout: 60_000,
    env: { ...process.env, PYTHONUTF8: "1", PYTHONDONTWRITEBYTECODE: "1" },
  });
  if (status !== 0)
    throw new Error(`neutron_database.py ended with exit code ${status}\n${stderr.slice(-3000)}`);
}

function neutronConf(folder: string, port: number): string {
  return `[DEFAULT]
auth_strategy = noauth
core_plugin = ml2
service_plugins =
bind_host = 127.0.0.1
bind_port = ${port}
api_workers = 0
rpc_workers = 1
rpc_state_report_workers = 0
transport_url = fake://
state_path = ${folder}
api_paste_config = ${paste}
# Agents report once here, and are alive as long as the server is.
agent_down_time = 3600
[database]
connection = sqlite:///${folder}/neutron.sqlite
[oslo_concurrency]
lock_path = ${folder}
`;
}

function cloudsYaml(endpoint: string): string {
  return `clouds:
  vflag:
    auth_type: none
    auth: {endpoint: "${endpoint}"}
    network_endpoint_override: "${endpoint}"
`;
}

async function ready(endpoint: string): Promise<void> {
  for (const end = Date.now() + 120_000; Date.now() < end; await delay(50)) {
    const answer = await fetch(`${endpoint}/v2.0/`).catch(() => null);
    if (answer?.ok === true) return;
  }
  throw new Error("neutron-server does not answer after 120 s");
}

async function call(endpoint: string, method: string, path: string, body?: object): Promise<Answer> {
  const answer = await fetch(`${endpoint}/v2.0/${path}`, {
    method,
    headers: { "content-type": "application/json" },
    signal: AbortSignal.timeout(30_000),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === "object"
          ? resolve(address.port)
          : reject(new Error("no free port")),
      );
    });
  });
}
