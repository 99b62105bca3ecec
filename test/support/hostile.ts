import { observeWorld } from "../../src/host/simulated/host.ts";
import { HostState } from "../../src/host/state/state.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { booted, fresh, spec, vfLagSpec } from "./hosts.ts";

/** What runs where a name is taken for markup: it changes the title, and asks the network for something. */
export function canary(text: string): string {
  return `${text}"'></title></style></pre>--><script>document.title="owned"</script><img src="http://canary.invalid/x" onerror="document.title='owned'">`;
}

/**
 * A host with guests, in whose state every text that can be any text is a canary, with control characters
 * behind it.
 */
export async function hostileState(): Promise<{ readonly spec: Spec; readonly state: HostState }> {
  const wanted = spec(`
version: 1
nics: [{name: data, mode: vf-lag, ports: ["ens3f0", "ens3f1"], vfs: 2, bond: bond0}]
ovs: {}
firmware: {}
kernel: {}
`);
  const world = await booted(vfLagSpec, fresh(), "guest-holds-vf");
  let changed: HostState = observeWorld(world);
  for (const [path, value] of texts(changed, [])) {
    const other = structuredClone(changed);
    put(other, path, `${canary(value)}\x1b[2J\x00\u202e\n`);
    const parsed = HostState.safeParse(other);
    if (parsed.success) changed = parsed.data;
  }
  return { spec: wanted, state: changed };
}

type Path = readonly string[];

function* texts(value: unknown, path: Path): Generator<readonly [Path, string]> {
  if (typeof value === "string" && value !== "") yield [path, value];
  if (typeof value === "object" && value !== null)
    for (const [key, item] of Object.entries(value)) yield* texts(item, [...path, key]);
}

function put(target: object, path: Path, value: string): void {
  const place = path.slice(0, -1).reduce<object>((at, key) => Reflect.get(at, key), target);
  const last = path.at(-1);
  if (last !== undefined) Reflect.set(place, last, value);
}
