import { anyOf } from "../../host/any-of.ts";
import { filledBy } from "./port-mode.ts";

/** What the openstack client said when it failed, with what it means and what to do. */
export interface Refusal {
  readonly text: string;
  readonly next: readonly string[];
}

/** What was being done, for words. */
export interface Attempt {
  /** "port create", "server list" ... */
  readonly what: string;
  /** Whether a binding profile was in the request. */
  readonly profile: boolean;
}

interface Known {
  readonly says: RegExp;
  readonly means: (found: RegExpExecArray, attempt: Attempt) => Refusal;
}

/**
 * The first that fits counts. Sources: python-openstackclient, osc-lib, openstacksdk, python-novaclient:
 * their own messages.
 */
const known: readonly Known[] = [
  {
    says: /Cloud (.+) was not found/,
    means: ([, cloud]) => ({
      text: `there is no cloud ${cloud} in clouds.yaml`,
      next: [
        "the client reads clouds.yaml here, in ~/.config/openstack and in /etc/openstack, or the file " +
          "that OS_CLIENT_CONFIG_FILE names",
      ],
    }),
  },
  {
    says: anyOf(
      /Missing value auth-url|auth_url|--os-auth-url/,
      /Missing value .* required for auth plugin/,
      /Set a username/,
    ),
    means: () => ({
      text: "nothing says which cloud, or how to get into it",
      next: ["--os-cloud NAME, with the cloud in clouds.yaml; or OS_CLOUD"],
    }),
  },
  {
    says: /HTTP 401|\b401\b.*(Unauthorized|Client Error)|requires authentication/,
    means: () => ({
      text: "Keystone does not let this user in (401)",
      next: [
        "user, password or application credential, and project, of the cloud in clouds.yaml; has the " +
          "credential expired?",
      ],
    }),
  },
  {
    says: /\b403\b.*binding:profile|binding:profile.*disallowed by policy/,
    means: () => ({
      text:
        "only administrators and services may give a port a binding profile (policy " +
        "create_port:binding:profile, 403)",
      next: [
        `--capabilities without, where ${filledBy}`,
        "or an administrator makes the port in your project: the same command with the administrator's " +
          "--os-cloud, and -- --project PROJECT",
      ],
    }),
  },
  {
    says: /Quota exceeded[^\n]*|OverQuota/,
    means: ([said]) => ({
      text: `the project's quota is used up: ${said}`,
      next: ["openstack quota show --usage; delete what is not needed, or ask an administrator for more"],
    }),
  },
  {
    says: /\b403\b[^\n]*?(\(?[^,\n]*disallowed by policy)|(Policy doesn't allow [^\n(]*)/,
    means: ([, rule, nova]) => ({
      text: `this user may not do it (403): ${(rule ?? nova ?? "").trim()}`,
      next: ["another user or role of clouds.yaml, or an administrator"],
    }),
  },
  {
    says: /More than one (\w+) exists with the name '([^']*)'/,
    means: ([, kind, name]) => ({
      text: `more than one ${kind?.toLowerCase()} is called ${name}`,
      next: [`give its id instead of the name: openstack ${kind?.toLowerCase()} list`],
    }),
  },
  {
    says: /No (\w+)(?: with a name or ID of '([^']*)' exists| found for ([^\n]*))/,
    means: ([, kind, one, other]) => ({
      text: `there is no ${kind?.toLowerCase()} ${one ?? other}, or this user does not get to see it`,
      next: [`openstack ${kind?.toLowerCase()} list`],
    }),
  },
  {
    says: /Invalid key_name provided/,
    means: () => ({
      text: "this user has no key of that name",
      next: ["openstack keypair list; a key is of a user, not of a project"],
    }),
  },
  {
    says: /Port ([0-9a-f-]+) is still in use/,
    means: ([, port]) => ({
      text: `port ${port} is in use`,
      next: [`openstack port show ${port} -c device_id -c device_owner   # who has it`],
    }),
  },
  {
    says: /No more IP addresses available|IpAddressGenerationFailure/,
    means: () => ({
      text: "no address is left in the network's subnets",
      next: ["openstack subnet list --network NETWORK; openstack port list --network NETWORK"],
    }),
  },
  {
    says: /requires a FixedIP|requires a subnet/,
    means: () => ({
      text: "a server needs a port with an address, and the network has no subnet",
      next: ["openstack subnet list --network NETWORK"],
    }),
  },
  {
    says: anyOf(
      /Unable to establish connection to (\S+)/,
      /Failed to discover available identity versions/,
      /Could not find a suitable TLS CA/,
      /Max retries exceeded|Connection refused/,
    ),
    means: ([, url]) => ({
      text: `the service does not answer${url === undefined ? "" : ` at ${url.replace(/[:,]+$/, "")}`}`,
      next: [
        "is this machine in the cloud's management network, and does clouds.yaml have the right auth_url, " +
          "interface, and cacert?",
      ],
    }),
  },
  {
    says: /\b(5\d\d): Server Error[^\n]*|[^\n]*\(HTTP (5\d\d)\)/,
    means: ([said, code, other]) => ({
      text: `the service failed (${code ?? other}): ${said.trim()}`,
      next: ["its own log, around the request id"],
    }),
  },
  {
    says: anyOf(
      /is not an openstack command|expected one argument/,
      /(?:unrecognized arguments?|invalid choice|the following arguments are required): [^\n]*/,
    ),
    means: ([said]) => ({
      text: `the client does not understand the command: ${said}`,
      next: [
        "openstack --version: vflag is tested with python-openstackclient 6.0; are the arguments after " +
          "-- right?",
      ],
    }),
  },
];

/** @param said the client's error output */
export function refusalOf(attempt: Attempt, said: string, code: number | null): Refusal {
  const safe = withoutSecrets(said);
  for (const { says, means } of known) {
    const found = says.exec(safe);
    if (found === null) continue;
    if (says.source.includes("binding:profile") && !attempt.profile) continue;
    const { text, next } = means(found, attempt);
    return { text: `openstack ${attempt.what}: ${text}`, next };
  }
  const lines = safe.split("\n").map((line) => line.trim());
  const last = lines.filter((line) => line !== "").at(-1);
  return {
    text: `openstack ${attempt.what} failed (exit code ${code ?? "none"}): ${last ?? "it said nothing"}`,
    next: [],
  };
}

/**
 * What a client's words may have in them and nobody else may read: tokens of Keystone, and what gets into a
 * cloud.
 */
function withoutSecrets(said: string): string {
  return said
    .replaceAll(/gAAAA[\w=-]{16,}/g, "***")
    .replaceAll(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, "***")
    .replaceAll(
      /(["']?(?:[\w-]*(?:password|secret|token|adminPass))["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,}"']+)/gi,
      "$1***",
    )
    .replaceAll(/(:\/\/)[^/@\s]+@/g, "$1***@");
}
