import { Command, Option } from "commander";
import { plainText } from "../../host/plain-text.ts";
import type { HostState } from "../../host/state/state.ts";
import type { Spec } from "../../spec/schema.ts";
import type { Verdict } from "../../verdict/verdict.ts";
import { hostOption, type SpecOptions, specOption } from "../options.ts";
import { exitCodes, finish } from "../process/exit.ts";
import { version } from "../version.ts";

const formats = ["text", "json", "junit", "prometheus", "html"] as const;

interface VerifyOptions extends SpecOptions {
  readonly output: (typeof formats)[number];
  readonly write?: string;
}

export function verifyCommand(): Command {
  return new Command("verify")
    .description("one verdict per NIC, with the reason named")
    .addOption(specOption())
    .addOption(hostOption())
    .addOption(new Option("-o, --output <format>", "how to print").choices(formats).default("text"))
    .option("--write <file>", "write it to a file, whole or not at all, instead of printing it")
    .addHelpText(
      "after",
      "\njunit is JUnit's XML for CI systems, prometheus the text format of node_exporter's textfile " +
        "collector, html a report in one file.\n" +
        "With --write, a line for each NIC that does not work is printed.\n" +
        "Exit code: 0 every NIC works, 2 one does not (or it cannot be told), 1 error.\n\n" +
        "Examples:\n" +
        "  vflag verify\n" +
        "  vflag verify -o json | jq '.verdicts[].answer'\n" +
        "  vflag verify -o html --write report.html\n" +
        "  vflag verify -o prometheus --write /var/lib/prometheus/node-exporter/vflag.prom\n",
    )
    .action(run);
}

async function run({ spec: file, host: name, output, write }: VerifyOptions): Promise<void> {
  const { openTarget, print, printDocument, readSpec } = await import("../target.ts");
  const { terminalText } = await import("../../report/terminal/escape.ts");
  const { verdicts } = await import("../../verdict/verdict.ts");
  const spec = readSpec(file);
  const target = await openTarget(name, false, "everything", spec);
  try {
    const state = await target.host.observe();
    const answers = verdicts(spec, state);
    const text = await rendered(output, spec, state, answers, write === undefined);
    if (write === undefined) {
      if (output === "text") print(text);
      else printDocument(text);
    } else {
      const { writeReport } = await import("./write-report.ts");
      await writeReport(write, output === "text" ? terminalText(text) : text);
      print(
        answers
          .map(({ nic, answer, reason }) =>
            answer === "works" ? "" : `${plainText(`${nic}: ${said[answer]}${reasonText(reason)}`)}\n`,
          )
          .join(""),
      );
    }
    finish(answers.every((verdict) => verdict.answer === "works") ? exitCodes.fine : exitCodes.pending);
  } finally {
    target.close();
  }
}

const said = { broken: "does not work", unknown: "cannot tell" };

function reasonText(reason: Verdict["reason"]): string {
  return reason === null ? "" : `: ${reason.subject}: ${reason.actual}`;
}

async function rendered(
  output: VerifyOptions["output"],
  spec: Spec,
  state: HostState,
  verdicts: readonly Verdict[],
  toScreen: boolean,
): Promise<string> {
  switch (output) {
    case "text": {
      const { plain } = await import("../../report/terminal/style.ts");
      const { styleFor } = await import("../target.ts");
      const { verdictText } = await import("../../report/text/verdict-text.ts");
      return verdictText(spec, state, verdicts, toScreen ? styleFor(process.stdout) : plain);
    }
    case "json": {
      const { hostname, kernel, observedAt } = state;
      const { jsonText } = await import("../../report/terminal/escape.ts");
      return `${jsonText({ schema: "vflag/verdict/1", hostname, kernel, observedAt, verdicts }, 2)}\n`;
    }
    case "junit": {
      const { junitXml } = await import("../../report/data/junit.ts");
      return junitXml(spec, state, verdicts);
    }
    case "prometheus": {
      const { prometheusText } = await import("../../report/data/prometheus.ts");
      return prometheusText(spec, state, verdicts, version);
    }
    case "html": {
      const { htmlReport } = await import("../../report/html/html.ts");
      return htmlReport(spec, state, verdicts, version);
    }
  }
}
