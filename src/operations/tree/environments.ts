import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { releaseHas } from "../../openstack/release-facts.ts";
import type { Release } from "../../openstack/releases.ts";
import { DeploymentError } from "../inventory/ansible-inventory.ts";

/**
 * An environment of Kayobe's and those that it depends on, in the order in which they are read: it comes
 * last. Source: kayobe, kayobe/utils.py, EnvironmentFinder; from 15.0.0 (2023.2) on.
 */
export function environmentsOf(config: string, environment: string, release: Release): string[] {
  if (!releaseHas(release, "kayobeDependencies")) return [environment];
  const ordered: string[] = [];
  const visit = (name: string, above: readonly string[]) => {
    if (above.includes(name))
      throw new DeploymentError(
        `--environment ${environment}: its dependencies go in a circle ` +
          `(${[...above, name].join(" -> ")}): break it in .kayobe-environment`,
      );
    if (ordered.includes(name)) return;
    for (const one of dependenciesOf(config, name)) visit(one, [...above, name]);
    ordered.push(name);
  };
  visit(environment, []);
  return ordered;
}

function dependenciesOf(config: string, name: string): string[] {
  const folder = join(config, "environments", name);
  if (!isEnvironmentName(name) || !existsSync(folder))
    throw new DeploymentError(`environment ${name}: there is no ${folder}`);
  const file = join(folder, ".kayobe-environment");
  if (!existsSync(file)) return [];
  const refuse = (why: string, cause?: unknown) => new DeploymentError(`${file}: ${why}`, { cause });
  let data: unknown;
  try {
    data = parse(readFileSync(file, "utf8"), { maxAliasCount: 100, logLevel: "silent" });
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error), error);
  }
  const listed: unknown =
    typeof data === "object" && data !== null ? Reflect.get(data, "dependencies") : undefined;
  if (listed === undefined) return [];
  if (!Array.isArray(listed) || !listed.every((one) => typeof one === "string"))
    throw refuse("dependencies has to be a list of environments' names");
  // Python's sorter takes them as a set, so Kayobe's own order of those that do not depend on each other is
  // any.
  return listed;
}

/** A name that can only be that of a folder. */
export function isEnvironmentName(name: string): boolean {
  return /^[\w.-]+$/.test(name) && !name.startsWith(".");
}
