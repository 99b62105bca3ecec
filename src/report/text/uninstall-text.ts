import { commandsOf } from "../../host/actions/command.ts";
import { inPlainText } from "../../host/plain-text.ts";
import type { Removal, RemovalFailure } from "../../operations/host/uninstall.ts";
import { count, type Style } from "../terminal/style.ts";

/** What `uninstall` would do, or did, for the eye. @param failures null before it was done */
export function uninstallText(
  removal: Removal,
  left: readonly RemovalFailure[] | null,
  style: Style,
): string {
  const { actions, stays, unknown, failures } = inPlainText({ ...removal, failures: left });
  const failed = new Map(failures?.map(({ action, reason }) => [action, reason]));
  const commands = actions.flatMap((action) => {
    const reason = failed.get(action);
    return [
      ...commandsOf(action).map((line) => `  ${line}`),
      ...(reason === undefined ? [] : [`    ${style.bad(reason)}`]),
    ];
  });
  const unseen = unknown.map((reason) => `${style.doubtful("!")} could not be observed: ${reason}`);
  const staying = ["It stays:", ...stays.map((line) => `  ${line}`)];
  const blocks = [[...commands, ...unseen], staying, [ending(actions.length, failures)]].filter(
    (block) => block.length > 0,
  );
  return `${blocks.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function ending(actions: number, failures: readonly RemovalFailure[] | null): string {
  if (actions === 0) return "Nothing of vflag is left to be removed.";
  if (failures === null)
    return `${count(actions, "action")}. Nothing was changed. \`vflag uninstall\` does it.`;
  return failures.length === 0
    ? `${count(actions, "action")} done.`
    : `${failures.length} of ${count(actions, "action")} failed.`;
}
