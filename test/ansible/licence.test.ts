import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";

const collection = join(import.meta.dirname, "../../ansible");

it("the collection imports nothing of Ansible's but the module_utils under the BSD licence", () => {
  for (const folder of ["modules", "module_utils", "filter"]) {
    for (const name of readdirSync(join(collection, "plugins", folder)).filter((file) =>
      file.endsWith(".py"),
    )) {
      const text = readFileSync(join(collection, "plugins", folder, name), "utf8");
      const imports = [...text.matchAll(/^(?:from|import) (ansible[\w.]*)/gm)].map(([, found]) => found);
      const allowed = [
        "ansible.module_utils.basic",
        "ansible_collections.vflag.vflag.plugins.module_utils.program",
      ];
      assert.deepEqual(
        imports.filter((found) => found === undefined || !allowed.includes(found)),
        [],
        name,
      );
    }
  }
});
