import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Groups, Place } from "../../../src/openstack/tree/placement.ts";

/** What tells which value Ansible gives to a host. */
export interface PrecedenceInventory {
  readonly groups: Groups;
  readonly priorities: ReadonlyMap<string, number>;
  readonly hosts: readonly string[];
}

/**
 * Ansible's precedence, written down anew: the host's own, or that of the last of its groups by depth,
 * priority and name. Source: ansible-core 2.14.18, ansible/vars/manager.py and ansible/inventory/helpers.py,
 * sort_groups().
 */
export function effective(
  { groups, priorities }: PrecedenceInventory,
  places: readonly Place<string>[],
  host: string,
): string | null | undefined {
  const own = places.find(({ level, name }) => level === "host" && name === host);
  if (own !== undefined) return own.value;
  const parents = (name: string) =>
    [...groups].filter(([, { children }]) => children.includes(name)).map(([parent]) => parent);
  const depth = (name: string): number =>
    name === "all" ? 0 : Math.max(1, ...parents(name).map((parent) => depth(parent) + 1));
  const above = new Set<string>(["all"]);
  const climb = (name: string): void => {
    above.add(name);
    for (const parent of parents(name)) climb(parent);
  };
  for (const [name, group] of groups) if (group.hosts.includes(host)) climb(name);
  const priority = (name: string) => priorities.get(name) ?? 1;
  const sorted = [...above].sort(
    (a, b) => depth(a) - depth(b) || priority(a) - priority(b) || (a < b ? -1 : 1),
  );
  return sorted
    .flatMap((name) => places.filter((place) => place.level === "group" && place.name === name))
    .at(-1)?.value;
}

/** The same by ansible-inventory, with an inventory and files of variables on the disk. */
export function throughAnsible(
  inventory: PrecedenceInventory,
  places: readonly Place<string>[],
): Map<string, string | null> {
  const folder = mkdtempSync(join(tmpdir(), "vflag-precedence-"));
  try {
    // JSON is YAML.
    writeFileSync(join(folder, "hosts.yml"), JSON.stringify({ all: entryOf(inventory, "all") }));
    for (const { level, name, value } of places) {
      mkdirSync(join(folder, `${level}_vars`, name), { recursive: true });
      writeFileSync(join(folder, `${level}_vars`, name, "value.yml"), JSON.stringify({ value }));
    }
    const options = {
      encoding: "utf8",
      timeout: 60_000,
      env: { ...process.env, LC_ALL: "C.UTF-8" },
    } as const;
    const { stdout, stderr, status } = spawnSync("ansible-inventory", ["-i", folder, "--list"], options);
    if (status !== 0) throw new Error(stderr);
    const answer: { _meta: { hostvars: Record<string, { value?: string | null }> } } = JSON.parse(stdout);
    return new Map(
      inventory.hosts.flatMap((host) => {
        const value = answer._meta.hostvars[host]?.value;
        return value === undefined ? [] : [[host, value] as const];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function entryOf(inventory: PrecedenceInventory, name: string): unknown {
  const { hosts = [], children = [] } = inventory.groups.get(name) ?? {};
  const priority = inventory.priorities.get(name);
  return {
    hosts: Object.fromEntries(hosts.map((host) => [host, {}])),
    children: Object.fromEntries(children.map((child) => [child, entryOf(inventory, child)])),
    ...(priority === undefined ? {} : { vars: { ansible_group_priority: priority } }),
  };
}
