import type { NicSpec } from "../../spec/schema.ts";
import type { FilterBase } from "../nova/nova-filters.ts";
import type { Outcome } from "../outcome.ts";
import type { Release } from "../releases.ts";

/**
 * What the files of a configuration tree are made of, whatever the hosts are: the hosts' own values are
 * inventory variables.
 */
export interface TreeFacts {
  readonly release: Release;
  /**
   * `kayobe`: etc/kayobe of a kayobe-config, whose files are templates twice; `kolla`: /etc/kolla, whose
   * files are once.
   */
  readonly kind: "kayobe" | "kolla";
  /** Whether a NIC of some host is in mode sriov, with a physnet. */
  readonly sriov: boolean;
  /** Whether a NIC of some host is in mode switchdev or vf-lag. */
  readonly offload: boolean;
  /** All NICs of all hosts that differ; what is said of a mode names them. */
  readonly nics: readonly NicSpec[];
  /**
   * Kayobe's environment that the hosts are of; without one, the files that all have in common are all that
   * there is.
   */
  readonly environment?: string | null;
  /**
   * The inventory's groups (or hosts) that have a spec, which the playbook is for; none where only
   * `sriov_physnet_mappings` is used.
   */
  readonly groups: readonly string[];
  /** What Kolla-Ansible's own variables decide; without it, nothing but its defaults. */
  readonly kolla?: KollaFacts;
  /**
   * What is put together for the environment; without it, its own files with those that all have in common.
   */
  readonly layering?: Layering;
  /** Whether the operator has given leave to change what environments share. */
  readonly shared?: boolean;
  /**
   * The files of variables that beat the inventory, in the order in which they are read; without it, only
   * those that vflag writes.
   */
  readonly variableFiles?: readonly string[];
  /** Variables that vflag may write where they would hide the inventory's. */
  readonly hidden?: readonly HiddenSetting[];
}

/** How Kayobe puts an environment together. */
export interface Layering {
  /** The environments that it depends on, in the order in which they are read. */
  readonly dependencies: readonly string[];
  /** Whether its files of Kolla's configuration are combined with those that are shared. */
  readonly merged: boolean;
}

/** A variable of the inventory, which an extra variable of that name hides. */
export interface HiddenSetting {
  readonly key: string;
  readonly value: unknown;
  readonly place: string;
}

/**
 * What variables of Kolla-Ansible's or Kayobe's decide of the files, beside what the files say themselves.
 */
export interface KollaFacts {
  /**
   * The scheduler's filters that Kolla's own nova.conf enables, or text in a variable; `null`: none, so that
   * Nova's own list counts.
   */
  readonly filters: FilterBase | null;
  /** Whether these come after global.conf: text that Kayobe puts in front of nova.conf. */
  readonly filtersAfterGlobal: boolean;
  /** Whether somebody means sriovnet1, the network of Kolla's own made-up mapping. */
  readonly keepsPlaceholder: boolean;
}

/** Reads another file of the tree, below its directory; `null`: there is no such file. */
export type ReadTree = (path: string) => string | null;

/** One file of the tree that people write too. */
export interface TreeFile {
  /** Below the tree's directory, with slashes. */
  readonly path: string;
  /**
   * Makes of the file what it shall be.
   * @param before `null`: there is no such file. An empty text in return means that none is needed.
   * @param read for what other files of the tree decide
   */
  readonly make: (before: string | null, read?: ReadTree) => Outcome;
}

/**
 * How much of a file is vflag's to say. `whole`: all that is needed. `present`: another file says it, and
 * this one comes after it, as that of one host: what it sets too has to say the same. `shared`: it comes
 * before, and is other environments' too: it is only looked at.
 */
export type TreeScope = "whole" | "present" | "shared";

/** Where a file stands among those that are put together with it. */
export interface TreeWhere {
  readonly scope: TreeScope;
  /** The texts of the same file in the layers before it. */
  readonly earlier: readonly string[];
  readonly read: ReadTree;
}

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
