import { Argument, Command } from "commander";
import { releases } from "../openstack/releases.ts";

/** Words that can follow a command: its subcommands, its options and their values. */
interface Node {
  readonly path: string;
  readonly words: readonly string[];
  /** What may follow its -o. */
  readonly outputs: readonly string[];
}

export function completionCommand(): Command {
  return new Command("completion")
    .description("print a script that completes vflag's commands in your shell")
    .addArgument(new Argument("<shell>", "bash, zsh or fish").choices(["bash", "zsh", "fish"]))
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  source <(vflag completion bash)\n" +
        "  vflag completion fish > ~/.config/fish/completions/vflag.fish\n",
    )
    .action(async (shell: "bash" | "zsh" | "fish", _options: unknown, command: Command) => {
      const { print } = await import("./target.ts");
      print(completionScript(shell, command.parent ?? command, await furtherWords()));
    });
}

/** By command: words that it takes, and that are declared elsewhere. */
export async function furtherWords(): Promise<Readonly<Record<string, readonly string[]>>> {
  const { allRequirements } = await import("../requirements/stages.ts");
  const { symptoms } = await import("../symptoms/catalogue.ts");
  const { rendered } = await import("../boot/rendered.ts");
  return {
    explain: [...allRequirements, ...symptoms].map(({ id }) => id),
    render: rendered.map(({ name }) => name),
  };
}

/**
 * The completion script for one shell, made of the program's own commands and options.
 * @param further as `furtherWords` has them
 */
export function completionScript(
  shell: "bash" | "zsh" | "fish",
  program: Command,
  further: Readonly<Record<string, readonly string[]>>,
): string {
  const nodes = nodesOf(program, "", further);
  if (shell === "fish") return fishScript(nodes);
  return `${shell === "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : ""}${bashScript(nodes)}`;
}

function nodesOf(
  command: Command,
  path: string,
  further: Readonly<Record<string, readonly string[]>>,
): Node[] {
  const visible = command.commands.map((child) => child.name());
  const options = command.options.flatMap((option) =>
    [option.long, option.short].filter((flag) => flag != null),
  );
  const values = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  const words = [...visible, ...values, ...(further[path] ?? []), ...options, "--help"];
  const children = command.commands.flatMap((child) =>
    nodesOf(child, `${path} ${child.name()}`.trim(), further),
  );
  const outputs = command.options.find(({ short }) => short === "-o")?.argChoices ?? [];
  return [{ path, words, outputs }, ...children];
}

function bashScript(nodes: readonly Node[]): string {
  const cases = nodes.map(({ path, words }) => `    "${path}") words="${words.join(" ")}" ;;`);
  const outputs = nodes
    .filter((node) => node.outputs.length > 0)
    .map((node) => `        "${node.path}") words="${node.outputs.join(" ")}" ;;`);
  return `_vflag() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" words="" word
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD-1))}"; do
    case "$word" in -*) break ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$previous" in
    -o|--output)
      case "$path" in
${outputs.join("\n")}
      esac
      COMPREPLY=($(compgen -W "$words" -- "$current")); return ;;
    --release) COMPREPLY=($(compgen -W "${releases.join(" ")}" -- "$current")); return ;;
    --as) COMPREPLY=($(compgen -W "sriov_agent.ini ml2_conf.ini" -- "$current")); return ;;
    --spec|--host|--from) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  while :; do
    case "$path" in
${cases.join("\n")}
    *) words="" ;;
    esac
    [ -n "$words" ] && break
    case "$path" in *" "*) path="\${path% *}" ;; *) break ;; esac
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _vflag vflag
`;
}

function fishScript(nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, words }) => {
    const depth = path === "" ? [] : path.split(" ");
    const children = words.filter((word) => !word.startsWith("-"));
    const seen = depth.map((word) => `__fish_seen_subcommand_from ${word}`);
    const open = children.length === 0 ? [] : [`not __fish_seen_subcommand_from ${children.join(" ")}`];
    const condition = [...seen, ...open].join("; and ") || "true";
    const options = words.filter((word) => word.startsWith("--"));
    return [
      ...(children.length === 0 ? [] : [`complete -c vflag -n '${condition}' -a '${children.join(" ")}'`]),
      ...options.map(
        (option) => `complete -c vflag -n '${seen.join("; and ") || "true"}' -l ${option.slice(2)}`,
      ),
    ];
  });
  return `${lines.join("\n")}\n`;
}
