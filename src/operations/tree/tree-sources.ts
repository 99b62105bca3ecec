import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DeploymentError } from "../inventory/ansible-inventory.ts";
import { environmentsOf, isEnvironmentName } from "./environments.ts";
import type { TreeRequest } from "./tree-plan.ts";
import type { VariableFile } from "./variable-files.ts";

/** What `-i` names, in the order of Kayobe. Source: kayobe, kayobe/ansible.py, _get_inventories_paths(). */
export function inventorySources(request: TreeRequest): string[] {
  const { kind, config, environment, inventory } = request;
  if (inventory !== null) {
    if (!existsSync(inventory))
      throw new DeploymentError(`--inventory ${inventory}: no such file or directory`);
    return [inventory];
  }
  if (kind === "kolla") throw new DeploymentError("name the inventory with --inventory");
  const shared = join(config, "inventory");
  if (environment === null) {
    if (!existsSync(shared))
      throw new DeploymentError(
        `${shared}: no such directory; --config has to name a Kayobe configuration (etc/kayobe)`,
      );
    return [shared];
  }
  const folder = join(config, "environments", environment);
  if (!isEnvironmentName(environment) || !existsSync(folder))
    throw new DeploymentError(`--environment ${environment}: there is no ${folder}`);
  const sources = layersOf(request)
    .map((layer) => join(layer, "inventory"))
    .filter((path) => existsSync(path));
  if (!existsSync(join(folder, "inventory")))
    throw new DeploymentError(
      `${join(folder, "inventory")}: no such directory; the environment's values are written there`,
    );
  return sources;
}

/**
 * The folders whose files are put together: the tree's own, the environments that others depend on, and the
 * environment itself.
 */
export function layersOf({
  config,
  environment,
  release,
}: Pick<TreeRequest, "config" | "environment" | "release">): string[] {
  if (environment === null) return [config];
  return [
    config,
    ...environmentsOf(config, environment, release).map((name) => join(config, "environments", name)),
  ];
}

/** The directory beside an inventory's source, where its group_vars and host_vars are. */
export function folderOf(source: string): string {
  return statSync(source).isDirectory() ? source : dirname(source);
}

/**
 * The files whose variables beat the inventory's. Source: kayobe, kayobe/ansible.py, _get_vars_files();
 * kolla-ansible, kolla_ansible/ansible.py, _get_vars_files(): globals.yml and globals.d.
 */
export function extraFiles(request: TreeRequest): VariableFile[] {
  const { kind, config } = request;
  const folders = layersOf(request);
  const paths =
    kind === "kayobe"
      ? folders.flatMap((folder) => glob(folder, /\.(?:ya?ml|json)$/))
      : [join(config, "globals.yml"), ...glob(join(config, "globals.d"), /\.(?:ya?ml|json)$/)].filter(
          (path) => existsSync(path),
        );
  return paths.map((path) => ({ path, level: { kind: "extra" }, text: readFileSync(path, "utf8") }));
}

function glob(folder: string, pattern: RegExp): string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

/** A file's text with every byte in it; `null` where there is no such file. */
export function readText(path: string): string | null {
  if (!existsSync(path)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch (error) {
    throw new DeploymentError(`${path} is not UTF-8: it was left as it is`, { cause: error });
  }
}
