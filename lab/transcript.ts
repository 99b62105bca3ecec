import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Report, say, write } from "./operate.ts";
import { repository } from "./paths.ts";
import type { Guest } from "./running.ts";
import type { Step, Story } from "./stories.ts";
import type { Task } from "./task.ts";

/** @param publishes whether the transcript goes to docs/lab/ */
export const storyTask = (story: Story, publishes: boolean): Task => ({
  title: story.title,
  guest: { nic: story.nic, ...(story.cpus && { cpus: story.cpus }) },
  run: async (guest, report) => {
    const lines = await tell(guest, story, report);
    if (publishes) publish(story, lines);
  },
});

/**
 * Tells a story in a fresh guest; a step that ends otherwise than it should ends the story. Returns the
 * transcript.
 */
async function tell(guest: Guest, story: Story, report: Report): Promise<string[]> {
  const lines: string[] = [];
  await write(guest, "/etc/vflag/vflag.yaml", story.spec);
  for (const step of story.steps) {
    const { code, output } = await say(guest, step.command);
    const missing = (step.shows ?? []).filter((pattern) => !pattern.test(output));
    const ok = code === step.exit && missing.length === 0;
    lines.push(...transcript(step, code, output));
    report(
      ok,
      `${story.title}: ${step.command}`,
      `exit ${code}, not ${step.exit}; missing ${missing.join(", ") || "nothing"}:\n${output}`,
    );
    if (!ok) break;
  }
  return lines;
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

/** Writes a transcript to docs/lab/. */
function publish({ title, nic, spec }: Story, lines: readonly string[]): void {
  const folder = join(repository, "docs/lab");
  mkdirSync(folder, { recursive: true });
  const real =
    nic === "igb"
      ? "the kernel's own igb driver on QEMU's igb"
      : "Debian's mlx5_core on the lab's emulated ConnectX-6 Dx (lab/README.md)";
  const head = [
    `# ${title}`,
    "",
    `Output of a guest of the lab: a real kernel, ${real}. Made by \`npm run lab:test -- --write-docs\`.`,
    "",
  ];
  const text = [...head, "```yaml", spec.trimEnd(), "```", "", ...lines].join("\n");
  writeFileSync(join(folder, `${title.toLowerCase().replaceAll(" ", "-")}.md`), `${text.trimEnd()}\n`);
}
