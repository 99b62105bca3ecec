import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ProgramResult, RunProgram } from "../../host/linux/system/program.ts";
import { ProgramError } from "../../host/linux/system/program.ts";
import type { Groups } from "../../openstack/tree/placement.ts";

/** What Ansible makes of an inventory. */
export interface Inventory {
  /**
   * In its order: every host with its variables, as Ansible merges them; expressions in them are not
   * resolved.
   */
  readonly hosts: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly groups: Groups;
}

/** The configuration tree or its inventory could not be read; the message says what to do. */
export class DeploymentError extends Error {
  override readonly name = "DeploymentError";
}

export interface InventoryRequest {
  /** Files or directories, in the order in which Ansible is given them. */
  readonly sources: readonly string[];
  /** Ansible's configuration file; `null`: its own choice. */
  readonly configuration: string | null;
  /** The file (or program) that has the password of encrypted files. */
  readonly vaultPasswordFile: string | null;
}

/** Characters that its answer may have: JavaScript holds no longer strings than about twice this. */
const most = 256 * 1024 * 1024;

/**
 * Asks the real ansible-inventory, once.
 * Its locale has to be UTF-8: with LC_ALL=C, ansible-core from 2.14 on ends at once.
 */
export async function readInventory(request: InventoryRequest, run: RunProgram): Promise<Inventory> {
  const argv = ["ansible-inventory", "--list", ...request.sources.flatMap((source) => ["-i", source])];
  if (request.vaultPasswordFile !== null) argv.push("--vault-password-file", request.vaultPasswordFile);
  const env = {
    LC_ALL: "C.UTF-8",
    ANSIBLE_NOCOLOR: "1",
    ANSIBLE_FORCE_COLOR: "0",
    ...(request.configuration === null ? {} : { ANSIBLE_CONFIG: request.configuration }),
  };
  let result: ProgramResult;
  try {
    // It takes four milliseconds a host, whose name and variables are at least as many bytes.
    result = await run(argv, {
      limit: 120_000 + request.sources.reduce((sum, source) => sum + bytesOf(source), 0),
      most,
      env,
    });
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    if (error.code !== "ENOENT") throw new DeploymentError(error.message, { cause: error });
    throw new DeploymentError(
      "ansible-inventory is not installed, which reads the inventory as Ansible does.\n" +
        "Run vflag where Kayobe or Kolla-Ansible is (`source VENV/bin/activate`), or `apt-get install " +
        "--no-install-recommends ansible-core`.",
      { cause: error },
    );
  }
  const { stdout, stderr, code, cut } = result;
  if (cut === true)
    throw new DeploymentError(`ansible-inventory: its answer is longer than ${most / 1024 / 1024} MiB`);
  const said = messages(stderr, request.sources.filter(hasVariablesOnly));
  if (code !== 0) throw new DeploymentError(`ansible-inventory cannot read the inventory:\n${said.errors}`);
  if (said.unparsed !== "")
    throw new DeploymentError(
      "ansible-inventory left a part of the inventory out, and its hosts would be missing in what is " +
        "written:\n" +
        `${said.unparsed}\n` +
        "Put it right, or take it out of the inventory's directory.",
    );
  const inventory = parse(stdout);
  if (inventory.hosts.size === 0)
    throw new DeploymentError(`the inventory has no hosts: ${request.sources.join(", ")}`);
  return inventory;
}

function bytesOf(source: string): number {
  const found = statSync(source, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) return found?.size ?? 0;
  const entries = readdirSync(source, { recursive: true, withFileTypes: true });
  return entries.reduce((sum, entry) => {
    return (
      sum +
      (entry.isFile()
        ? (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0)
        : 0)
    );
  }, 0);
}

/** Whether a directory has no hosts and is not meant to: its variables count all the same. */
function hasVariablesOnly(source: string): boolean {
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  return readdirSync(source).every((name) => name === "group_vars" || name === "host_vars");
}

/**
 * Its error, and what it says of sources that it could not parse, without other warnings.
 * @param without directories of which it says that for a good reason
 */
function messages(stderr: string, without: readonly string[]): { errors: string; unparsed: string } {
  const parts = stderr.trim().split(/\n(?=\[(?:WARNING|DEPRECATION WARNING|ERROR)\]|ERROR!?)/);
  const errors = parts.filter((part) => !/^\[(?:DEPRECATION )?WARNING\]/.test(part)).join("\n");
  // It breaks its lines, in paths too.
  const bare = (text: string) => text.replaceAll(/\s+/g, "");
  const expected = without.map((source) => bare(`Unable to parse ${resolve(source)} as an inventory source`));
  const unparsed = parts
    .filter(
      (part) =>
        /unabletoparse|failedtoparse/i.test(bare(part)) &&
        !expected.some((text) => bare(part).endsWith(text)),
    )
    .join("\n");
  return { errors: errors === "" ? stderr.trim() : errors, unparsed };
}

function parse(text: string): Inventory {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new DeploymentError(`ansible-inventory did not answer in JSON: ${text.slice(0, 200)}`, {
      cause: error,
    });
  }
  if (!isRecord(data)) throw new DeploymentError("ansible-inventory did not answer with an object");
  const meta = isRecord(data["_meta"]) ? data["_meta"] : {};
  const variables = isRecord(meta["hostvars"]) ? meta["hostvars"] : {};
  const groups = new Map<string, { hosts: string[]; children: string[] }>();
  for (const [name, group] of Object.entries(data)) {
    if (name !== "_meta" && isRecord(group))
      groups.set(name, { hosts: strings(group["hosts"]), children: strings(group["children"]) });
  }
  // A host without variables is in its groups only.
  const names = [
    ...new Set([...[...groups.values()].flatMap(({ hosts }) => hosts), ...Object.keys(variables)]),
  ];
  const hosts = new Map(names.map((name) => [name, isRecord(variables[name]) ? variables[name] : {}]));
  return { hosts, groups };
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
