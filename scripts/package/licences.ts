import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { bundledPackages } from "../bundle.ts";

/** What the licences of all that is in the program ask for: their texts go with it. */

interface Part {
  readonly name: string;
  readonly licence: string;
  readonly text: string;
}

/** Licences of packages that npm has without: the file LICENSE of that version's repository. */
const fromRepositories = join(import.meta.dirname, "licences");

/** The npm packages whose code is in the program, by name. */
async function parts(): Promise<Part[]> {
  return (await bundledPackages()).map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const own = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    const file = own === undefined ? join(fromRepositories, `${name}-${version}.txt`) : join(folder, own);
    if (!existsSync(file) || typeof license !== "string")
      throw new Error(`${name} ${version} comes without a licence: it cannot be shipped`);
    return { name: `${name} ${version}`, licence: license, text: readFileSync(file, "utf8").trim() };
  });
}

/** The licence of Node, and of what it is made of, as its package has it. */
export function nodeLicence(): string {
  return readFileSync(join(dirname(process.execPath), "../LICENSE"), "utf8");
}

/** /usr/share/doc/vflag/copyright. */
export async function copyright(): Promise<string> {
  const own = [
    "vflag: SR-IOV, switchdev and VF-LAG on OpenStack hypervisors",
    "",
    "Copyright 2026 the vflag maintainers",
    "",
    'Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in compliance with the License.',
    'Unless required by applicable law or agreed to in writing, software distributed under the License is distributed on an "AS IS" BASIS,',
    "WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License for the specific language governing",
    "permissions and limitations under the License.",
    "",
    "On Debian systems, the full text of the Apache License, Version 2.0 is in /usr/share/common-licenses/Apache-2.0; the rpm package has it",
    "in /usr/share/licenses/vflag/LICENSE.",
    "",
    `The program /usr/bin/vflag holds Node.js ${process.version}, whose licence, with those of all that Node.js is made of, is in`,
    "/usr/share/doc/vflag/node-licence.gz, and the npm packages below.",
  ].join("\n");
  const others = (await parts()).map(
    ({ name, licence, text }) => `${"-".repeat(72)}\n${name} (${licence})\n\n${text}`,
  );
  return `${[own, ...others].join("\n\n")}\n`;
}

/** All licences as rpm's tag has them. */
export async function licenceTag(): Promise<string> {
  return [...new Set(["Apache-2.0", "MIT", ...(await parts()).map(({ licence }) => licence).sort()])].join(
    " AND ",
  );
}
