import * as z from "zod";
import { type Finding, finding } from "./creation.ts";

/** Servers of Nova with ports for VFs, as the openstack client makes and shows them. */

/** One NIC of a server: a network, in which Nova makes a port, or a port that is there. */
export interface ServerNic {
  readonly kind: "net-id" | "port-id";
  /** Name or id. */
  readonly of: string;
}

export interface ServerRequest {
  readonly name: string;
  readonly image: string;
  readonly flavor: string;
  readonly keyName: string | undefined;
  /** In the guest's order. */
  readonly nics: readonly ServerNic[];
  /** Further arguments of the client. */
  readonly further: readonly string[];
}

/** The client's arguments that make it. Source: `openstack server create --help`. */
export function serverArguments({ name, image, flavor, keyName, nics, further }: ServerRequest): string[] {
  const key = keyName === undefined ? [] : ["--key-name", keyName];
  const given = nics.flatMap(({ kind, of }) => ["--nic", `${kind}=${of}`]);
  return [
    "server",
    "create",
    "--image",
    image,
    "--flavor",
    flavor,
    ...key,
    ...given,
    ...further,
    "-f",
    "json",
    name,
  ];
}

/** Reads `net-id=NAME` or `port-id=NAME`; `null` where it is neither. The client would split at a comma. */
export function readNic(value: string): ServerNic | null {
  const found = /^(net-id|port-id)=([^,=]+)$/.exec(value);
  const [, kind, of] = found ?? [];
  return (kind === "net-id" || kind === "port-id") && of !== undefined ? { kind, of } : null;
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null);

/** `openstack server show -f json`. What only administrators see (the host) is `null` for others. */
export const Server = z.object({
  id: z.string().min(1),
  name: text,
  status: text,
  key_name: text,
  image: z.unknown().optional(),
  flavor: z.unknown().optional(),
  fault: z.object({ message: text, code: z.number().nullish() }).nullish().catch(null),
  "OS-EXT-SRV-ATTR:host": text,
});
export type Server = z.infer<typeof Server>;

/** `openstack server create -f json`, of which nothing else is kept: it has the guest's first password. */
export const NewServer = z.object({ id: z.string().min(1) });

/** `openstack server list -f json`. */
export const ServerList = z.array(z.object({ ID: z.string().min(1), Name: text }));
export type ServerList = z.infer<typeof ServerList>;

/**
 * A pattern for `openstack server list --name`, which is a regular expression of Nova's database: it finds
 * the name, and perhaps others. Whoever asks looks for the name itself in the answer.
 */
export function namePattern(name: string): string {
  return `^${name.replaceAll(/[^\w-]/g, ".")}$`;
}

/** A server's port that is there, and which NIC of the request it is for. */
export interface ServerPorts {
  /**
   * Ids of the server's own ports in each network of the request, by the network's name or id as it was
   * given.
   */
  readonly inNetwork: ReadonlyMap<string, readonly string[]>;
  /** Which server has each port of the request (`device_id`), by the port's name or id as it was given. */
  readonly deviceOf: ReadonlyMap<string, { readonly id: string; readonly device: string }>;
}

/** Where a server that is there is not what was asked for: a line each. And what could not be compared. */
export function compareServer(request: ServerRequest, server: Server, ports: ServerPorts): Finding[] {
  const found: Finding[] = [];
  const differs = (what: string, there: string, wanted: string) =>
    found.push(finding("wrong", `${what} is ${there}, and shall be ${wanted}`));
  for (const what of ["image", "flavor"] as const) {
    const there = spokenOf(server[what]);
    if (there.names.length === 0)
      found.push(finding("note", `the ${what} was not compared: the client says ${there.text}`));
    else if (!there.names.includes(request[what])) differs(what, there.text, request[what]);
  }
  if (request.keyName !== undefined && server.key_name !== request.keyName)
    differs("key", server.key_name ?? "none", request.keyName);
  const given = new Set([...ports.deviceOf.values()].map(({ id }) => id));
  const counts = new Map<string, number>();
  for (const { kind, of } of request.nics) {
    const port = ports.deviceOf.get(of);
    if (kind === "port-id" && port?.device !== server.id)
      found.push(
        finding(
          "wrong",
          `port ${of} is not its own: ${port?.device ? `server ${port.device} has it` : "no server has it"}`,
        ),
      );
    if (kind === "net-id") counts.set(of, (counts.get(of) ?? 0) + 1);
  }
  for (const [network, wanted] of counts) {
    const there = (ports.inNetwork.get(network) ?? []).filter((id) => !given.has(id)).length;
    if (there < wanted)
      found.push(
        finding(
          "wrong",
          `it has ${there} NIC${there === 1 ? "" : "s"} of its own in network ${network}, and shall have ` +
            `${wanted}`,
        ),
      );
  }
  if (request.further.length > 0) found.push(finding("note", `not compared: ${request.further.join(" ")}`));
  return found;
}

/**
 * `name (id)`, or a mapping with either: what the client says of an image or flavor. From microversion 2.47
 * on a flavor has its name only.
 */
function spokenOf(value: unknown): { readonly names: readonly string[]; readonly text: string } {
  if (typeof value === "string") {
    const both = /^(.*) \(([^()]*)\)$/.exec(value);
    const [, name, id] = both ?? [];
    if (name !== undefined && id !== undefined && !value.startsWith("N/A "))
      return { names: [name, id], text: value };
    return {
      names: value === "" || value.startsWith("N/A ") ? [] : [value],
      text: value === "" ? "nothing" : value,
    };
  }
  if (typeof value !== "object" || value === null) return { names: [], text: "nothing" };
  const names = ["original_name", "name", "id"].flatMap((key) => {
    const one: unknown = Reflect.get(value, key);
    return typeof one === "string" ? [one] : [];
  });
  return { names, text: names[0] ?? "nothing" };
}
