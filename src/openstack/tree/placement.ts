/** The groups of an inventory: their own hosts, and the groups in them. `all` is the root. */
export type Groups = ReadonlyMap<
  string,
  { readonly hosts: readonly string[]; readonly children: readonly string[] }
>;

/** Where a value stands in an inventory. */
export interface Place<T> {
  readonly level: "group" | "host";
  readonly name: string;
  /** `null`: nothing, said explicitly, for a host that would inherit something. */
  readonly value: T | null;
}

interface Found<T> {
  /** By group: what stands there. */
  readonly chosen: Map<string, T>;
  readonly wanted: ReadonlyMap<string, T>;
  /** By host: all groups that it is in. */
  readonly groupsOf: ReadonlyMap<string, ReadonlySet<string>>;
  readonly depths: ReadonlyMap<string, number>;
}

/**
 * Puts each host's value into the inventory, at as few places as an operator would: at the groups that
 * declare what it is made of, then at groups that are of one mind, and else at the host. Ansible takes the
 * value of a host before that of a group, and that of a group before that of one around it; where groups
 * beside each other would disagree, its order depends on priorities that ansible-inventory does not tell, so
 * the host has its own. Source: ansible-core 2.14.18, ansible/vars/manager.py, get_vars();
 * ansible/inventory/helpers.py, sort_groups().
 * @param wanted the values of the hosts that have one; equal values are identical
 * @param hosts all that matter: what others inherit makes no difference
 * @param declared the groups that declare what the values are made of
 */
export function placements<T>(
  groups: Groups,
  hosts: readonly string[],
  wanted: ReadonlyMap<string, T>,
  declared: ReadonlySet<string>,
): Place<T>[] {
  const members = membersOf(groups, hosts);
  const groupsOf = new Map(hosts.map((host) => [host, new Set<string>()]));
  for (const [group, inside] of members) for (const host of inside) groupsOf.get(host)?.add(group);
  const found: Found<T> = { chosen: new Map(), wanted, groupsOf, depths: depthsOf(groups) };

  chooseDeclared(found, hosts, declared);
  // What is left may be alike in groups of hardware: the widest first.
  const candidates = [...members].filter(([name]) => !declared.has(name) && name !== "ungrouped");
  candidates.sort(
    ([one, a], [other, b]) =>
      b.length - a.length || depth(found, one) - depth(found, other) || (one < other ? -1 : 1),
  );
  for (const [group, inside] of candidates) chooseUnanimous(found, group, inside);

  const alone = hosts.filter((host) => !isRight(found, host));
  const places = [...found.chosen].map(([name, value]): Place<T> => ({ level: "group", name, value }));
  return [
    ...places,
    ...alone.map((name): Place<T> => ({ level: "host", name, value: wanted.get(name) ?? null })),
  ];
}

/** At a group that declares something: what most of the hosts want for which it decides. */
function chooseDeclared<T>(found: Found<T>, hosts: readonly string[], declared: ReadonlySet<string>): void {
  const votes = new Map<string, Map<T | undefined, number>>();
  for (const host of hosts) {
    const [decides] = [...(found.groupsOf.get(host) ?? [])]
      .filter((group) => declared.has(group))
      .sort((one, other) => depth(found, other) - depth(found, one) || (one < other ? 1 : -1));
    if (decides === undefined) continue;
    const counts = votes.get(decides) ?? new Map<T | undefined, number>();
    const value = found.wanted.get(host);
    votes.set(decides, counts.set(value, (counts.get(value) ?? 0) + 1));
  }
  for (const [group, counts] of votes) {
    const [most] = [...counts].sort(([, a], [, b]) => b - a);
    if (most?.[0] !== undefined) found.chosen.set(group, most[0]);
  }
}

/** At a group whose hosts all want one thing, if that saves places. */
function chooseUnanimous<T>(found: Found<T>, group: string, inside: readonly string[]): void {
  const [first] = inside;
  const value = first === undefined ? undefined : found.wanted.get(first);
  if (value === undefined || found.chosen.has(group)) return;
  if (inside.some((host) => found.wanted.get(host) !== value)) return;
  const before = inside.filter((host) => !isRight(found, host)).length;
  if (before < 2) return;
  found.chosen.set(group, value);
  if (before - inside.filter((host) => !isRight(found, host)).length < 2) found.chosen.delete(group);
}

/** Whether the groups alone give a host its value, whatever their priorities are. */
function isRight<T>(found: Found<T>, host: string): boolean {
  const above = [...(found.groupsOf.get(host) ?? [])].filter((group) => found.chosen.has(group));
  const deepest = Math.max(...above.map((group) => depth(found, group)));
  const decide = above.filter((group) => depth(found, group) === deepest);
  const value = found.wanted.get(host);
  return decide.length === 0
    ? value === undefined
    : decide.every((group) => found.chosen.get(group) === value);
}

function depth<T>({ depths }: Found<T>, group: string): number {
  return depths.get(group) ?? 0;
}

/** Those of these hosts that are in each group, or in a group in it. */
export function membersOf(groups: Groups, hosts: readonly string[]): Map<string, string[]> {
  const known = new Map<string, Set<string>>();
  const collect = (name: string, above: ReadonlySet<string>): Set<string> => {
    const done = known.get(name);
    if (done !== undefined) return done;
    const { hosts: own = [], children = [] } = groups.get(name) ?? {};
    const all = new Set(own);
    const inside = new Set([...above, name]);
    for (const child of children)
      if (!inside.has(child)) for (const host of collect(child, inside)) all.add(host);
    known.set(name, all);
    return all;
  };
  for (const name of groups.keys()) collect(name, new Set());
  known.set("all", new Set(hosts));
  return new Map([...known].map(([name, all]) => [name, hosts.filter((host) => all.has(host))]));
}

/**
 * How far each group is from `all`, by the longest way. Source: ansible/inventory/group.py,
 * add_child_group().
 */
function depthsOf(groups: Groups): Map<string, number> {
  const depths = new Map<string, number>();
  const visit = (name: string, at: number, above: ReadonlySet<string>): void => {
    if ((depths.get(name) ?? -1) >= at || above.has(name)) return;
    depths.set(name, at);
    const inside = new Set([...above, name]);
    for (const child of groups.get(name)?.children ?? []) visit(child, at + 1, inside);
  };
  visit("all", 0, new Set());
  for (const name of groups.keys()) if (!depths.has(name)) visit(name, 1, new Set());
  return depths;
}
