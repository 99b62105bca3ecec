import type { Outcome } from "../outcome.ts";
import { releaseHas } from "../release-facts.ts";
import type { ReadTree, TreeFacts, TreeFile, TreeLink, TreeWhere } from "./tree.ts";
import { laterNovaConf, treeMl2Conf, treeNovaConf, treeSriovAgent } from "./tree-conf.ts";
import { treeGlobalConf, treeSchedulerConf } from "./tree-filters.ts";
import { configFiles, layersFor } from "./tree-layers.ts";
import { playbookOf, playbookPath, vflagPlaybook } from "./tree-playbook.ts";
import { globalsFiles, variablesFiles } from "./tree-yaml.ts";

/**
 * The files of a tree, in the order in which they are shown: those that people write too. What each host gets
 * stands in inventory variables (`treeVariables`), which these files read.
 */
export function treeFiles(facts: TreeFacts): readonly TreeFile[] {
  return [
    ...variablesFiles(facts),
    ...globalsFiles(facts),
    ...services.flatMap(([name, maker]) => layered(facts, name, maker, "whole")),
    ...(facts.kind === "kayobe"
      ? [{ path: playbookOf(facts), make: (before: string | null) => vflagPlaybook(before, facts) }]
      : []),
  ];
}

/**
 * The files of single hosts, which Kolla-Ansible takes after those of all: what they set too has to say the
 * same. None is made. Source: kolla-ansible, ansible/roles/nova-cell/tasks/config.yml (nova-compute.conf of a
 * host from 17.0.0, 2023.2, on) and ansible/roles/neutron/tasks/config.yml.
 * @param hosts those that have a folder of their own
 */
export function hostFiles(facts: TreeFacts, hosts: readonly string[]): readonly TreeFile[] {
  const makers: readonly (readonly [service: string, name: string, maker: Maker])[] = [
    ["nova", "nova.conf", treeNovaConf],
    ...(releaseHas(facts.release, "kollaHostNovaCompute")
      ? ([["nova", "nova-compute.conf", laterNovaConf]] as const)
      : []),
    ["neutron", "sriov_agent.ini", treeSriovAgent],
    ["neutron", "ml2_conf.ini", treeMl2Conf],
  ];
  return hosts.flatMap((host) =>
    makers.flatMap(([service, name, maker]) =>
      layered(facts, `${service}/${host}/${name}`, maker, "present"),
    ),
  );
}

type Maker = (before: string | null, facts: TreeFacts, where: TreeWhere) => Outcome;

const nothing: ReadTree = () => null;

const services: readonly (readonly [name: string, maker: Maker])[] = [
  ["global.conf", treeGlobalConf],
  ["nova.conf", treeNovaConf],
  ["nova/nova-scheduler.conf", treeSchedulerConf],
  ["nova/nova-compute.conf", laterNovaConf],
  ["neutron/sriov_agent.ini", treeSriovAgent],
  ["neutron/ml2_conf.ini", treeMl2Conf],
];

/**
 * A file of Kolla's configuration in each layer; all but the last are shared with other environments, and
 * only looked at.
 */
function layered(facts: TreeFacts, name: string, maker: Maker, scope: "whole" | "present"): TreeFile[] {
  const paths = configFiles(facts, name);
  return paths.map((path, index) => ({
    path,
    make: (before, read = nothing) => {
      const earlier = paths.slice(0, index).flatMap((one) => read(one) ?? []);
      return maker(before, facts, { scope: index < paths.length - 1 ? "shared" : scope, earlier, read });
    },
  }));
}

/**
 * The links of a tree: the hook that runs the playbook after `kayobe overcloud host configure`. Hooks of an
 * environment are there from
 * 2024.1 on; before, a hook is all environments', so that it takes leave.
 * Source: kayobe, doc/source/custom-ansible-playbooks.rst, Hooks, from Ussuri (8.0.0) on;
 * kayobe/cli/commands.py, HookDispatcher, 16.0.0.
 */
export function treeLinks(facts: TreeFacts): readonly TreeLink[] {
  if (facts.kind !== "kayobe" || facts.groups.length === 0 || !releaseHas(facts.release, "kayobeHooks"))
    return [];
  const hook = "hooks/overcloud-host-configure/post.d/50-vflag.yml";
  const own = layersFor("variables", facts).at(-1) ?? "";
  if (own === "" || releaseHas(facts.release, "kayobeEnvironmentHooks"))
    return [{ path: own + hook, target: `../../../${playbookPath}` }];
  return facts.shared === true ? [{ path: hook, target: `../../../${own}${playbookPath}` }] : [];
}
