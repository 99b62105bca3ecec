import { Command } from "commander";

export function explainCommand(): Command {
  return new Command("explain")
    .description("what a requirement is, why it matters, and how to see it and put it right by hand")
    .argument("[requirement]", "its name, as `verify` prints it; without it, all are listed")
    .addHelpText("after", "\nExamples:\n  vflag explain\n  vflag explain lag\n")
    .action(run);
}

async function run(id: string | undefined): Promise<void> {
  const { print, styleFor, UsageError } = await import("./target.ts");
  const { explainList, explainText } = await import("../report/explain-text.ts");
  const { allRequirements, requirementById } = await import("../requirements/stages.ts");
  if (id === undefined) return print(explainList(allRequirements));
  const requirement = requirementById(id);
  if (requirement === undefined) {
    const { nearest } = await import("../spec/nearest.ts");
    const guess = nearest(
      id,
      allRequirements.map((candidate) => candidate.id),
    );
    throw new UsageError(
      `no requirement is called "${id}"${guess === undefined ? "" : `: did you mean ${guess}?`}\n\`vflag explain\` lists them.`,
    );
  }
  print(explainText(requirement, styleFor(process.stdout)));
}
