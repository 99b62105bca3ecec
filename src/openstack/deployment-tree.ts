import { isFrom } from "./releases.ts";
import type { TreeFacts, TreeFile, TreeLink } from "./tree.ts";
import { laterNovaConf, treeMl2Conf, treeNovaConf, treeSriovAgent } from "./tree-conf.ts";
import { playbookPath, vflagPlaybook } from "./tree-playbook.ts";
import { kayobeKollaYml, kayobeNeutronYml, kollaGlobalsYml } from "./tree-yaml.ts";

/**
 * The files of a tree, in the order in which they are shown: those that people write too. What each host gets stands in inventory
 * variables (`treeVariables`), which these files read.
 */
export function treeFiles(facts: TreeFacts): readonly TreeFile[] {
  const file = (path: string, make: (before: string | null, facts: TreeFacts) => TreeFileOutcome): TreeFile => {
    return { path, make: (before) => make(before, facts) };
  };
  const kayobe = facts.kind === "kayobe";
  const config = kayobe ? "kolla/config" : "config";
  return [
    ...(kayobe ? [file("kolla.yml", kayobeKollaYml), file("neutron.yml", kayobeNeutronYml)] : []),
    file(kayobe ? "kolla/globals.yml" : "globals.yml", kollaGlobalsYml),
    file(`${config}/nova.conf`, treeNovaConf),
    file(`${config}/nova/nova-compute.conf`, laterNovaConf),
    file(`${config}/neutron/sriov_agent.ini`, treeSriovAgent),
    file(`${config}/neutron/ml2_conf.ini`, treeMl2Conf),
    ...(kayobe ? [file(playbookPath, vflagPlaybook)] : []),
  ];
}

type TreeFileOutcome = ReturnType<TreeFile["make"]>;

/**
 * The links of a tree: the hook that runs the playbook after `kayobe overcloud host configure`.
 * Source: kayobe, doc/source/custom-ansible-playbooks.rst, Hooks; from Ussuri (8.0.0) on.
 */
export function treeLinks(facts: TreeFacts): readonly TreeLink[] {
  if (facts.kind !== "kayobe" || facts.groups.length === 0 || !isFrom(facts.release, "ussuri")) return [];
  return [{ path: "hooks/overcloud-host-configure/post.d/50-vflag.yml", target: `../../../${playbookPath}` }];
}
