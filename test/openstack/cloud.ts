import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A cloud for tests, on 127.0.0.1: what Keystone, Neutron, Nova and Glance answer to the openstack client, as
 * far as vflag makes it ask. It records what it was asked. Wire format: the API references of Identity v3,
 * Networking v2.0, Compute v2.1, Image v2.
 */

type Json = Record<string, unknown>;

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

interface Things {
  readonly networks: Json[];
  readonly ports: Json[];
  readonly agents: Json[];
  readonly servers: Json[];
  readonly images: Json[];
  readonly flavors: Json[];
}

/** What this password opens must never be printed. */
export const password = "s3cret-of-the-cloud";
/** As Keystone's Fernet tokens begin. */
export const token = "gAAAAABn0tForAnybodysEyes_0123456789abcdefghijklmnopqrstuvwxyz";

export const ids = {
  tenant: "11111111-1111-4111-8111-111111111111",
  vlan: "22222222-2222-4222-8222-222222222222",
  image: "33333333-3333-4333-8333-333333333333",
  flavor: "44444444-4444-4444-8444-444444444444",
  project: "5555555555554555855555555555555a",
} as const;

export class Cloud implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly things: Things = {
    networks: [
      network(ids.tenant, "tenant", { "provider:network_type": "geneve", "provider:physical_network": null }),
      network(ids.vlan, "vlan540", {
        "provider:network_type": "vlan",
        "provider:physical_network": "physnet2",
      }),
    ],
    ports: [],
    agents: [],
    servers: [],
    images: [{ id: ids.image, name: "debian-12", status: "active", visibility: "public" }],
    flavors: [{ id: ids.flavor, name: "m1.large", ram: 8192, vcpus: 4, disk: 20 }],
  };
  /** Answers instead of the services, where it has one. */
  instead: (asked: Asked) => Answer | Promise<Answer> | undefined = () => undefined;
  /** What becomes of a server; called at every look at it after it was made. */
  later: (server: Json, looks: number) => void = (server) => {
    server["status"] = "ACTIVE";
  };

  readonly #server: Server;
  readonly #looks = new Map<Json, number>();
  #made = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => {
      void this.#answer(request).then(({ status, body }) => {
        const text = body === undefined ? "" : JSON.stringify(body);
        response.writeHead(status, {
          "content-type": "application/json",
          "x-subject-token": token,
          "x-openstack-request-id": "req-6f1d2c3b-0000-4000-8000-000000000001",
        });
        response.end(text);
      });
    });
  }

  static async start(): Promise<Cloud> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Cloud(server);
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the service does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  /** What was changed, in the order in which it was asked. */
  get changes(): Asked[] {
    return this.asked.filter(({ method, path }) => method !== "GET" && path !== "/identity/v3/auth/tokens");
  }

  port(more: Json): Json {
    const port = {
      ...blankPort(this.#id("6")),
      ...more,
    };
    this.things.ports.push(port);
    return port;
  }

  agent(type: string, host: string, configurations: Json): Json {
    const agent = {
      id: this.#id("8"),
      agent_type: type,
      host,
      alive: true,
      admin_state_up: true,
      binary: "neutron-agent",
      configurations,
    };
    this.things.agents.push(agent);
    return agent;
  }

  server(more: Json): Json {
    const server = { ...blankServer(this.#id("7")), ...more };
    this.things.servers.push(server);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #id(digit: string): string {
    this.#made += 1;
    return `${digit.repeat(8)}-0000-4000-8000-${String(this.#made).padStart(12, "0")}`;
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const url = new URL(request.url ?? "/", this.url);
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const asked = {
      method: request.method ?? "",
      path: url.pathname.replace(/\/$/, ""),
      query: url.search,
      body,
    };
    this.asked.push(asked);
    const instead = this.instead(asked);
    if (instead !== undefined) return await instead;
    const [, service = "", , ...rest] = asked.path.split("/");
    if (service === "identity") return this.#keystone(asked);
    if (service === "network") return this.#neutron(asked, rest, url.searchParams);
    if (service === "compute") return this.#nova(asked, rest, url.searchParams);
    if (service === "image") return this.#glance(rest, url.searchParams);
    return { status: 404 };
  }

  #keystone({ method, path }: Asked): Answer {
    if (path === "/identity/v3" || path === "/identity") {
      const version = {
        id: "v3.14",
        status: "stable",
        links: [{ rel: "self", href: `${this.url}/identity/v3/` }],
      };
      return { status: 200, body: { version } };
    }
    if (method === "POST" && path === "/identity/v3/auth/tokens") {
      const service = (type: string, name: string, at: string) => ({
        id: name,
        type,
        name,
        endpoints: [
          {
            id: name,
            interface: "public",
            region: "RegionOne",
            region_id: "RegionOne",
            url: `${this.url}${at}`,
          },
        ],
      });
      const catalog = [
        service("identity", "keystone", "/identity"),
        service("network", "neutron", "/network"),
        service("compute", "nova", "/compute/v2.1"),
        service("image", "glance", "/image"),
      ];
      const domain = { id: "default", name: "Default" };
      return {
        status: 201,
        body: {
          token: {
            methods: ["password"],
            user: { id: "u", name: "operator", domain },
            project: { id: ids.project, name: "lab", domain },
            roles: [{ id: "r", name: "admin" }],
            issued_at: "2026-01-01T00:00:00.000000Z",
            expires_at: "2099-01-01T00:00:00.000000Z",
            catalog,
          },
        },
      };
    }
    return { status: 404 };
  }

  #neutron({ method, body }: Asked, [kind = "", id]: readonly string[], query: URLSearchParams): Answer {
    if (kind === "") {
      const links = [{ rel: "self", href: `${this.url}/network/v2.0/` }];
      return { status: 200, body: { versions: [{ id: "v2.0", status: "CURRENT", links }] } };
    }
    if (kind === "extensions")
      return id === undefined ? { status: 200, body: { extensions: [] } } : { status: 404 };
    if (method === "POST" && kind === "ports") {
      const port = this.port(inside(body, "port"));
      return { status: 201, body: { port } };
    }
    const all = { networks: this.things.networks, ports: this.things.ports, agents: this.things.agents }[
      kind
    ];
    if (all === undefined) return { status: 404 };
    const one = kind.slice(0, -1);
    if (id !== undefined) {
      const found = all.find((thing) => thing["id"] === id);
      const type = `${one[0]?.toUpperCase()}${one.slice(1)}NotFound`;
      if (found === undefined)
        return {
          status: 404,
          body: { NeutronError: { type, message: `${one} ${id} could not be found.`, detail: "" } },
        };
      return { status: 200, body: { [one]: found } };
    }
    const wanted = [...query].filter(([key]) => key !== "fields");
    return {
      status: 200,
      body: { [kind]: all.filter((thing) => wanted.every(([key, value]) => String(thing[key]) === value)) },
    };
  }

  #nova({ method, body }: Asked, [kind = "", id]: readonly string[], query: URLSearchParams): Answer {
    if (kind === "") {
      const links = [{ rel: "self", href: `${this.url}/compute/v2.1/` }];
      return {
        status: 200,
        body: { version: { id: "v2.1", status: "CURRENT", version: "2.93", min_version: "2.1", links } },
      };
    }
    if (method === "POST" && kind === "servers") {
      const wanted = inside(body, "server");
      const server = this.server({
        name: wanted["name"],
        key_name: wanted["key_name"] ?? null,
        image: { id: wanted["imageRef"] },
        flavor: { id: wanted["flavorRef"] },
        status: "BUILD",
      });
      const networks = Array.isArray(wanted["networks"]) ? wanted["networks"] : [];
      for (const nic of networks) {
        const port = this.things.ports.find((one) => one["id"] === nic.port);
        if (port === undefined)
          this.port({
            network_id: nic.uuid,
            device_id: server["id"],
            device_owner: "compute:nova",
            "binding:vif_type": "ovs",
          });
        else Object.assign(port, { device_id: server["id"], device_owner: "compute:nova" });
      }
      return { status: 202, body: { server: { id: server["id"], adminPass: "Zx9adminPass", links: [] } } };
    }
    if (kind === "flavors") {
      const found = this.things.flavors.find((one) => one["id"] === id);
      if (id === undefined || id === "detail") return { status: 200, body: { flavors: this.things.flavors } };
      return found === undefined
        ? notFound(`Flavor ${id} could not be found.`)
        : { status: 200, body: { flavor: found } };
    }
    if (kind !== "servers") return notFound("The resource could not be found.");
    if (id === undefined || id === "detail") {
      const name = new RegExp(query.get("name") ?? "");
      const servers = query.has("marker")
        ? []
        : this.things.servers.filter((server) => name.test(String(server["name"])));
      return { status: 200, body: { servers } };
    }
    const server = this.things.servers.find((one) => one["id"] === id);
    if (server === undefined) return notFound(`Instance ${id} could not be found.`);
    if (server["status"] === "BUILD") {
      const looks = (this.#looks.get(server) ?? 0) + 1;
      this.#looks.set(server, looks);
      this.later(server, looks);
    }
    return { status: 200, body: { server } };
  }

  #glance([kind = "", id]: readonly string[], query: URLSearchParams): Answer {
    if (kind === "") {
      const links = [{ rel: "self", href: `${this.url}/image/v2/` }];
      return { status: 200, body: { versions: [{ id: "v2.16", status: "CURRENT", links }] } };
    }
    const found = this.things.images.find((one) => one["id"] === id);
    if (id !== undefined) return found === undefined ? { status: 404 } : { status: 200, body: found };
    const name = query.get("name");
    return {
      status: 200,
      body: { images: this.things.images.filter((image) => name === null || image["name"] === name) },
    };
  }
}

/** A folder with a clouds.yaml for `--os-cloud lab`, to be removed at the end. */
export function cloudsFolder(url: string): string {
  const folder = mkdtempSync(join(tmpdir(), "vflag-clouds-"));
  const text = `clouds:
  lab:
    region_name: RegionOne
    identity_api_version: 3
    auth: {auth_url: "${url}/identity/v3", username: operator, password: "${password}", project_name: lab, user_domain_name: Default, project_domain_name: Default}
`;
  writeFileSync(join(folder, "clouds.yaml"), text, { mode: 0o600 });
  return folder;
}

function notFound(message: string): Answer {
  return { status: 404, body: { itemNotFound: { code: 404, message } } };
}

function inside(body: unknown, key: string): Json {
  const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, key) : undefined;
  if (typeof value !== "object" || value === null) throw new Error(`the request has no ${key}`);
  return { ...value };
}

function network(id: string, name: string, more: Json): Json {
  return {
    id,
    name,
    status: "ACTIVE",
    admin_state_up: true,
    shared: true,
    project_id: ids.project,
    subnets: [],
    mtu: 1500,
    ...more,
  };
}

function blankPort(id: string): Json {
  return {
    id,
    name: "",
    network_id: "",
    project_id: ids.project,
    status: "DOWN",
    admin_state_up: true,
    mac_address: "fa:16:3e:44:44:71",
    device_id: "",
    device_owner: "",
    fixed_ips: [{ subnet_id: "s", ip_address: "192.0.2.10" }],
    "binding:host_id": "",
    "binding:profile": {},
    "binding:vif_details": {},
    "binding:vif_type": "unbound",
    "binding:vnic_type": "normal",
    port_security_enabled: true,
    security_groups: [],
    tags: [],
  };
}

function blankServer(id: string): Json {
  return {
    id,
    name: "",
    status: "ACTIVE",
    tenant_id: ids.project,
    user_id: "u",
    metadata: {},
    image: { id: ids.image },
    flavor: { id: ids.flavor },
    key_name: null,
    addresses: {},
    security_groups: [],
    "OS-EXT-STS:vm_state": "active",
    "OS-EXT-STS:task_state": null,
    "OS-EXT-STS:power_state": 1,
    "os-extended-volumes:volumes_attached": [],
    created: "2026-01-01T00:00:00Z",
    updated: "2026-01-01T00:00:00Z",
    links: [],
  };
}
