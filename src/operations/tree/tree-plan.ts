import { relative } from "node:path";
import type { Conflict } from "../../openstack/outcome.ts";
import type { Release } from "../../openstack/releases.ts";
import type { HostValues } from "../../openstack/tree/host-values.ts";
import type { Inventory } from "../inventory/ansible-inventory.ts";

/** A configuration tree, and where its hosts come from. */
export interface TreeRequest {
  readonly kind: "kayobe" | "kolla";
  /** etc/kayobe, or /etc/kolla. */
  readonly config: string;
  readonly release: Release;
  /** Kayobe's environment; `null`: none. */
  readonly environment: string | null;
  /** Kolla-Ansible's inventory; Kayobe's is in its tree. */
  readonly inventory: string | null;
  /** The folder of saved states. */
  readonly states: string | null;
  readonly vaultPasswordFile: string | null;
  /** The group whose hosts matter; `null`: all hosts that have a variable. */
  readonly hosts: string | null;
  /** Whether files that environments share may change. */
  readonly shared?: boolean;
}

/** What is to be done with one file; `before` and `after` are `null` where it is not there. */
export interface TreeChange {
  readonly path: string;
  /** As it is shown: relative to the tree where it is inside. */
  readonly name: string;
  readonly kind: "file" | "link";
  readonly before: string | null;
  readonly after: string | null;
}

export interface TreeConflict extends Conflict {
  readonly name: string;
}

/** Something that is wrong with, or to be known of, hosts. */
export interface HostRemark {
  readonly hosts: readonly string[];
  readonly text: string;
}

export interface TreePlan {
  readonly changes: readonly TreeChange[];
  readonly conflicts: readonly TreeConflict[];
  readonly problems: readonly HostRemark[];
  readonly notes: readonly HostRemark[];
  readonly hosts: ReadonlyMap<string, HostValues>;
}

/** What is found out while a plan is made. */
export class PlanDraft {
  readonly request: TreeRequest;
  readonly inventory: Inventory;
  /** The directory beside whose inventory values are written. */
  readonly folder: string;
  /** The hosts that matter. */
  readonly hosts: readonly string[];
  readonly values = new Map<string, HostValues>();
  readonly #problems = new Map<string, string[]>();
  readonly #notes = new Map<string, string[]>();
  readonly #conflicts: TreeConflict[] = [];
  readonly #changes: TreeChange[] = [];

  constructor(request: TreeRequest, inventory: Inventory, folder: string, hosts: readonly string[]) {
    this.request = request;
    this.inventory = inventory;
    this.folder = folder;
    this.hosts = hosts;
  }

  get isEmpty(): boolean {
    return this.#changes.length === 0;
  }

  finished(): TreePlan {
    const list = (remarks: ReadonlyMap<string, string[]>) =>
      [...remarks].map(([text, hosts]) => ({ text, hosts }));
    const [problems, notes] = [list(this.#problems), list(this.#notes)];
    return { changes: this.#changes, conflicts: this.#conflicts, problems, notes, hosts: this.values };
  }

  /** A path as it is shown. */
  name(path: string): string {
    const inside = relative(this.request.config, path);
    return inside.startsWith("..") ? path : inside;
  }

  write(path: string, before: string | null, after: string | null): void {
    if (before !== after) this.#changes.push({ path, name: this.name(path), kind: "file", before, after });
  }

  link(path: string, target: string): void {
    this.#changes.push({ path, name: this.name(path), kind: "link", before: null, after: target });
  }

  conflict(conflict: TreeConflict): void {
    this.#conflicts.push(conflict);
  }

  problem(text: string, host?: string): void {
    add(this.#problems, text, host);
  }

  note(text: string, host?: string): void {
    add(this.#notes, text, host);
  }
}

function add(remarks: Map<string, string[]>, text: string, host: string | undefined): void {
  const hosts = remarks.get(text) ?? [];
  if (host !== undefined) hosts.push(host);
  remarks.set(text, hosts);
}

/** A few names, and how many more there are. */
export function several(names: readonly string[]): string {
  return names.length <= 4
    ? names.join(", ")
    : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
}
