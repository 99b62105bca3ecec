import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeTree } from "../host/linux/tree.ts";
import { Sources } from "./sources.ts";

/**
 * What CONTRIBUTING.md says of adding something: with the files that it names, and no other, the program has
 * it. (A driver: test/drivers/made-up.long.ts. An action that is not said whole: test/host/actions/.)
 */

const requirement = `import { known } from "../../host/state/observed.ts";
import type { HostRequirement } from "../requirement.ts";

export const quietHost: HostRequirement = {
  id: "quiet-host",
  stage: "platform",
  title: "the host's name is short",
  why: "Long names are tiring.",
  observe: ["hostname"],
  byHand: ["hostnamectl set-hostname NAME"],
  references: ["hostname(7)"],
  follows: [],
  gate: false,
  check: ({ state }) =>
    state.hostname.length < 3 && known(state.files) !== undefined
      ? []
      : [
          {
            subject: "name",
            expected: "two letters",
            actual: state.hostname,
            severity: "error",
            remedy: { kind: "person", text: "give it another" },
          },
        ],
};
`;

test("a requirement is its file, and its place in the order", (t) => {
  const sources = new Sources(t);
  sources.add("src/requirements/platform/quiet-host.ts", requirement);
  const line = 'import { quietHost } from "./platform/quiet-host.ts";';
  const list = "export const hostRequirements: readonly HostRequirement[] = [\n";
  sources.insert("src/requirements/stages.ts", list, "  quietHost,\n", line);
  assert.deepEqual(sources.compile(), []);
  const folder = makeTree(t, {});
  const [host, spec] = [join(folder, "host.json"), join(folder, "vflag.yaml")];
  assert.equal(sources.vflag("simulate", "new", host).status, 0);
  writeFileSync(spec, "version: 1\nnics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2}]\n");
  assert.equal(sources.vflag("apply", "--host", host, "--spec", spec).status, 2);
  const verify = sources.vflag("verify", "--host", host, "--spec", spec);
  assert.match(verify.said, /quiet-host {2}name: \S+, wanted two letters\n[\s\S]*Long names are tiring/);
  assert.match(sources.vflag("explain", "quiet-host").said, /hostnamectl set-hostname NAME/);
});

test("an action is its shape, its record, its words, and its deed on both hosts", (t) => {
  const sources = new Sources(t);
  const shape = '  | { readonly kind: "set-fan"; readonly speed: number }\n';
  sources.insert("src/host/actions/action.ts", "export type Action =\n", shape);
  const record = '  "set-fan": { lane: "host", sight: "nothing", cutsOff: false, seconds: 1 },\n';
  sources.insert("src/host/actions/action-table.ts", "const table = {\n", record);
  const words = '    case "set-fan":\n      return ["fan " + action.speed];\n';
  sources.insert("src/host/actions/command.ts", "switch (action.kind) {\n", words);
  const deed = '    case "set-fan":\n      return;\n';
  for (const file of ["src/host/linux/act.ts", "src/host/simulated/host.ts"])
    sources.insert(file, "switch (action.kind) {\n", deed);
  assert.deepEqual(sources.compile(), []);
});

const wicked = `import type { Artefact } from "./artefact.ts";
import { madeByVflag } from "./artefact.ts";

export const wickedFile: Artefact = {
  name: "90-vflag.wicked",
  path: "/etc/wicked/vflag",
  summary: "wicked leaves VFs alone",
  reload: null,
  needsPorts: false,
  text: () => madeByVflag + "\\nleave VFs alone\\n",
};
`;

test("a network manager is its file for the next boot, its place among them, and the folder that is looked at", (t) => {
  const sources = new Sources(t);
  sources.add("src/boot/wicked.ts", wicked);
  const line = 'import { wickedFile } from "./wicked.ts";';
  sources.insert("src/boot/artefacts.ts", "plainArtefacts: readonly Artefact[] = [", "wickedFile, ", line);
  sources.insert("src/host/linux/boot/installation.ts", "const folders = [\n", '  "/etc/wicked",\n');
  assert.deepEqual(sources.compile(), []);
  const folder = makeTree(t, {});
  const [host, spec] = [join(folder, "host.json"), join(folder, "vflag.yaml")];
  assert.equal(sources.vflag("simulate", "new", host).status, 0);
  writeFileSync(spec, "version: 1\nnics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2}]\n");
  assert.equal(sources.vflag("apply", "--host", host, "--spec", spec).status, 0);
  assert.match(readFileSync(host, "utf8"), /"\/etc\/wicked\/vflag"/);
  const shown = sources.vflag("render", "90-vflag.wicked", "--host", host, "--spec", spec);
  assert.match(shown.said, /leave VFs alone/);
});

test("a release of OpenStack is a line", (t) => {
  const sources = new Sources(t);
  sources.insert("src/openstack/releases.ts", '  "2026.2",\n', '  "2027.1",\n');
  assert.deepEqual(sources.compile(), []);
  const folder = makeTree(t, {});
  const [host, spec] = [join(folder, "host.json"), join(folder, "vflag.yaml")];
  assert.equal(sources.vflag("simulate", "new", host).status, 0);
  writeFileSync(
    spec,
    "version: 1\nnics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2, physnet: physnet2}]\n",
  );
  const print = (release: string) =>
    sources.vflag("nova", "print", "--release", release, "--host", host, "--spec", spec);
  assert.match(print("2027.1").said, /device_spec = \{/);
  assert.equal(print("2027.1").status, 0);
  assert.match(print("2028.1").said, /2027\.1/);
});
