import type { Argument, Command, Help, Option } from "commander";
import { bold, escaped, italic, item, line, section, subsection, title, verbatim } from "./roff.ts";

/** vflag(8), made of the command line's own definitions, so that it says what `--help` says. */

export interface PageOptions {
  readonly version: string;
  /** YYYY-MM-DD */
  readonly date: string;
  /** Files and what they are, and exit codes and what they mean. */
  readonly files: readonly (readonly [string, string])[];
  readonly exitCodes: readonly (readonly [string, string])[];
}

export function programPage(program: Command, { version, date, files, exitCodes }: PageOptions): string {
  const help = program.createHelp();
  const commands = help.visibleCommands(program).filter(isOurs);
  const lines = [
    title("VFLAG", 8, date, `vflag ${version}`),
    ...section("NAME", [line("vflag - SR-IOV, switchdev and VF-LAG on a hypervisor")]),
    ...section("SYNOPSIS", [commands.flatMap((command) => synopsis(help, command)).join("\n.br\n")]),
    ...section("DESCRIPTION", [line(help.commandDescription(program))]),
    ...section(
      "OPTIONS",
      help.visibleOptions(program).flatMap((option) => describedOption(help, option)),
    ),
    ...section(
      "COMMANDS",
      commands.flatMap((command) => describe(help, command)),
    ),
    ...section(
      "EXIT STATUS",
      exitCodes.flatMap(([code, meaning]) => item(bold(code), line(meaning))),
    ),
    ...section(
      "EXAMPLES",
      afterHelp(program)
        .filter(isExample)
        .flatMap(({ body }) => verbatim(body)),
    ),
    ...section("ENVIRONMENT", item(bold("NO_COLOR"), line("when set, nothing is coloured"))),
    ...section(
      "FILES",
      files.flatMap(([name, meaning]) => item(italic(name), line(meaning))),
    ),
    ...section("SEE ALSO", [line("`vflag.yaml`(5), `devlink`(8), `systemd.unit`(5)")]),
  ];
  return `${lines.join("\n")}\n`;
}

/** commander's own `help` command says nothing that `--help` does not. */
const isOurs = (command: Command): boolean => command.name() !== "help";

/** A command and its subcommands, each with all that its own help says. */
function describe(help: Help, command: Command): string[] {
  const children = command.commands.filter(isOurs);
  const own = [
    line(sentence(help.commandDescription(command))),
    ...(children.length > 0
      ? []
      : command.registeredArguments.flatMap((argument) => described(help, argument))),
    ...(children.length > 0 ? [] : options(help, command)),
    ...afterHelp(command).flatMap(({ heading, body }) =>
      heading === null ? paragraph(body) : [...paragraph(`${heading}:`), ...verbatim(body)],
    ),
  ];
  return [...subsection(nameOf(help, command), own), ...children.flatMap((child) => describe(help, child))];
}

/** The name with its parents': `vflag boot early <options>`, as it is typed. */
function nameOf(help: Help, command: Command): string {
  return help.commandUsage(command).replaceAll(" [options]", "").replaceAll(" [command]", "");
}

function synopsis(help: Help, command: Command): string[] {
  const children = command.commands.filter(isOurs);
  if (children.length > 0) return children.flatMap((child) => synopsis(help, child));
  const [name = "", ...rest] = help.commandUsage(command).split(/(?= [[<])/);
  return [`${bold(name)}${escaped(rest.join(""))}`];
}

/** A command's own options; that every one has `--help` is said once, above. */
function options(help: Help, command: Command): string[] {
  const own = help.visibleOptions(command).filter((option) => option.long !== "--help");
  return own.flatMap((option) => describedOption(help, option));
}

function describedOption(help: Help, option: Option): string[] {
  const [flags = "", ...value] = help.optionTerm(option).split(/(?= [[<])/);
  return item(`${bold(flags)}${italic(value.join(""))}`, line(help.optionDescription(option)));
}

function described(help: Help, argument: Argument): string[] {
  return item(italic(help.argumentTerm(argument)), line(help.argumentDescription(argument)));
}

interface Text {
  /** Null for running text. */
  readonly heading: string | null;
  readonly body: string;
}

const isExample = ({ heading }: Text): boolean => heading === "Examples";

/** What a command's help says after its options: running text, and examples under a heading. */
function afterHelp(command: Command): Text[] {
  let text = "";
  command.configureOutput({ writeOut: (more) => (text += more) });
  command.outputHelp();
  text = text.slice(command.helpInformation().length);
  return text
    .trim()
    .split(/\n\n+/)
    .filter((each) => each !== "")
    .map((each) => {
      const [first = "", ...rest] = each.split("\n");
      if (!first.endsWith(":") || rest.length === 0) return { heading: null, body: each };
      return { heading: first.slice(0, -1), body: rest.map((one) => one.replace(/^ {2}/, "")).join("\n") };
    });
}

function paragraph(text: string): string[] {
  return [".PP", ...text.split("\n").map(line)];
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;
}
