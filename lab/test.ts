import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bootsWithoutAHand } from "./boots.ts";
import { build } from "./build.ts";
import { type Guest, startGuest, stopGuest } from "./guest.ts";
import { repository } from "./paths.ts";
import { runInGuest } from "./ssh.ts";
import { type Step, type Story, stories } from "./stories.ts";

/**
 * `npm run lab:test`: builds the image, boots guests, runs the stories and the conformance suite in them, and ends with
 * the line `N passed, N failed`. With --write-docs the transcripts go to docs/lab/.
 */
const { values } = parseArgs({ options: { "write-docs": { type: "boolean", default: false }, only: { type: "string" } } });

interface Tally {
  passed: number;
  failed: number;
}

const tally: Tally = { passed: 0, failed: 0 };
const count = (ok: boolean, what: string, details = "") => {
  if (ok) tally.passed++;
  else tally.failed++;
  process.stdout.write(`${ok ? "ok    " : "FAILED"} ${what}\n${ok ? "" : `${details}\n`}`);
};

await build({});
for (const story of stories) if (wanted(story.title)) await inGuest(story.nic, (guest) => tell(guest, story));
for (const nic of ["igb", "mlx5"] as const) if (wanted(`conformance ${nic}`)) await inGuest(nic, conformance);
if (wanted("boots"))
  await inGuest("mlx5", (guest) => bootsWithoutAHand(guest, (ok, what, details) => count(ok, `boots: ${what}`, details)), true);
if (wanted("netlink")) await inGuest("igb", netlink);
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;

function wanted(what: string): boolean {
  return values.only === undefined || what.toLowerCase().includes(values.only.toLowerCase());
}

/** @param persist whether the guest has a disk of its own, so that it can reboot */
async function inGuest(nic: Guest["nic"], use: (guest: Guest) => Promise<void>, persist = false): Promise<void> {
  const options = { name: `test-${nic}-${process.pid}`, nic, persist, ...(persist ? { snapshot: false } : {}) };
  const guest = await startGuest(options).catch((error: unknown) => {
    process.stdout.write(`the guest did not start, and is started once more: ${String(error)}\n`);
    return startGuest(options);
  });
  try {
    await use(guest);
  } finally {
    await stopGuest(guest.name);
  }
}

/** Tells a story in a fresh guest; a step that ends otherwise than it should ends the story. */
async function tell(guest: Guest, story: Story): Promise<void> {
  const lines: string[] = [];
  await write(guest, "/etc/vflag/vflag.yaml", story.spec);
  for (const step of story.steps) {
    const { code, output } = await line(guest, step.command);
    const missing = (step.shows ?? []).filter((pattern) => !pattern.test(output));
    const ok = code === step.exit && missing.length === 0;
    lines.push(...transcript(step, code, output));
    count(ok, `${story.title}: ${step.command}`, `exit ${code}, not ${step.exit}; missing ${missing.join(", ") || "nothing"}:\n${output}`);
    if (!ok) break;
  }
  if (values["write-docs"]) publish(story, lines);
}

/** The conformance suite, run by the guest's own Node. */
async function conformance(guest: Guest): Promise<void> {
  const { code, output } = await line(
    guest,
    `cd /vflag && VFLAG_NIC=${guest.nic} node --disable-warning=ExperimentalWarning --test --test-reporter=tap test/conformance/guest.ts`,
  );
  const results = [...output.matchAll(/^ {4}(not )?ok \d+ - (.*)$/gm)];
  for (const [, not, title] of results) count(not === undefined, `conformance ${guest.nic}: ${title}`);
  count(code === 0 && results.length > 10, `conformance ${guest.nic}: the suite ended well`, output);
}

/** devlink spoken to upstream code (netdevsim), and links of bonds: what the machine that runs `npm test` may not have. */
async function netlink(guest: Guest): Promise<void> {
  const files = "test/netlink/netdevsim.test.ts test/netlink/rtnetlink.test.ts";
  const { code, output } = await line(
    guest,
    `modprobe netdevsim; modprobe bonding max_bonds=0; cd /vflag && node --disable-warning=ExperimentalWarning --test --test-reporter=tap ${files}`,
  );
  const skipped = /# SKIP/.test(output);
  count(code === 0 && !skipped, "netlink: devlink on netdevsim, bonds", output);
}

async function line(guest: Guest, command: string): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await runInGuest(guest.access, [`{ ${command}\n} 2>&1`], { timeout: 900_000 });
  return { code, output: `${stdout}${stderr}` };
}

async function write(guest: Guest, file: string, content: string): Promise<void> {
  const { code, output } = await line(guest, `mkdir -p $(dirname ${file}); cat > ${file} <<'END'\n${content}END`);
  if (code !== 0) throw new Error(`cannot write ${file} in the guest: ${output}`);
}

function transcript({ say, command, exit }: Step, code: number, output: string): string[] {
  const shown = command.startsWith("vflag ") ? command : command.replaceAll("; ", "\n");
  return [
    ...(say === undefined ? [] : [say, ""]),
    "```console",
    `# ${shown}`,
    output.trimEnd(),
    ...(exit === 0 ? [] : [`(exit ${code})`]),
    "```",
    "",
  ];
}

function publish({ title, nic, spec }: Story, lines: readonly string[]): void {
  const folder = join(repository, "docs/lab");
  mkdirSync(folder, { recursive: true });
  const real =
    nic === "igb" ? "the kernel's own igb driver on QEMU's igb" : "the lab's stand-in for mlx5 (lab/README.md says what of it is real)";
  const head = [
    `# ${title}`,
    "",
    `Output of a guest of the lab: a real kernel, ${real}. Made by \`npm run lab:test -- --write-docs\`.`,
    "",
  ];
  const text = [...head, "```yaml", spec.trimEnd(), "```", "", ...lines].join("\n");
  writeFileSync(join(folder, `${title.toLowerCase().replaceAll(" ", "-")}.md`), `${text.trimEnd()}\n`);
}
