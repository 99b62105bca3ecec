import type { Outcome } from "./outcome.ts";
import { isFrom } from "./releases.ts";
import type { TreeFacts, TreeFile, TreeLink, TreeScope } from "./tree.ts";
import { laterNovaConf, treeMl2Conf, treeNovaConf, treeSriovAgent } from "./tree-conf.ts";
import { playbookPath, vflagPlaybook } from "./tree-playbook.ts";
import { kayobeKollaYml, kayobeNeutronYml, kollaGlobalsYml } from "./tree-yaml.ts";

/**
 * The files of a tree, in the order in which they are shown: those that people write too. What each host gets stands in inventory
 * variables (`treeVariables`), which these files read.
 *
 * An environment of Kayobe's has files of its own. Its variables come after those that all environments have in common. Of its Kolla
 * configuration, globals.yml is combined with the common one from Xena on, and the rest from 2023.1 on; before, the environment's
 * counts alone. Source: kayobe, doc/source/multiple-environments.rst, Kolla Configuration.
 */
export function treeFiles(facts: TreeFacts): readonly TreeFile[] {
  const make = (path: string, maker: Maker, scope: TreeScope): TreeFile => ({ path, make: (before) => maker(before, facts, scope) });
  if (facts.kind === "kolla") {
    return [make("globals.yml", kollaGlobalsYml, "whole"), ...services.map(([path, maker]) => make(`config/${path}`, maker, "whole"))];
  }
  const own = facts.environment == null ? null : `environments/${facts.environment}/`;
  /** @param combined whether the common file and the environment's are put together, or the environment's counts alone */
  const both = (path: string, maker: Maker, combined: boolean): TreeFile[] => {
    if (own === null) return [make(path, maker, "whole")];
    return combined ? [make(path, maker, "whole"), make(own + path, maker, "present")] : [make(own + path, maker, "whole")];
  };
  return [
    ...both("kolla.yml", kayobeKollaYml, true),
    ...both("neutron.yml", kayobeNeutronYml, true),
    ...both("kolla/globals.yml", kollaGlobalsYml, isFrom(facts.release, "xena")),
    ...services.flatMap(([path, maker]) => both(`kolla/config/${path}`, maker, isFrom(facts.release, "2023.1"))),
    make(playbookPath, vflagPlaybook, "whole"),
  ];
}

/**
 * The files of single hosts, which Kolla-Ansible takes after those of all: what they set too has to say the same. None is made.
 * Source: kolla-ansible, ansible/roles/nova-cell/tasks/config.yml and ansible/roles/neutron/tasks/config.yml.
 * @param hosts those that have a folder of their own
 */
export function hostFiles(facts: TreeFacts, hosts: readonly string[]): readonly TreeFile[] {
  const config = facts.kind === "kolla" ? "config/" : "kolla/config/";
  const own = facts.environment == null ? null : `environments/${facts.environment}/${config}`;
  const folders = own === null ? [config] : isFrom(facts.release, "2023.1") ? [config, own] : [own];
  const makers: readonly (readonly [service: string, name: string, maker: Maker])[] = [
    ["nova", "nova.conf", treeNovaConf],
    ...(isFrom(facts.release, "2024.1") ? ([["nova", "nova-compute.conf", laterNovaConf]] as const) : []),
    ["neutron", "sriov_agent.ini", treeSriovAgent],
    ["neutron", "ml2_conf.ini", treeMl2Conf],
  ];
  return folders.flatMap((folder) =>
    hosts.flatMap((host) =>
      makers.map(([service, name, maker]) => ({
        path: `${folder}${service}/${host}/${name}`,
        make: (before: string | null) => maker(before, facts, "present"),
      })),
    ),
  );
}

type Maker = (before: string | null, facts: TreeFacts, scope: TreeScope) => Outcome;

const services: readonly (readonly [path: string, maker: Maker])[] = [
  ["nova.conf", treeNovaConf],
  ["nova/nova-compute.conf", laterNovaConf],
  ["neutron/sriov_agent.ini", treeSriovAgent],
  ["neutron/ml2_conf.ini", treeMl2Conf],
];

/**
 * The links of a tree: the hook that runs the playbook after `kayobe overcloud host configure`.
 * Source: kayobe, doc/source/custom-ansible-playbooks.rst, Hooks; from Ussuri (8.0.0) on.
 */
export function treeLinks(facts: TreeFacts): readonly TreeLink[] {
  if (facts.kind !== "kayobe" || facts.groups.length === 0 || !isFrom(facts.release, "ussuri")) return [];
  return [{ path: "hooks/overcloud-host-configure/post.d/50-vflag.yml", target: `../../../${playbookPath}` }];
}
