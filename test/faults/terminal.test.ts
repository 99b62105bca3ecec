import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeHost, onHost, run } from "../support/faults.ts";
import { noStrace } from "../support/strace.ts";
import { vflag } from "../support/vflag.ts";

/** On a real terminal: script(1) makes a pseudo-terminal. */

const noScript =
  spawnSync("script", ["--version"]).status === 0 ? false : "script (util-linux) is not installed";
const apply = [vflag, "apply", ...onHost];

/** What a program prints on a terminal, and its exit code. */
function onTerminal(
  folder: string,
  argv: readonly string[],
  { term = "xterm", columns = 80 },
): { output: string; status: number | null } {
  const command = `stty cols ${columns} rows 40; ${argv.join(" ")}`;
  const { stdout, status } = run(folder, ["script", "-qec", command, "/dev/null"], {
    TERM: term,
    NO_COLOR: "",
  });
  return { output: stdout.replaceAll("\r\n", "\n"), status };
}

/** What cannot be broken: one long word, behind its label. */
function isOneWord(line: string): boolean {
  return !line
    .replace(/^.*\S {2,}(?=\S)/, "")
    .trim()
    .includes(" ");
}

describe("a terminal", { skip: noScript }, () => {
  test("one that can only print gets no escape sequence, from no command; another gets colours", (t) => {
    const folder = makeHost(t);
    for (const term of ["dumb", ""])
      for (const argv of [
        ["verify", ...onHost],
        ["plan", ...onHost],
        ["map", ...onHost],
        ["--help"],
        ["apply", "--nonsense"],
      ]) {
        const { output } = onTerminal(folder, [vflag, ...argv], { term });
        assert.doesNotMatch(output, /\x1b/, `${argv.join(" ")} with TERM=${term}`);
      }
    assert.doesNotMatch(onTerminal(folder, apply, { term: "dumb" }).output, /\x1b/);
    assert.match(onTerminal(folder, [vflag, "verify", ...onHost], {}).output, /\x1b\[33m/);
  });

  test("long text wraps at its width with a hanging indent, and is not wrapped where it goes on to a program", (t) => {
    const folder = makeHost(t);
    const argv = [vflag, "verify", ...onHost];
    const piped = run(folder, argv).stdout;
    assert.ok(piped.split("\n").some((line) => line.length > 120));
    for (const columns of [40, 80, 200]) {
      const { output } = onTerminal(folder, argv, { term: "dumb", columns });
      const lines = output.split("\n");
      for (const line of lines) assert.ok(line.length <= columns || isOneWord(line), `${columns}: ${line}`);
      // The same words, in the same order.
      const words = (text: string) => text.split(/\s+/).filter((word) => !/^\d{4}-/.test(word));
      assert.deepEqual(words(output), words(piped));
      const why = lines.findIndex((line) => line.startsWith("      why  "));
      assert.ok(why >= 0);
      if (columns < 200)
        assert.match(
          lines[why + 1] ?? "",
          /^ {11}\S/,
          `the text goes on below its beginning, at ${columns} columns`,
        );
    }
    assert.ok(
      onTerminal(folder, [vflag, "plan", "--help"], { columns: 50 })
        .output.split("\n")
        .every((line) => line.length <= 50 || !/ /.test(line.trim())),
    );
  });

  for (const [key, name, code] of [["\x03", "SIGINT", 130]] as const)
    test(`Ctrl-C in apply ends it by ${name} and not with 127, brings the cursor back, and lets go of the lock`, {
      skip: noStrace(),
    }, async (t) => {
      const folder = makeHost(t);
      // Each write of the host takes a while.
      const slow = `stty cols 120 rows 40; trap : INT; strace -f -qq -o /dev/null -e inject=rename:delay_enter=400000 ${apply.join(" ")}; echo "ended with $?"`;
      const child = spawn("script", ["-qec", slow, "/dev/null"], {
        cwd: folder,
        env: { ...process.env, TERM: "xterm" },
        stdio: ["pipe", "pipe", "inherit"],
      });
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
      const ended = once(child, "close");
      const until = async (seen: RegExp) => {
        for (let tries = 0; tries < 400 && !seen.test(output); tries++) await sleep(100);
        assert.match(output, seen);
      };
      await until(/\x1b\[\?25l/);
      await until(/vf-count|eswitch/);
      child.stdin.write(key);
      await ended;
      assert.match(output, new RegExp(`ended with ${code}`));
      assert.match(output, /SIGINT: waits for what is under way/);
      assert.ok(
        output.lastIndexOf("\x1b[?25h") > output.lastIndexOf("\x1b[?25l"),
        "the cursor is there again",
      );
      assert.equal(readFileSync(join(folder, "host.json.lock"), "utf8"), "", "the lock was let go of");
      JSON.parse(readFileSync(join(folder, "host.json"), "utf8"));
      assert.match(readFileSync(join(folder, "host.json.journal.jsonl"), "utf8"), /"kind":"interrupted"/);
    });
});

for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"] as const)
  test(`${signal}: apply waits for the program it started, then lets go of the lock, and ends by the signal; a second one ends the program`, async (t) => {
    const folder = makeHost(t);
    const modules = (name: string) => JSON.stringify(new URL(`../../src/${name}.ts`, import.meta.url).href);
    const script = `
      import { Interruption } from ${modules("cli/process/interruption")};
      import { dieBy, hearSignals, Interrupted } from ${modules("cli/process/signals")};
      import { acquireLock } from ${modules("host/linux/system/lock")};
      import { inOwnSession } from ${modules("host/linux/system/program")};
      hearSignals();
      const lock = acquireLock("lock", "apply");
      const interruption = new Interruption();
      try {
        const argv = ["sh", "-c", "trap 'echo ended > end; exit 0' TERM; echo $$ > pid; i=0; while [ $i -lt " + process.argv[1] + " ]; do sleep 0.1; i=$((i+1)); done; cat lock > held; echo done > end"];
        await inOwnSession(argv);
        interruption.check();
      } catch (error) {
        lock.release();
        if (error instanceof Interrupted) dieBy(error.signal);
      }
    `;
    const start = async (tenths: number) => {
      const argv = [
        "--disable-warning=ExperimentalWarning",
        "--input-type=module-typescript",
        "-e",
        script,
        String(tenths),
      ];
      const child = spawn(process.execPath, argv, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
      const ended = once(child, "exit");
      for (let tries = 0; tries < 300; tries++) {
        await sleep(50);
        if (run(folder, ["cat", "pid"]).status === 0) break;
      }
      child.kill(signal);
      return { child, ended };
    };
    const first = await start(10);
    const [code, by] = await first.ended;
    assert.deepEqual([code, by], [null, signal]);
    assert.equal(readFileSync(join(folder, "end"), "utf8"), "done\n", "the program came to its end");
    assert.match(readFileSync(join(folder, "held"), "utf8"), /"apply"/, "and the lock was held until then");
    writeFileSync(join(folder, "end"), "");
    run(folder, ["rm", "pid"]);
    const second = await start(600);
    await once(second.child.stderr, "data");
    second.child.kill(signal);
    assert.deepEqual(await second.ended, [null, signal]);
    assert.equal(readFileSync(join(folder, "end"), "utf8"), "ended\n", "it was ended");
  });
