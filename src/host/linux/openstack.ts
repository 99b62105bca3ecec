import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isUnknown, type Observed, unknown } from "../observed.ts";
import type { DeviceSpec, NovaPci, OpenStack, SriovAgent } from "../openstack.ts";
import { errnoName, reasonOf } from "./refusal.ts";

/** Kolla's files on the host, and the distributions'. Source: kolla-ansible, roles/neutron, roles/nova-cell; Debian's and RDO's packages. */
const agentFiles = ["/etc/kolla/neutron-sriov-agent/sriov_agent.ini", "/etc/neutron/plugins/ml2/sriov_agent.ini"];
const novaFiles = ["/etc/kolla/nova-compute/nova.conf", "/etc/nova/nova.conf"];

/** What Nova's and Neutron's own configuration on this host says of PFs and VFs. */
export function findOpenStack(filesRoot: string): OpenStack {
  const agent = firstOf(filesRoot, agentFiles);
  const nova = firstOf(filesRoot, novaFiles);
  return {
    sriovAgent: agent === null || isUnknown(agent) ? agent : { file: agent.file, mappings: mappingsIn(agent.text) },
    nova: nova === null || isUnknown(nova) ? nova : { file: nova.file, specs: deviceSpecsIn(nova.text) },
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

/** `physical_device_mappings = physnet2:ens3f0,physnet2:ens3f1`. Source: neutron conf/plugins/ml2/drivers/mech_sriov/agent_common.py. */
export function mappingsIn(text: string): SriovAgent["mappings"] {
  return (valuesOf(text, "sriov_nic", "physical_device_mappings").at(-1) ?? "").split(",").flatMap((pair) => {
    const [physnet = "", device = ""] = pair.split(":", 2).map((word) => word.trim());
    return physnet === "" || device === "" ? [] : [{ physnet, device }];
  });
}

/**
 * All entries, under the option's name of today and those of before (Zed and Ocata): each is a JSON object, or a list of them.
 * Source: nova conf/pci.py; nova pci/whitelist.py, pci/devspec.py.
 */
export function deviceSpecsIn(text: string): NovaPci["specs"] {
  const values = [
    ...valuesOf(text, "pci", "device_spec"),
    ...valuesOf(text, "pci", "passthrough_whitelist"),
    ...valuesOf(text, "DEFAULT", "pci_passthrough_whitelist"),
  ];
  return values.flatMap((value) => {
    try {
      const parsed: unknown = JSON.parse(value);
      return (Array.isArray(parsed) ? parsed : [parsed]).map(specOf);
    } catch {
      return [notUnderstood];
    }
  });
}

const notUnderstood: DeviceSpec = { devname: null, address: null, vendor: null, product: null, understood: false };

function specOf(entry: unknown): DeviceSpec {
  if (typeof entry !== "object" || entry === null) return notUnderstood;
  const fields: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(entry));
  const text = (name: string) => (typeof fields[name] === "string" ? fields[name] : null);
  const hex = (name: string) => text(name)?.toLowerCase().replace(/^0x/, "") ?? null;
  const physnet = fields["physical_network"];
  const named = ["devname", "address", "vendor_id", "product_id"].every(
    (name) => fields[name] === undefined || typeof fields[name] === "string",
  );
  return {
    ...{ devname: text("devname"), address: text("address")?.toLowerCase() ?? null, vendor: hex("vendor_id"), product: hex("product_id") },
    ...(physnet === undefined ? {} : { physnet: typeof physnet === "string" ? physnet : null }),
    // An address may also be an object of regular expressions, as Nova's own language has them.
    understood: named,
  };
}

/** The values of an option, which may stand there several times. Source: oslo.config, iniparser.py (lines that begin with a blank go on). */
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
