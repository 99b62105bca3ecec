import { Command } from "commander";
import { collectCommand } from "./collect.ts";
import { diffCommand } from "./diff.ts";
import { importCommand } from "./import.ts";
import { planCommand } from "./plan.ts";
import { pruneCommand } from "./prune.ts";
import { reportCommand } from "./report.ts";
import { statusCommand } from "./status.ts";

/** The fleet: states of all hosts over time, and what there is to know of them. */
export function fleetCommand(): Command {
  return new Command("fleet")
    .description("the states of all hosts over time: collect, status, diff, plan, report")
    .addCommand(collectCommand())
    .addCommand(importCommand())
    .addCommand(statusCommand())
    .addCommand(diffCommand())
    .addCommand(planCommand())
    .addCommand(reportCommand())
    .addCommand(pruneCommand());
}
