import type { NicSpec } from "../spec/schema.ts";
import type { Outcome } from "./outcome.ts";
import type { Release } from "./releases.ts";

/** What the files of a configuration tree are made of, whatever the hosts are: the hosts' own values are inventory variables. */
export interface TreeFacts {
  readonly release: Release;
  /** `kayobe`: etc/kayobe of a kayobe-config, whose files are templates twice; `kolla`: /etc/kolla, whose files are once. */
  readonly kind: "kayobe" | "kolla";
  /** Whether a NIC of some host is in mode sriov, with a physnet. */
  readonly sriov: boolean;
  /** Whether a NIC of some host is in mode switchdev or vf-lag. */
  readonly offload: boolean;
  /** All NICs of all hosts that differ; what is said of a mode names them. */
  readonly nics: readonly NicSpec[];
  /** Kayobe's environment that the hosts are of; without one, the files that all have in common are all that there is. */
  readonly environment?: string | null;
  /** The inventory's groups (or hosts) that have a spec, which the playbook is for; none where only `sriov_physnet_mappings` is used. */
  readonly groups: readonly string[];
}

/** One file of the tree that people write too. */
export interface TreeFile {
  /** Below the tree's directory, with slashes. */
  readonly path: string;
  /**
   * Makes of the file what it shall be.
   * @param before `null`: there is no such file. An empty text in return means that none is needed.
   */
  readonly make: (before: string | null) => Outcome;
}

/**
 * How much of a file is vflag's to say. `whole`: all that is needed. `present`: another file says it, and this one comes after it, as an
 * environment's: what it sets too has to say the same.
 */
export type TreeScope = "whole" | "present";

/** A symbolic link of the tree. */
export interface TreeLink {
  readonly path: string;
  /** Relative to the link's own directory. */
  readonly target: string;
}

/** The names of the inventory variables that the tree's templates read, on each host. */
export const treeVariables = {
  /** A list of objects, Nova's PCI rules. */
  rules: "vflag_pci_passthrough_whitelist",
  /** A list of strings, physnet:device. */
  mappings: "vflag_sriov_physical_device_mappings",
  /** A list of objects that operators give themselves; it comes after vflag's own. */
  moreRules: "vflag_pci_passthrough_whitelist_extra",
} as const;
