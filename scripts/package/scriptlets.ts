import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What both package managers run around files that come and go: the same deeds (scriptlets/*.sh, POSIX sh),
 * each under the conditions of its format. None fails where systemd does not run, as in a container or a
 * chroot, and each can be run again.
 */

type Deed = "installed" | "removing" | "removed" | "purged";

function deed(name: Deed, units: readonly string[]): string {
  const text = readFileSync(join(import.meta.dirname, "scriptlets", `${name}.sh`), "utf8").trimEnd();
  return text.replaceAll("@UNITS@", units.join(" "));
}

/** dpkg's maintainer scripts, by name. Source: Debian policy, chapter 6, for what each is called with. */
export function maintainerScripts(units: readonly string[]): ReadonlyMap<string, string> {
  const script = (branches: readonly (readonly [string, string])[]) =>
    `#!/bin/sh\nset -e\n\ncase "$1" in\n${branches.map(([when, then]) => `${when})\n${indented(then)}\n  ;;\n`).join("")}*) ;;\nesac\n`;
  return new Map([
    [
      "postinst",
      script([["configure | abort-remove | abort-upgrade | abort-deconfigure", deed("installed", units)]]),
    ],
    ["prerm", script([["remove", deed("removing", units)]])],
    [
      "postrm",
      script([
        ["remove | disappear", deed("removed", units)],
        ["purge", deed("purged", units)],
      ]),
    ],
  ]);
}

/**
 * rpm's scriptlets, by name. Their argument is how many of this package there will be when all is done: 0 is
 * a removal.
 */
export function rpmScriptlets(units: readonly string[]): ReadonlyMap<string, string> {
  const atRemoval = (then: string) => `set -e\nif [ "$1" -eq 0 ]; then\n${indented(then)}\nfi\n`;
  return new Map([
    ["post", `set -e\n${deed("installed", units)}\n`],
    ["preun", atRemoval(deed("removing", units))],
    ["postun", atRemoval(deed("removed", units))],
  ]);
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}
