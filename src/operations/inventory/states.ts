import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { parse } from "yaml";
import * as z from "zod";
import { readBounded } from "../../host/linux/system/bounded-file.ts";
import { excessOfJson, stateLimits } from "../../host/schema/state-limits.ts";
import { HostState } from "../../host/state/state.ts";
import type { HostPorts } from "../../openstack/nova/nova-host.ts";
import {
  type Hardware,
  type HardwareTraits,
  hardwareKey,
  hardwareTraits,
} from "../../openstack/tree/hardware-traits.ts";
import { DeploymentError } from "./ansible-inventory.ts";

/** The part of a state that tells ports and VFs; the rest is not looked at here. */
const Ports = z.object({
  schema: HostState.shape.schema,
  pfs: HostState.shape.pfs,
  netdevs: HostState.shape.netdevs,
});

/** Saved states by host, and how to get one. */
export class States {
  readonly #folder: string | null;
  readonly #files: ReadonlyMap<string, SavedHardware>;

  /**
   * @param folder with HOST.json (`vflag inspect -o json`), or HOST.yaml, named as in the inventory; `null`:
   * there is none
   */
  constructor(folder: string | null) {
    this.#folder = folder;
    this.#files = new Map(
      folder === null ? [] : [...filesOf(folder)].map(([host, file]) => [host, new SavedHardware(file)]),
    );
  }

  /** The hosts that have one. */
  get hosts(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** Reads all of them while something else is waited for. */
  async load(): Promise<void> {
    for (const hardware of this.#files.values()) {
      hardware.load();
      await setImmediate();
    }
  }

  /** How to get the state of a host. */
  get remedy(): string {
    return (
      `ssh HOST vflag inspect -o json > ` +
      `${join(this.#folder ?? "DIR", "HOST.json")}${this.#folder === null ? ", and --states DIR" : ""}`
    );
  }

  /** A host's ports; `null` where there is no state of it. */
  hardware(host: string): Hardware | null {
    return this.#files.get(host) ?? null;
  }
}

class SavedHardware implements Hardware {
  readonly #file: string;
  #traits: HardwareTraits | { readonly problem: string } | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  /** Reads the file, and keeps of it what tells hosts apart. */
  load(): HardwareTraits | { readonly problem: string } {
    if (this.#traits !== null) return this.#traits;
    const data = readData(this.#file);
    this.#traits = "problem" in data ? data : hardwareTraits(data.data);
    return this.#traits;
  }

  key(declaration: string): string {
    const traits = this.load();
    return "problem" in traits ? traits.problem : hardwareKey(traits, declaration);
  }

  read(): HostPorts | { readonly problem: string } {
    const data = readData(this.#file);
    if ("problem" in data) return data;
    const parsed = Ports.safeParse(data.data);
    if (parsed.success) return parsed.data;
    const first = new z.ZodError(parsed.error.issues.slice(0, stateLimits.problems));
    return {
      problem: `${this.#file} is no saved state (\`vflag inspect -o json\`):\n${z.prettifyError(first)}`,
    };
  }
}

/** Bytes of a state in YAML, which takes fifty times as long to read as JSON. */
const mostYaml = 1024 * 1024;

function readData(file: string): { readonly data: unknown } | { readonly problem: string } {
  try {
    const json = file.endsWith(".json");
    const bytes = readBounded(file, json ? stateLimits.bytes : mostYaml);
    const excess = json ? excessOfJson(bytes) : null;
    if (excess !== null) return { problem: `${file}: ${excess}` };
    const data: unknown = json
      ? JSON.parse(bytes.toString())
      : parse(bytes.toString(), { maxAliasCount: 100, logLevel: "silent", uniqueKeys: false });
    // A simulated host has its state within.
    if (
      typeof data === "object" &&
      data !== null &&
      "state" in data &&
      "schema" in data &&
      data.schema === "vflag/simulated-host/1"
    )
      return { data: data.state };
    return { data };
  } catch (error) {
    return { problem: `${file}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function filesOf(folder: string): Map<string, string> {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new DeploymentError(
      `--states ${folder}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  const files = new Map<string, string>();
  for (const name of names.sort()) {
    const host = /^(.+)\.(?:json|ya?ml)$/.exec(name)?.[1];
    if (host === undefined) continue;
    const other = files.get(host);
    if (other !== undefined)
      throw new DeploymentError(
        `${join(folder, name)} and ${other} are both the state of ${host}: remove one`,
      );
    files.set(host, join(folder, name));
  }
  return files;
}
