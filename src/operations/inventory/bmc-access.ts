import { statSync } from "node:fs";
import { readBounded } from "../../host/linux/system/bounded-file.ts";
import { type BmcAccess, parseAddress, Secret, type Trust } from "../../redfish/access.ts";
import { DeploymentError, type Inventory } from "./ansible-inventory.ts";

/**
 * How the BMCs of an inventory's hosts are reached. Passwords come from variables or files, and go nowhere
 * but there.
 */

/**
 * The variables, and Kayobe's for the same, which count where there are none of vflag's.
 * Source: kayobe ansible/overcloud-bios-raid.yml (ipmi_address, ipmi_username, ipmi_password).
 */
const variables = {
  address: ["vflag_bmc_address", "ipmi_address"],
  username: ["vflag_bmc_username", "ipmi_username"],
  password: ["vflag_bmc_password", "ipmi_password"],
  passwordFile: ["vflag_bmc_password_file"],
  caFile: ["vflag_bmc_ca_file"],
  fingerprint: ["vflag_bmc_fingerprint"],
  system: ["vflag_bmc_system"],
} as const;

export interface HostAccess {
  readonly host: string;
  readonly access: BmcAccess | { readonly problem: string };
}

export interface AccessList {
  readonly hosts: readonly HostAccess[];
  /** Hosts without a BMC's address, which nobody asked for by name. */
  readonly without: readonly string[];
}

/**
 * The access to every host that is meant, in the inventory's order.
 * @param names hosts and groups; none: every host with an address
 */
export function accessOf(inventory: Inventory, names: readonly string[]): AccessList {
  const strange = names.filter((name) => !inventory.hosts.has(name) && !inventory.groups.has(name));
  if (strange.length > 0)
    throw new DeploymentError(
      `the inventory has no host and no group ${strange.join(", ")}: see ansible-inventory --graph`,
    );
  const named = new Set(names.filter((name) => inventory.hosts.has(name)));
  const meant =
    names.length === 0
      ? null
      : new Set(names.flatMap((name) => [name, ...hostsIn(inventory, name, new Set())]));
  const [hosts, without]: [HostAccess[], string[]] = [[], []];
  for (const [host, own] of inventory.hosts) {
    if (meant !== null && !meant.has(host)) continue;
    if (!named.has(host) && variables.address.every((name) => !isSet(own[name]))) without.push(host);
    else hosts.push({ host, access: readAccess(own) });
  }
  if (hosts.length === 0)
    throw new DeploymentError(
      "no host has a BMC's address: set vflag_bmc_address in the inventory (docs/bios.md has the other " +
        "variables)",
    );
  return { hosts: withoutTwins(hosts), without };
}

/**
 * A BMC that two hosts have in the inventory is the wrong one for at least one of them: nothing may be set
 * through it.
 */
function withoutTwins(hosts: readonly HostAccess[]): HostAccess[] {
  const keyOf = ({ access }: HostAccess) =>
    "problem" in access ? null : JSON.stringify([access.address, access.system]);
  const groups = Map.groupBy(hosts, keyOf);
  return hosts.map((each) => {
    const key = keyOf(each);
    const others = key === null ? [] : (groups.get(key) ?? []).filter((other) => other !== each);
    if (others.length === 0) return each;
    const names = others.slice(0, 3).map(({ host }) => host);
    return {
      host: each.host,
      access: {
        problem: `its vflag_bmc_address is that of ${names.join(", ")} too: which host's BMC is it?`,
      },
    };
  });
}

function hostsIn({ groups }: Inventory, name: string, seen: Set<string>): string[] {
  const group = groups.get(name);
  if (group === undefined || seen.has(name)) return [];
  seen.add(name);
  return [
    ...group.hosts,
    ...group.children.flatMap((child) => hostsIn({ hosts: new Map(), groups }, child, seen)),
  ];
}

type Variables = Readonly<Record<string, unknown>>;
type Problem = { readonly problem: string };

function readAccess(own: Variables): BmcAccess | Problem {
  const texts = new Map<keyof typeof variables, string>();
  for (const [key, names] of Object.entries(variables) as [keyof typeof variables, readonly string[]][]) {
    // Where a file has the password, a variable for it may be anything, such as Kayobe's, encrypted by
    // itself.
    if (key === "password" && variables.passwordFile.some((each) => isSet(own[each]))) continue;
    const name = names.find((each) => isSet(own[each]));
    if (name === undefined) continue;
    const found = textOf(own, name);
    if (typeof found !== "string") return found;
    texts.set(key, found);
  }
  const address = parseAddress(texts.get("address") ?? "");
  if (!texts.has("address")) return { problem: "it has no vflag_bmc_address" };
  if (address === null)
    return {
      problem:
        "its vflag_bmc_address is no address: it is HOST, HOST:PORT or https://HOST, without user, " +
        "password and path",
    };
  const username = texts.get("username");
  if (username === undefined) return { problem: "it has no vflag_bmc_username" };
  const password = passwordOf(texts.get("password"), texts.get("passwordFile"));
  if (!(password instanceof Secret)) return password;
  const trust = trustOf(texts.get("caFile"), texts.get("fingerprint"));
  return "problem" in trust
    ? trust
    : { address, username, password, trust, system: texts.get("system") ?? null };
}

/** A file counts before a variable: the latter may be a group's. */
function passwordOf(text: string | undefined, file: string | undefined): Secret | Problem {
  if (file === undefined) {
    if (text === undefined)
      return { problem: "it has neither vflag_bmc_password_file nor vflag_bmc_password" };
    return new Secret(text);
  }
  const found = fileText(file, "vflag_bmc_password_file");
  if (typeof found !== "string") return found;
  if ((statSync(file).mode & 0o007) !== 0)
    return { problem: `vflag_bmc_password_file ${file}: everybody can read it: chmod o= ${file}` };
  const [line = ""] = found.split(/\r?\n/);
  return line === ""
    ? { problem: `vflag_bmc_password_file ${file}: its first line is empty` }
    : new Secret(line);
}

function trustOf(caFile: string | undefined, fingerprint: string | undefined): Trust | Problem {
  if (fingerprint !== undefined) {
    const sha256 = fingerprint
      .replace(/^sha256[:=]/i, "")
      .replaceAll(":", "")
      .toUpperCase();
    if (/^[0-9A-F]{64}$/.test(sha256)) return { kind: "fingerprint", sha256 };
    return {
      problem:
        "its vflag_bmc_fingerprint is no SHA-256 fingerprint: it has 64 hexadecimal digits, with colons " +
        "or without",
    };
  }
  if (caFile === undefined) return { kind: "authorities", ca: null };
  const ca = fileText(caFile, "vflag_bmc_ca_file");
  if (typeof ca !== "string") return ca;
  if (!ca.includes("-----BEGIN CERTIFICATE-----"))
    return { problem: `vflag_bmc_ca_file ${caFile}: there is no certificate (PEM) in it` };
  return { kind: "authorities", ca };
}

function fileText(file: string, variable: string): string | Problem {
  try {
    return readBounded(file, 1024 * 1024).toString();
  } catch (error) {
    return { problem: `${variable} ${file}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** How many variables may name one another. */
const mostSteps = 10;

/**
 * A variable's text. One that is nothing but another's name (`{{ vault_bmc_password }}`) is that one's; any
 * other template is refused, for only Ansible knows what it means. What is refused is not repeated: it may
 * hold a secret.
 */
function textOf(own: Variables, name: string): string | Problem {
  let value = own[name];
  for (let steps = 0; ; steps++) {
    if (typeof value === "number") return String(value);
    if (typeof value !== "string") {
      const vault = typeof value === "object" && value !== null && "__ansible_vault" in value;
      return {
        problem: vault
          ? `${name} is encrypted by itself (!vault), which ansible-inventory does not open: encrypt the ` +
            `whole file, or use vflag_bmc_password_file`
          : `${name} is no text`,
      };
    }
    const other = /^\{\{\s*([A-Za-z_]\w*)\s*\}\}$/.exec(value)?.[1];
    if (other === undefined) break;
    if (!isSet(own[other]) || steps === mostSteps)
      return { problem: `${name} names ${other}, which is not set for this host` };
    value = own[other];
  }
  if (value.includes("{{") || value.includes("{%"))
    return {
      problem:
        `${name} is a Jinja template, which vflag does not evaluate: write it out, or name one ` +
        `variable alone`,
    };
  return value;
}
