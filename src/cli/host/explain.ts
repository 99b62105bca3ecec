import { Command } from "commander";

export function explainCommand(): Command {
  return new Command("explain")
    .description("what a check or a symptom is, why it matters, and how to see it and put it right by hand")
    .argument("[name]", "its name, as `verify` prints it; without it, all are listed")
    .addHelpText(
      "after",
      "\nExamples:\n  vflag explain\n  vflag explain lag\n  vflag explain vf-lag-refused\n",
    )
    .action(run);
}

async function run(id: string | undefined): Promise<void> {
  const { print, styleFor, UsageError } = await import("../target.ts");
  const { explainList, explainText, symptomList, symptomText } = await import(
    "../../report/text/explain-text.ts"
  );
  const { allRequirements, requirementById } = await import("../../requirements/stages.ts");
  const { symptomById, symptoms } = await import("../../symptoms/catalogue.ts");
  if (id === undefined) return print(`${explainList(allRequirements)}\n${symptomList(symptoms)}`);
  const requirement = requirementById(id);
  const symptom = symptomById(id);
  if (requirement === undefined && symptom !== undefined)
    return print(symptomText(symptom, styleFor(process.stdout)));
  if (requirement === undefined) {
    const { nearest } = await import("../../spec/nearest.ts");
    const guess = nearest(
      id,
      [...allRequirements, ...symptoms].map((candidate) => candidate.id),
    );
    throw new UsageError(
      `no check or symptom is called "${id}"${guess === undefined ? "" : `: did you mean ${guess}?`}\n` +
        "`vflag explain` lists them.",
    );
  }
  print(explainText(requirement, styleFor(process.stdout)));
}
