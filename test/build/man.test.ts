import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { Command } from "commander";
import * as z from "zod";
import { programManual, specManual } from "../../scripts/package/files.ts";
import { packageInfo, releases } from "../../scripts/package/package-info.ts";
import { escaped, line, verbatim } from "../../scripts/package/roff.ts";
import { isInstalled } from "../../scripts/package/tools.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { loadSpec } from "../../src/spec/load.ts";
import { Spec } from "../../src/spec/schema.ts";

/** The man pages say what the program says, in roff that man and mandoc take without a word. */

const info = packageInfo(1_767_323_045);
const example = readFileSync(join(import.meta.dirname, "../../docs/examples/vflag.yaml"), "utf8");
const pages = { "vflag.8": programManual(info), "vflag.yaml.5": specManual(info, example) };

const folder = mkdtempSync(join(tmpdir(), "vflag-man-"));
after(() => rmSync(folder, { recursive: true }));
for (const [name, text] of Object.entries(pages)) writeFileSync(join(folder, name), text);

describe("roff", () => {
  test("characters that mean something to it come out as themselves", () => {
    assert.equal(
      escaped("a\\b --c 'd' ~/e \"f\" ^`"),
      "a\\(rsb \\-\\-c \\(aqd\\(aq \\(ti/e \\(dqf\\(dq \\(ha\\(ga",
    );
    assert.equal(escaped("é…"), "\\[u00E9]\\[u2026]");
  });

  test("a line that begins with a dot is no request", () => {
    assert.equal(line(".SH x"), "\\&.SH x");
    assert.deepEqual(verbatim(".a\n\n'b").slice(3, -2), ["\\&.a", "\\&", "\\(aqb"]);
  });

  test("words between backquotes are bold", () =>
    assert.equal(line("run `vflag plan` now"), "run \\fBvflag plan\\fR now"));
});

for (const [name, text] of Object.entries(pages)) {
  describe(name, () => {
    test("man takes it without a warning", {
      skip: isInstalled("man") ? false : "man is not installed",
    }, (context) => {
      const { status, stdout, stderr } = spawnSync("man", ["--warnings", "-l", join(folder, name)], {
        encoding: "utf8",
        env: { ...process.env, LC_ALL: "C.UTF-8", MANWIDTH: "80", MANROFFOPT: "", MANPAGER: "cat" },
      });
      // Debian's minimal images have a man that only says so.
      if (/has been minimized/.test(stdout)) return context.skip("man is not installed here: `unminimize`");
      assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
      assert.match(stdout, /SEE ALSO/);
    });

    test("mandoc takes it without a warning", {
      skip: isInstalled("mandoc") ? false : "mandoc is not installed",
    }, () => {
      const { stdout } = spawnSync("mandoc", ["-T", "lint", "-W", "warning", join(folder, name)], {
        encoding: "utf8",
      });
      assert.equal(stdout, "");
    });

    test("is plain ASCII: every other character is written in roff's way", () => {
      for (const each of text.split("\n")) assert.doesNotMatch(each, /[^\x20-\x7e]/);
    });
  });
}

/** The terms of the lists under each heading of a page, as a reader sees them. */
function termsOf(page: string): ReadonlyMap<string, readonly string[]> {
  const parts = page
    .replaceAll(/\\f[BIR]/g, "")
    .replaceAll("\\-", "-")
    .split(/^\.S[SH] "(.*)"$/m);
  const terms = (text = "") => [...text.matchAll(/^\.TP\n(.*)$/gm)].map(([, term = ""]) => term);
  return new Map(parts.flatMap((heading, at) => (at % 2 === 1 ? [[heading, terms(parts[at + 1])]] : [])));
}

test("vflag(8) has each command that can be run, with its own options and no others", () => {
  const shown = new Map(
    [...termsOf(pages["vflag.8"])].map(([heading, terms]) => [heading.replace(/ [[<].*/, ""), terms]),
  );
  const commandsOf = (command: Command, path: string): [path: string, options: (string | undefined)[]][] => {
    const children = command.commands.filter((child) => child.name() !== "help");
    const own = command.options.filter(({ hidden }) => !hidden).map(({ long }) => long);
    return children.length === 0
      ? [[path, own]]
      : children.flatMap((child) => commandsOf(child, `${path} ${child.name()}`));
  };
  const commands = commandsOf(buildProgram(""), "vflag");
  assert.notEqual(commands.length, 0);
  for (const [path, options] of commands) {
    const terms = shown.get(path) ?? assert.fail(`there is no ${path}`);
    assert.deepEqual(
      terms.flatMap((term) => /^(?:-\w, )?(--[a-z0-9-]+)/.exec(term)?.[1] ?? []),
      options,
      path,
    );
  }
});

test("vflag.yaml(5) has the keys at every depth, with their values", () => {
  const terms = termsOf(pages["vflag.yaml.5"]).get("KEYS") ?? [];
  const paths = terms.map((term) => term.replace(/ \(.*/, ""));
  const names = new Set(paths.map((path) => path.replace(/^.*\./, "").replace(/\[\]$/, "")));
  assert.deepEqual(names, new Set(keysIn(z.toJSONSchema(Spec))));
  for (const path of ["nics[].ports[].address", "nics[].vfSettings.linkState", "ovs.engine"])
    assert.equal(paths.filter((each) => each === path).length, 1, path);
  assert.ok(terms.includes("nics[].mode (sriov | switchdev | vf-lag; required)"));
});

/** The keys of every mapping that a schema describes, wherever it does. */
function keysIn(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const own = "properties" in schema ? Object.keys(schema.properties ?? {}) : [];
  return [...own, ...Object.values(schema).flatMap(keysIn)];
}

test("the example is a spec", () => {
  assert.equal(loadSpec(example, "example").nics.length, 1);
  // So is what it has in comments: with all of it, there are three NICs.
  const everything = example.replaceAll(/^( *)# (?=- \{|eswitch|vfSettings)/gm, "$1");
  assert.equal(loadSpec(everything, "example").nics.length, 3);
});

test("CHANGELOG.md as the packages have it", () => {
  const text =
    "# Changelog\n\n## 1.1.0 (unreleased)\n\n- One\n  thing.\n- Another.\n\n## 1.0.0 (2026-01-02)\n\n- First.\n";
  assert.deepEqual(releases(text, 7), [
    { version: "1.1.0", date: 7, changes: ["One thing.", "Another."] },
    { version: "1.0.0", date: Date.UTC(2026, 0, 2, 12) / 1000, changes: ["First."] },
  ]);
});
