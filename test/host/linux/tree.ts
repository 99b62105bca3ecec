import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A directory as data: a string is a file's text, `-> target` a link, an object a directory. Names may have
 * slashes.
 */
export interface Tree {
  readonly [name: string]: string | Tree;
}

/** Makes a tree in a directory of its own, which is removed after the test. Returns its path. */
export function makeTree(test: { after(clean: () => void): void }, tree: Tree): string {
  const root = mkdtempSync(join(tmpdir(), "vflag-"));
  test.after(() => rmSync(root, { recursive: true, force: true }));
  addTree(root, tree);
  return root;
}

/** Adds to a tree. */
export function addTree(root: string, tree: Tree): void {
  for (const [name, value] of Object.entries(tree)) {
    const path = join(root, name);
    mkdirSync(join(path, ".."), { recursive: true });
    if (typeof value !== "string") {
      mkdirSync(path, { recursive: true });
      addTree(path, value);
    } else if (value.startsWith("-> ")) symlinkSync(value.slice(3), path);
    else writeFileSync(path, value);
  }
}

/** The sysfs directories of a ConnectX-5 PF and of its VFs, by index. Extra entries are added to the PF's. */
export function connectX5(
  address: string,
  vfs: readonly string[] = [],
  extra: Tree = {},
): Record<string, Tree> {
  const directories = vfs.map((vf, index) => [vf, connectX5Vf(address, 100 + index)] as const);
  return { [address]: connectX5Pf(vfs, extra), ...Object.fromEntries(directories) };
}

/** The sysfs directory of a ConnectX-5 PF. */
export function connectX5Pf(vfs: readonly string[] = [], extra: Tree = {}): Tree {
  return {
    class: "0x020000\n",
    vendor: "0x15b3\n",
    device: "0x1017\n",
    driver: "-> ../../drivers/mlx5_core",
    driver_override: "(null)\n",
    iommu_group: "-> ../../../kernel/iommu_groups/41",
    numa_node: "1\n",
    sriov_totalvfs: "16\n",
    sriov_numvfs: `${vfs.length}\n`,
    sriov_drivers_autoprobe: "1\n",
    sriov_offset: "2\n",
    sriov_stride: "1\n",
    sriov_vf_device: "1018\n",
    ...Object.fromEntries(vfs.map((vf, index) => [`virtfn${index}`, `-> ../${vf}`])),
    ...extra,
  };
}

/** The sysfs directory of an unbound VF of a ConnectX-5. */
export function connectX5Vf(pf: string, group: number, extra: Tree = {}): Tree {
  return {
    class: "0x020000\n",
    vendor: "0x15b3\n",
    device: "0x1018\n",
    driver_override: "(null)\n",
    iommu_group: `-> ../../../kernel/iommu_groups/${group}`,
    physfn: `-> ../${pf}`,
    ...extra,
  };
}
