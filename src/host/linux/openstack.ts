import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isUnknown, type Observed, unknown } from "../state/observed.ts";
import type { NovaPci, OpenStack, SriovAgent } from "../state/openstack.ts";
import { errnoName, reasonOf } from "./system/refusal.ts";

/**
 * Kolla's files on the host, and the distributions'. Source: kolla-ansible, roles/neutron, roles/nova-cell;
 * Debian's and RDO's packages.
 */
const agentFiles = [
  "/etc/kolla/neutron-sriov-agent/sriov_agent.ini",
  "/etc/neutron/plugins/ml2/sriov_agent.ini",
];
const novaFiles = ["/etc/kolla/nova-compute/nova.conf", "/etc/nova/nova.conf"];

/** What Nova's and Neutron's own configuration on this host says of PFs and VFs. */
export function findOpenStack(filesRoot: string): OpenStack {
  const agent = firstOf(filesRoot, agentFiles);
  const nova = firstOf(filesRoot, novaFiles);
  return {
    sriovAgent:
      agent === null || isUnknown(agent) ? agent : { file: agent.file, mappings: mappingsIn(agent.text) },
    nova: nova === null || isUnknown(nova) ? nova : { file: nova.file, rules: pciRulesIn(nova.text) },
  };
}

function firstOf(root: string, files: readonly string[]): Observed<{ file: string; text: string } | null> {
  for (const file of files) {
    try {
      return { file, text: readFileSync(join(root, file), "utf8") };
    } catch (error) {
      if (errnoName(error) !== "ENOENT" && errnoName(error) !== "ENOTDIR") return unknown(reasonOf(error));
    }
  }
  return null;
}

/**
 * `physical_device_mappings = physnet2:ens3f0,physnet2:ens3f1`. Source: neutron
 * conf/plugins/ml2/drivers/mech_sriov/agent_common.py.
 */
export function mappingsIn(text: string): SriovAgent["mappings"] {
  return (valuesOf(text, "sriov_nic", "physical_device_mappings").at(-1) ?? "").split(",").flatMap((pair) => {
    const [physnet = "", device = ""] = pair.split(":", 2).map((word) => word.trim());
    return physnet === "" || device === "" ? [] : [{ physnet, device }];
  });
}

/** Under the option's name of today and those of before (Zed and Ocata). Source: nova conf/pci.py. */
export function pciRulesIn(text: string): NovaPci["rules"] {
  return [
    ...valuesOf(text, "pci", "device_spec"),
    ...valuesOf(text, "pci", "passthrough_whitelist"),
    ...valuesOf(text, "DEFAULT", "pci_passthrough_whitelist"),
  ];
}

/**
 * The values of an option, which may stand there several times. Source: oslo.config, iniparser.py (lines that
 * begin with a blank go on).
 */
function valuesOf(text: string, section: string, option: string): string[] {
  const values: string[] = [];
  let within = "";
  let open = false;
  for (const line of text.split("\n")) {
    if (/^\s*$/.test(line)) open = false;
    else if (/^[#;]/.test(line)) continue;
    else if (/^\s/.test(line) && open) values.push(`${values.pop() ?? ""}\n${line.trim()}`);
    else {
      const heading = /^\[(.+?)\]/.exec(line)?.[1];
      if (heading !== undefined) within = heading;
      const [, name = "", value = ""] = /^([^=:\s]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
      open = heading === undefined && within === section && name === option;
      if (open) values.push(value);
    }
  }
  return values.filter((value) => value !== "");
}
