import type { TreeFacts, TreeFile, TreeLink } from "./tree.ts";

/** The files of a tree, in the order in which they are shown. */
export function treeFiles(facts: TreeFacts): readonly TreeFile[] {
  void facts;
  return [];
}

/** The links of a tree. */
export function treeLinks(facts: TreeFacts): readonly TreeLink[] {
  void facts;
  return [];
}
