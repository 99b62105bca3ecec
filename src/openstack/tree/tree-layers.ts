import { releaseHas } from "../release-facts.ts";
import type { TreeFacts } from "./tree.ts";

/** Kinds of files that Kayobe puts together in a way of its own. */
export type LayeredFiles = "variables" | "globals" | "config";

/**
 * The folders in which a file of a tree is looked for, as prefixes of its path. What they have is put
 * together in this order; the last is the one that is written to, so that a write for one environment leaves
 * the others alone.
 *
 * Variables of all layers count in every release. Of Kayobe's Kolla configuration, globals.yml is combined
 * from Xena (11.0.0) on and the rest from 2023.2 (15.0.0) on, unless that is switched off; before, the
 * environment's files count alone. Source: kayobe, kayobe/ansible.py, _get_vars_files();
 * ansible/roles/kolla-ansible/tasks/config.yml, 11.0.0; ansible/kolla-openstack.yml,
 * kolla_openstack_custom_config_paths_extra, 15.0.0 (14.7.0, the last of 2023.1, has none, whatever its
 * documentation says).
 */
export function layersFor(
  files: LayeredFiles,
  facts: Pick<TreeFacts, "kind" | "environment" | "release" | "layering">,
): readonly string[] {
  const { kind, environment, release, layering } = facts;
  if (kind === "kolla" || environment == null) return [""];
  const own = `environments/${environment}/`;
  const combined = {
    variables: true,
    globals: releaseHas(release, "kayobeLayeredGlobals"),
    config: releaseHas(release, "kayobeLayeredConfig") && layering?.merged !== false,
  }[files];
  return combined
    ? ["", ...(layering?.dependencies ?? []).map((name) => `environments/${name}/`), own]
    : [own];
}

/** Kolla-Ansible's custom configuration, below a layer. */
export function configPath(kind: TreeFacts["kind"], name: string): string {
  return kind === "kolla" ? `config/${name}` : `kolla/config/${name}`;
}

/** A file of Kolla-Ansible's custom configuration in each layer; the last is the one that is written to. */
export function configFiles(
  facts: Pick<TreeFacts, "kind" | "environment" | "release" | "layering">,
  name: string,
): string[] {
  return layersFor("config", facts).map((layer) => layer + configPath(facts.kind, name));
}
