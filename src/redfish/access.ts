import { inspect } from "node:util";

/** Where a service is, and how one gets in. */
export interface BmcAccess {
  readonly address: BmcAddress;
  readonly username: string;
  readonly password: Secret;
  readonly trust: Trust;
  /** The system's id, where the service has several. */
  readonly system: string | null;
}

export interface BmcAddress {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** How the service's certificate is verified. */
export type Trust =
  /** By the authorities that Node brings, or these instead (PEM). */
  | { readonly kind: "authorities"; readonly ca: string | null }
  /** It is this very certificate: SHA-256 of it, 64 hexadecimal digits in upper case. */
  | { readonly kind: "fingerprint"; readonly sha256: string };

/** A text that shows itself nowhere: not in JSON, not in a message, not to a debugger's eye. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return "(hidden)";
  }

  toJSON(): string {
    return "(hidden)";
  }

  [inspect.custom](): string {
    return "(hidden)";
  }
}

/**
 * Reads an address: a name or an IP address, with a port or without, also as an https URL. Null where it is
 * anything else: with a user or a password in it, with a path, or not https.
 */
export function parseAddress(text: string): BmcAddress | null {
  const bare = /^https:\/\//i.test(text) ? text.slice("https://".length) : text;
  const written = bare.replace(/\/$/, "");
  // An IPv6 address by itself has more than one colon.
  const whole = /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.%]*$/i.test(written) ? `[${written}]` : written;
  if (!/^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.test(whole)) return null;
  let url: URL;
  try {
    url = new URL(`https://${whole}`);
  } catch {
    return null;
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: url.port === "" ? 443 : Number(url.port) };
}

/** The service's root as a URL. */
export function originOf({ host, port }: BmcAddress): string {
  return `https://${host.includes(":") ? `[${host}]` : host}${port === 443 ? "" : `:${port}`}`;
}
