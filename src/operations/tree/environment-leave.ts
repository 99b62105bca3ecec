import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { releaseHas } from "../../openstack/release-facts.ts";
import { configPath } from "../../openstack/tree/tree-layers.ts";
import { type PlanDraft, several } from "./tree-plan.ts";
import { layersOf, readText } from "./tree-sources.ts";

/** The environments of a tree of Kayobe's. */
export function environmentsIn(config: string): string[] {
  const folder = join(config, "environments");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(
      (name) =>
        !name.startsWith(".") &&
        statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory() === true,
    )
    .sort();
}

/** Without an environment's name, files change that all environments share. */
export function tellOfEnvironments(plan: PlanDraft): void {
  const { kind, environment, config } = plan.request;
  const names = kind === "kayobe" && environment === null ? environmentsIn(config) : [];
  if (names.length > 0)
    plan.note(
      `these files are read in the environments ${several(names)} too; with --environment only that one's ` +
        `files are written`,
    );
}

/** Up to 2023.2 a hook is all environments': without leave none is made. */
export function tellOfHook(plan: PlanDraft): void {
  const { kind, environment, shared, release, config } = plan.request;
  if (
    kind !== "kayobe" ||
    environment === null ||
    shared === true ||
    releaseHas(release, "kayobeEnvironmentHooks") ||
    !releaseHas(release, "kayobeHooks")
  )
    return;
  const others = environmentsIn(config).filter((name) => name !== environment);
  const whom = others.length === 0 ? "" : `, ${several(others)} too`;
  plan.note(
    `no hook is made: before 2024.1 hooks run in all environments${whom}; run the playbook by hand after ` +
      "`kayobe overcloud host configure` (kayobe playbook run " +
      `$KAYOBE_CONFIG_PATH/environments/${environment}/ansible/vflag.yml), or give leave with --shared`,
  );
}

/**
 * From 2025.2 on Kayobe puts nothing between the files of layers, and takes the line breaks off their ends:
 * the first line of the later one becomes the end of the last line before it. Source: kayobe,
 * ansible/roles/kolla-openstack/tasks/config.yml, strategy concat, 19.0.0.
 * @param path a file that is written
 * @param text as it will be
 */
export function checkSeam(plan: PlanDraft, path: string, text: string): void {
  const { kind, config, release, environment } = plan.request;
  if (kind !== "kayobe" || !releaseHas(release, "kayobeConcatenates") || text === "") return;
  const layers =
    environment === null
      ? [config, ...environmentsIn(config).map((name) => join(config, "environments", name))]
      : layersOf(plan.request);
  const layer = layers.findLast((one) => path.startsWith(`${one}/`)) ?? config;
  const below = path.slice(layer.length + 1);
  if (!below.startsWith(configPath(kind, ""))) return;
  const textIn = (one: string) => (one === layer ? text : readText(join(one, below)));
  const texts = layers
    .map((one) => [one, textIn(one)] as const)
    .filter(([, one]) => one !== null && one.trim() !== "");
  for (const [at, [one, later]] of texts.entries()) {
    const [earlier] = texts[environment === null ? 0 : at - 1] ?? [];
    if (at === 0 || later === null || /^\s*\n/.test(later)) continue;
    plan.conflict({
      name: plan.name(join(one, below)),
      line: 1,
      there: later.split("\n", 1)[0] ?? "",
      wanted: "an empty first line",
      why:
        `Kayobe of ${release} puts this file right behind ${plan.name(join(earlier ?? config, below))}, so ` +
        "that the last line there and the first one here become one",
    });
  }
}
