import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { type Machine, registryData } from "../bios/machines.ts";
import type { Certificate } from "./certificates.ts";

/**
 * A Redfish service of the tests' own, as DMTF's DSP0266 and DSP8010 say: sessions, ETags, a settings
 * resource with apply times, registries, and errors with extended information. Python's sushy reads it too
 * (sushy.long.ts), so that it is none that only vflag understands.
 */
export interface ServiceOptions {
  readonly machine: Machine;
  readonly username?: string;
  readonly password?: string;
  /** How the registry comes. */
  readonly registry?: "plain" | "gzip" | "file" | "none" | "elsewhere" | "other-version";
  /** Null: the BIOS has no settings resource, and is changed itself. */
  readonly applyTimes?: readonly string[] | null | undefined;
  readonly settingsResource?: boolean;
  /** A change is carried out by a task, with this state. */
  readonly task?: string | null;
  /** Whether it wants an If-Match, as the standard lets it. */
  readonly strict?: boolean;
  /** Gives weak tags, and takes strong ones. */
  readonly weak?: boolean;
  /** Whether changes are seen as pending. */
  readonly shows?: boolean;
  readonly systems?: readonly string[];
  /** Says something else at a path, whatever is asked; by `METHOD /path`. */
  readonly instead?: Readonly<Record<string, (response: ServerResponse, body: string) => void>>;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

type Json = Record<string, unknown>;

export class Service implements AsyncDisposable {
  readonly #options: ServiceOptions;
  readonly #server: Server;
  readonly asked: Asked[] = [];
  readonly attributes: Map<string, unknown>;
  readonly pending = new Map<string, unknown>();
  /** Tokens by the session's path. */
  readonly sessions = new Map<string, string>();
  #version = 1;
  #serial = 0;

  private constructor(options: ServiceOptions, { cert, key }: Certificate) {
    this.#options = options;
    this.attributes = new Map(Object.entries(options.machine.attributes));
    this.#server = createServer({ cert, key }, (request, response) => void this.#serve(request, response));
  }

  static async start(options: ServiceOptions, certificate: Certificate): Promise<Service> {
    const service = new Service(options, certificate);
    await new Promise<void>((resolve) => service.#server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the service is closed");
    return address.port;
  }

  /** What a reboot of the host does. */
  reset(): void {
    for (const [name, value] of this.pending) this.attributes.set(name, value);
    this.pending.clear();
    this.touch();
  }

  /** Somebody else changes something. */
  touch(): void {
    this.#version += 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get #bios(): string {
    return `${this.#system}/Bios`;
  }

  get #system(): string {
    return `/redfish/v1/Systems/${this.#options.machine.system}`;
  }

  get #settings(): string {
    return this.#options.settingsResource === false
      ? this.#bios
      : `${this.#bios}${this.#options.machine.settings}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const [method, path] = [request.method ?? "", request.url ?? ""];
    this.asked.push({ method, path, headers: request.headers, body });
    response.setHeader("OData-Version", "4.0");
    response.setHeader("Cache-Control", "no-cache");
    const instead = this.#options.instead?.[`${method} ${path}`];
    if (instead !== undefined) return instead(response, body);
    const open =
      path === "/redfish" ||
      path === "/redfish/v1/" ||
      (method === "POST" && path === "/redfish/v1/SessionService/Sessions");
    if (!open && ![...this.sessions.values()].includes(String(request.headers["x-auth-token"])))
      return refuse(
        response,
        401,
        "Base.1.8.NoValidSession",
        "There is no valid session established with the implementation.",
      );
    if (method === "POST" && path === "/redfish/v1/SessionService/Sessions")
      return this.#login(response, body);
    if (method === "DELETE" && this.sessions.delete(path)) return void response.writeHead(204).end();
    if (method === "PATCH" && path === this.#settings) return this.#patch(request, response, body);
    const resource = method === "GET" ? this.#resources().get(path) : undefined;
    if (resource === undefined)
      return refuse(response, 404, "Base.1.8.ResourceMissingAtURI", `The resource at ${path} was not found.`);
    send(
      response,
      200,
      resource,
      path === this.#settings || path === this.#bios
        ? { ETag: `${this.#options.weak === true ? "W/" : ""}"${this.#version}"` }
        : {},
      this.#packing(path),
    );
  }

  #login(response: ServerResponse, body: string): void {
    const { username = "admin", password = "made-up-password" } = this.#options;
    const { UserName: user, Password: word } = objectOf(body);
    if (user !== username || word !== password)
      return refuse(
        response,
        401,
        "Base.1.8.ResourceAtUriUnauthorized",
        `Denied ${String(user)} with the password ${String(word)}.`,
      );
    const path = `/redfish/v1/SessionService/Sessions/${++this.#serial}`;
    const token = `token-${this.#serial}-of-a-session`;
    this.sessions.set(path, token);
    send(
      response,
      201,
      { "@odata.id": path, Id: String(this.#serial), Name: "Session" },
      { Location: path, "X-Auth-Token": token },
    );
  }

  #patch(request: IncomingMessage, response: ServerResponse, body: string): void {
    const match = request.headers["if-match"];
    if (match === undefined && this.#options.strict !== false)
      return refuse(response, 428, "Base.1.8.PreconditionRequired", "An If-Match header is required.");
    if (match !== undefined && match !== `"${this.#version}"`)
      return refuse(response, 412, "Base.1.8.PreconditionFailed", "The ETag supplied did not match.");
    const { Attributes: attributes, "@Redfish.SettingsApplyTime": time } = objectOf(body);
    const { applyTimes = null, task = null, shows = true, machine } = this.#options;
    const at =
      typeof time === "object" && time !== null && "ApplyTime" in time ? String(time.ApplyTime) : null;
    if (at !== null && applyTimes?.includes(at) !== true)
      return refuse(response, 400, "Base.1.8.PropertyUnknown", `The apply time ${at} is not supported.`);
    for (const [name, value] of Object.entries(attributes ?? {})) {
      const entry = machine.entries.find(({ AttributeName: own }) => own === name);
      if (entry === undefined)
        return refuse(response, 400, "Base.1.8.PropertyUnknown", `The property ${name} is not known.`);
      if (entry["ReadOnly"] === true)
        return refuse(response, 400, "Base.1.8.PropertyNotWritable", `The property ${name} is read only.`);
      const values: unknown = entry["Value"];
      if (Array.isArray(values) && !values.some((each) => each.ValueName === value))
        return refuse(
          response,
          400,
          "Base.1.8.PropertyValueNotInList",
          `The value ${String(value)} of ${name} is not in the list.`,
        );
    }
    const target = this.#options.settingsResource === false ? this.attributes : this.pending;
    if (shows) for (const [name, value] of Object.entries(attributes ?? {})) target.set(name, value);
    this.touch();
    if (task !== null)
      return send(
        response,
        202,
        { "@odata.id": "/redfish/v1/TaskService/Tasks/1" },
        { Location: "/redfish/v1/TaskService/Tasks/1" },
      );
    const told = {
      MessageId: "Base.1.8.Success",
      Message: "The request completed successfully.",
      Severity: "OK",
    };
    send(response, 200, { "@Message.ExtendedInfo": [told] });
  }

  #packing(path: string): boolean {
    return this.#options.registry === "gzip" && path === "/redfish/v1/registrystore/bios";
  }

  #resources(): Map<string, Json | Buffer> {
    const {
      machine,
      registry = "plain",
      applyTimes = null,
      settingsResource = true,
      systems = [machine.system],
      task = null,
    } = this.#options;
    const link = (id: string) => ({ "@odata.id": id });
    const collection = (name: string, members: readonly string[]) => ({
      "@odata.type": `#${name}.${name}`,
      Name: name,
      Members: members.map(link),
      "Members@odata.count": members.length,
    });
    const held = registry !== "none";
    const own = registry === "other-version" ? machine.registryId.replace(/\d+$/, "99") : machine.registryId;
    const uri =
      registry === "elsewhere"
        ? { PublicationUri: "https://registries.example/bios.json" }
        : { Uri: "/redfish/v1/registrystore/bios" };
    const found: [string, Json | Buffer][] = [
      ["/redfish", { v1: "/redfish/v1/" }],
      [
        "/redfish/v1/",
        {
          "@odata.type": "#ServiceRoot.v1_9_0.ServiceRoot",
          Id: "RootService",
          Name: "Root Service",
          RedfishVersion: "1.11.0",
          UUID: "92384634-2938-2342-8820-489239905423",
          Systems: link("/redfish/v1/Systems"),
          Registries: link("/redfish/v1/Registries"),
          SessionService: link("/redfish/v1/SessionService"),
          Links: { Sessions: link("/redfish/v1/SessionService/Sessions") },
        },
      ],
      [
        "/redfish/v1/SessionService",
        {
          "@odata.type": "#SessionService.v1_1_8.SessionService",
          Id: "SessionService",
          Name: "Session Service",
          ServiceEnabled: true,
          SessionTimeout: 300,
          Sessions: link("/redfish/v1/SessionService/Sessions"),
        },
      ],
      ["/redfish/v1/SessionService/Sessions", collection("SessionCollection", [...this.sessions.keys()])],
      [
        "/redfish/v1/Systems",
        collection(
          "ComputerSystemCollection",
          systems.map((id) => `/redfish/v1/Systems/${id}`),
        ),
      ],
      [
        this.#system,
        {
          "@odata.type": "#ComputerSystem.v1_14_0.ComputerSystem",
          Id: machine.system,
          Name: "System",
          Manufacturer: machine.manufacturer,
          Model: machine.model,
          BiosVersion: "1.2.4",
          PowerState: "On",
          SystemType: "Physical",
          Boot: { BootSourceOverrideEnabled: "Disabled", BootSourceOverrideTarget: "None" },
          Bios: link(this.#bios),
          Actions: {
            "#ComputerSystem.Reset": {
              target: `${this.#system}/Actions/ComputerSystem.Reset`,
              "ResetType@Redfish.AllowableValues": ["On", "ForceOff", "GracefulRestart"],
            },
          },
        },
      ],
      [
        this.#bios,
        {
          "@odata.type": "#Bios.v1_2_0.Bios",
          Id: "Bios",
          Name: "BIOS Configuration Current Settings",
          AttributeRegistry: machine.registryId,
          Attributes: Object.fromEntries(this.attributes),
          ...(settingsResource
            ? {
                "@Redfish.Settings": {
                  "@odata.type": "#Settings.v1_3_0.Settings",
                  SettingsObject: link(this.#settings),
                  ...(applyTimes === null ? {} : { SupportedApplyTimes: applyTimes }),
                  Time: "2026-01-01T00:00:00Z",
                  ETag: `"${this.#version}"`,
                  Messages: [{ MessageId: "Base.1.8.Success", Severity: "OK" }],
                },
              }
            : {}),
        },
      ],
      [
        "/redfish/v1/Registries",
        collection("MessageRegistryFileCollection", [
          "/redfish/v1/Registries/Base.1.8.0",
          ...(held ? [`/redfish/v1/Registries/${encodeURIComponent(own)}`] : []),
        ]),
      ],
      [
        "/redfish/v1/Registries/Base.1.8.0",
        this.#registryFile("Base.1.8.0", { Uri: "/redfish/v1/registrystore/base" }),
      ],
      [`/redfish/v1/Registries/${encodeURIComponent(own)}`, this.#registryFile(own, uri)],
      ["/redfish/v1/registrystore/base", baseRegistry],
      [
        "/redfish/v1/registrystore/bios",
        registry === "file" ? gzipSync(JSON.stringify(registryData(machine))) : registryData(machine),
      ],
      [
        "/redfish/v1/TaskService/Tasks/1",
        {
          Id: "1",
          Name: "Task",
          TaskState: task,
          Messages: [{ Message: "BIOS is locked down.", Severity: "Critical" }],
        },
      ],
    ];
    if (settingsResource)
      found.push([
        this.#settings,
        {
          "@odata.type": "#Bios.v1_2_0.Bios",
          Id: "Settings",
          Name: "BIOS Configuration Pending Settings",
          AttributeRegistry: machine.registryId,
          Attributes: Object.fromEntries(this.pending),
        },
      ]);
    return new Map(
      found.map(([path, data]) => [path, data instanceof Buffer ? data : { "@odata.id": path, ...data }]),
    );
  }

  #registryFile(id: string, uri: Json): Json {
    const german = { Language: "de", Uri: "/redfish/v1/registrystore/none" };
    return {
      "@odata.type": "#MessageRegistryFile.v1_1_3.MessageRegistryFile",
      Id: id,
      Name: "Registry File",
      Registry: id,
      Languages: ["de", "en"],
      Location: [...("Uri" in uri ? [german] : []), { Language: "en", ...uri }],
    };
  }
}

const baseRegistry: Json = {
  "@odata.type": "#MessageRegistry.v1_4_0.MessageRegistry",
  Id: "Base.1.8.0",
  Name: "Base Message Registry",
  Language: "en",
  OwningEntity: "DMTF",
  RegistryPrefix: "Base",
  RegistryVersion: "1.8.0",
  Messages: {
    Success: {
      Description: "Success.",
      Message: "Successfully Completed Request",
      Severity: "OK",
      NumberOfArgs: 0,
      Resolution: "None",
    },
  },
};

/** An error as the standard has it. */
export function refuse(response: ServerResponse, status: number, id: string, message: string): void {
  const info = {
    "@odata.type": "#Message.v1_1_1.Message",
    MessageId: id,
    Message: message,
    Severity: "Critical",
    Resolution: "None.",
  };
  send(response, status, {
    error: { code: "Base.1.8.GeneralError", message: "A general error.", "@Message.ExtendedInfo": [info] },
  });
}

function send(
  response: ServerResponse,
  status: number,
  data: Json | Buffer,
  headers: Record<string, string> = {},
  packed = false,
): void {
  const bytes = data instanceof Buffer ? data : Buffer.from(JSON.stringify(data));
  const kind = data instanceof Buffer ? "application/gzip" : "application/json";
  const coding: Record<string, string> = packed ? { "Content-Encoding": "gzip" } : {};
  response
    .writeHead(status, { "Content-Type": kind, ...coding, ...headers })
    .end(packed ? gzipSync(bytes) : bytes);
}

function objectOf(body: string): Record<string, unknown> {
  const data: unknown = JSON.parse(body);
  return typeof data === "object" && data !== null ? { ...data } : {};
}
