import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ansibleCore, Workplace, without } from "./collection.ts";

/** Passwords of a cloud on their way to the openstack client. */

const workplace = new Workplace();
after(() => workplace.remove());
const secret = "made-up-password";

/**
 * A client that looks whether the password stands in the arguments of any process while it runs, and writes
 * its own environment down.
 */
const client = `#!/bin/sh
cd "$(dirname "$0")"
env | grep ^OS_ > environment
for file in /proc/[0-9]*/cmdline; do grep -qaF -f password "$file" 2>/dev/null && echo "$file" >> seen; done
echo '[{"Host": "h1", "Status": "enabled", "State": "up", "Disabled Reason": null}]'
`;

describe("credentials", { skip: without(ansibleCore), timeout: 300_000 }, () => {
  it("reach the client by its environment, stand in no command's arguments, and are not shown", async () => {
    const program = workplace.write("client", client);
    chmodSync(program, 0o755);
    workplace.write("password", `${secret}\n`);
    workplace.write("vars.json", {
      credentials: { OS_PASSWORD: secret, OS_USERNAME: "admin", OS_IDENTITY_API_VERSION: 3 },
    });
    const task = {
      "vflag.vflag.nova_host": {
        name: "h1",
        state: "enabled",
        client: program,
        credentials: "{{ credentials }}",
      },
    };
    const vars = { ansible_python_interpreter: "/usr/bin/python3" };
    const play = workplace.write("play.json", [
      { hosts: "localhost", gather_facts: false, vars, tasks: [task] },
    ]);
    const { status, output } = await workplace.run("/usr/bin/ansible-playbook", [
      "-vvv",
      "-e",
      `@${workplace.path("vars.json")}`,
      play,
    ]);
    assert.equal(status, 0, output);
    assert.match(
      readFileSync(workplace.path("environment"), "utf8"),
      new RegExp(`^OS_PASSWORD=${secret}$`, "m"),
    );
    assert.equal(existsSync(workplace.path("seen")) ? readFileSync(workplace.path("seen"), "utf8") : "", "");
    assert.doesNotMatch(output, new RegExp(secret));
    assert.match(output, /"OS_USERNAME": "admin"/);
  });
});

it("no task of the collection has an environment, which Ansible puts into the arguments of a shell", () => {
  const root = join(import.meta.dirname, "../../ansible");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".yml"),
  );
  assert.ok(files.length > 10);
  for (const file of files)
    assert.doesNotMatch(readFileSync(join(root, file), "utf8"), /^\s*environment:/m, file);
});
