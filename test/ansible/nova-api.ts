import { appendFileSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { argv } from "node:process";

/**
 * A service that answers as Nova's API does (and Keystone's, as far as a client needs it to find Nova), for
 * the real openstack client. Usage: nova-api.ts SCENARIO.json LOG.jsonl; it listens on 127.0.0.1, prints its
 * port, and writes down every request. Source: https://docs.openstack.org/api-ref/compute/ (services,
 * servers, migrations, live-migrate), nova/api/openstack/compute.
 */

/**
 * What becomes of a live migration. `409`, `403`: it is refused. `error`: it is accepted, and fails. `never`:
 * it does not end.
 */
export type Fate = "moves" | "error" | "never" | "409" | "403" | "goes-when-asked";

export interface Scenario {
  readonly services: {
    host: string;
    status: "enabled" | "disabled";
    state: "up" | "down";
    disabled_reason: string | null;
    upAfter?: number;
  }[];
  readonly servers: {
    id: string;
    name: string;
    host: string;
    status: string;
    task?: string | null;
    fate?: Fate;
    leavesAfter?: number;
  }[];
  /** Migrations of before. */
  readonly migrations?: Migration[];
  /** No right to change a service, or to see where servers are. */
  readonly forbidden?: readonly ("services" | "hosts")[];
  /** Requests with this in their path are never answered. */
  readonly silent?: string;
}

interface Migration {
  id: number;
  server: string;
  status: string;
  from: string;
  to: string | null;
}

const [, , scenarioFile = "", logFile = ""] = argv;
const scenario: Scenario = JSON.parse(readFileSync(scenarioFile, "utf8"));
const services = scenario.services.map((service, index) => ({
  id: `5e41ce00-0000-4000-8000-00000000000${index}`,
  looks: 0,
  ...service,
}));
const servers = new Map(scenario.servers.map((server) => [server.id, { looks: 0, moving: 0, ...server }]));
const migrations: Migration[] = [...(scenario.migrations ?? [])];

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString("utf8");
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
    // A password is in it.
    const shown = pathname.startsWith("/identity") ? "" : body;
    appendFileSync(
      logFile,
      `${JSON.stringify({ method: request.method, path: `${pathname}${searchParams.size > 0 ? `?${searchParams}` : ""}`, body: shown === "" ? null : JSON.parse(shown) })}\n`,
    );
    if (scenario.silent !== undefined && pathname.includes(scenario.silent)) return;
    answer(request, response, pathname, searchParams, shown === "" ? {} : JSON.parse(shown));
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" && address !== null ? address.port : ""}\n`);
});

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: URLSearchParams,
  body: Record<string, unknown>,
): void {
  const send = (status: number, value: unknown, headers: Record<string, string> = {}) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(value === null ? undefined : JSON.stringify(value));
  };
  const refuse = (status: number, key: string, message: string) =>
    send(status, { [key]: { code: status, message } });
  const base = `http://${request.headers.host}`;
  const rest = path.replace(/^\/compute\/v2\.1\/?/, "");
  if (path.startsWith("/identity")) return identity(request, base, path, send);
  if (path === "/image") {
    return send(200, {
      versions: [{ id: "v2.9", status: "CURRENT", links: [{ rel: "self", href: `${base}/image/v2/` }] }],
    });
  }
  if (path === "/compute" || path === "/compute/") return send(200, { versions: [version(base)] });
  if (rest === "") return send(200, { version: version(base) });
  if (rest === "os-services" && request.method === "GET") return send(200, { services: listServices(query) });
  if (rest.startsWith("os-services/"))
    return updateService(rest.slice("os-services/".length), body, send, refuse);
  if (rest === "servers/detail") return send(200, { servers: listServers(query) });
  if (rest === "os-migrations") return send(200, { migrations: listMigrations(query) });
  const found = servers.get(rest.split("/")[1] ?? "");
  if (rest.startsWith("servers/") && found === undefined)
    return refuse(404, "itemNotFound", `Instance ${rest.split("/")[1]} could not be found.`);
  if (found !== undefined && rest.endsWith("/action")) return liveMigrate(found, send, refuse);
  if (found !== undefined) return send(200, { server: shownServer(found) });
  refuse(404, "itemNotFound", `${path} is not there.`);
}

type Send = (status: number, value: unknown, headers?: Record<string, string>) => void;
type Refuse = (status: number, key: string, message: string) => void;

function identity(request: IncomingMessage, base: string, path: string, send: Send): void {
  if (request.method !== "POST") {
    const v3 = { id: "v3.14", status: "stable", links: [{ rel: "self", href: `${base}/identity/v3/` }] };
    return path.includes("/v3") ? send(200, { version: v3 }) : send(300, { versions: { values: [v3] } });
  }
  const at = (path: string) => [
    { id: path, interface: "public", region: "RegionOne", region_id: "RegionOne", url: `${base}/${path}` },
  ];
  const token = {
    methods: ["password"],
    user: { id: "u", name: "admin", domain: { id: "default", name: "Default" } },
    project: { id: "p", name: "admin", domain: { id: "default", name: "Default" } },
    roles: [{ id: "r", name: "admin" }],
    expires_at: "2099-01-01T00:00:00.000000Z",
    issued_at: "2026-01-01T00:00:00.000000Z",
    // `server list` wants to know where images are, and asks for none.
    catalog: [
      { id: "c", type: "compute", name: "nova", endpoints: at("compute/v2.1") },
      { id: "i", type: "image", name: "glance", endpoints: at("image") },
    ],
  };
  send(201, { token }, { "x-subject-token": "made-up-token" });
}

function version(base: string): object {
  const links = [{ rel: "self", href: `${base}/compute/v2.1/` }];
  return {
    id: "v2.1",
    status: "CURRENT",
    version: "2.90",
    min_version: "2.1",
    updated: "2013-07-23T11:33:21Z",
    links,
  };
}

function listServices(query: URLSearchParams): object[] {
  return services
    .filter(({ host }) => query.get("host") === null || host === query.get("host"))
    .map((service) => {
      if (service.upAfter !== undefined && service.looks++ >= service.upAfter) service.state = "up";
      const { id, host, status, state, disabled_reason } = service;
      return {
        id,
        binary: "nova-compute",
        host,
        zone: "nova",
        status,
        state,
        disabled_reason,
        forced_down: false,
        updated_at: "2026-01-01T00:00:00.000000",
      };
    });
}

function updateService(id: string, body: Record<string, unknown>, send: Send, refuse: Refuse): void {
  const service = services.find((candidate) => candidate.id === id);
  if (service === undefined) return refuse(404, "itemNotFound", `Service ${id} could not be found.`);
  if (scenario.forbidden?.includes("services") === true) {
    return refuse(
      403,
      "forbidden",
      "Policy doesn't allow os_compute_api:os-services:update to be performed.",
    );
  }
  service.status = body["status"] === "disabled" ? "disabled" : "enabled";
  service.disabled_reason = typeof body["disabled_reason"] === "string" ? body["disabled_reason"] : null;
  send(200, { service: { ...service, binary: "nova-compute" } });
}

type Server = NonNullable<ReturnType<typeof servers.get>>;

/** Time passes when somebody looks: a migration is under way for two looks. */
function passTime(one: Server): void {
  one.looks++;
  if (one.leavesAfter !== undefined && one.looks > one.leavesAfter) one.status = "SHUTOFF";
  if (one.status !== "MIGRATING" || one.fate === "never" || ++one.moving < 2) return;
  const migration = migrations.findLast((candidate) => candidate.server === one.id);
  one.status = "ACTIVE";
  one.task = null;
  one.moving = 0;
  if (one.fate !== "error") one.host = migration?.to ?? one.host;
  if (migration !== undefined) migration.status = one.fate === "error" ? "error" : "completed";
}

function listServers(query: URLSearchParams): object[] {
  const host = query.get("host");
  if (query.get("marker") === null) for (const one of servers.values()) passTime(one);
  const all = [...servers.values()].filter((one) => host === null || one.host === host);
  const after = all.findIndex(({ id }) => id === query.get("marker")) + 1;
  // Nova gives pages (osapi_max_limit); of two here, so that whoever reads only the first one is found out.
  return all.slice(after, after + 2).map(shownServer);
}

function shownServer(one: Server): object {
  const hosts = scenario.forbidden?.includes("hosts") === true ? {} : { "OS-EXT-SRV-ATTR:host": one.host };
  const extended = {
    "OS-EXT-STS:task_state": one.task ?? null,
    "OS-EXT-STS:power_state": 1,
    "OS-EXT-AZ:availability_zone": "nova",
    ...hosts,
  };
  return {
    id: one.id,
    name: one.name,
    status: one.status,
    addresses: {},
    image: "",
    flavor: { original_name: "m1" },
    metadata: {},
    links: [],
    ...extended,
  };
}

function listMigrations(query: URLSearchParams): object[] {
  const host = query.get("host");
  return migrations
    .filter(({ from, to }) => host === null || from === host || to === host)
    .map(({ id, server, status, from, to }) => ({
      id,
      uuid: `3161a700-0000-4000-8000-0000000000${String(id).padStart(2, "0")}`,
      instance_uuid: server,
      status,
      source_compute: from,
      source_node: from,
      dest_compute: to,
      dest_node: to,
      dest_host: "192.0.2.1",
      old_instance_type_id: 1,
      new_instance_type_id: 1,
      migration_type: "live-migration",
      created_at: "2026-01-01T00:00:00.000000",
      updated_at: "2026-01-01T00:00:00.000000",
      links: [],
    }))
    .reverse();
}

function liveMigrate(one: Server, send: Send, refuse: Refuse): void {
  const { fate = "moves" } = one;
  if (fate === "403")
    return refuse(
      403,
      "forbidden",
      "Policy doesn't allow os_compute_api:os-migrate-server:migrate_live to be performed.",
    );
  if (fate === "goes-when-asked") one.status = "SHUTOFF";
  if (fate === "409" || one.status !== "ACTIVE") {
    const message = `Cannot 'os-migrateLive' instance ${one.id} while it is in task_state powering-off`;
    return refuse(409, "conflictingRequest", message);
  }
  const to =
    services.find(({ host, status, state }) => host !== one.host && status === "enabled" && state === "up")
      ?.host ?? null;
  if (to === null) one.fate = "error";
  migrations.push({ id: migrations.length + 1, server: one.id, status: "running", from: one.host, to });
  one.status = "MIGRATING";
  one.task = "migrating";
  send(202, null);
}
