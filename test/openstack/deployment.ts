import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import type { Release } from "../../src/openstack/releases.ts";
import { askAnew, without } from "./python.ts";

/** What to make the final files of: a Kayobe configuration (etc/kayobe), or /etc/kolla with an inventory. */
export type DeploymentRequest = { readonly config: string; readonly release: Release } & (
  | { readonly kind: "kayobe"; readonly environment?: string }
  | { readonly kind: "kolla"; readonly inventory: string }
);

/** The final files, as the services read them. */
export interface Deployment {
  /**
   * Host, then service and file: `nova-compute/nova.conf`, `neutron-sriov-agent/sriov_agent.ini`,
   * `neutron-server/ml2_conf.ini`...
   */
  readonly hosts: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What Kolla-Ansible does to Open vSwitch of a host, from Yoga on. */
  readonly switches: Readonly<Record<string, { readonly openvswitch_hw_offload: boolean }>>;
  /** The run ended with this. */
  readonly refused?: string;
}

/** Why nothing can be deployed here, for the skip option of a test. */
export const withoutDeployment: string | false =
  without("ansible.template", "ansible-core") || without("oslo_config.iniparser", "python3-oslo.config");

/** What Kayobe and Kolla-Ansible make of trees; see deployment.py. */
export async function deploy(requests: readonly DeploymentRequest[]): Promise<Deployment[]> {
  return (await askAnew("deployment.py", requests)) as Deployment[];
}

/** Writes files below a new folder, which is removed after the tests of a file. */
export function treeOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "vflag-tree-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}
