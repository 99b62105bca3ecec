import type { Action } from "../../host/actions/action.ts";
import { commandsOf } from "../../host/actions/command.ts";
import { plainText } from "../../host/plain-text.ts";
import type { Failure, Observer, Step } from "../../reconcile/step.ts";
import type { Style } from "./style.ts";

/** Shows what goes on during `apply`. `finish` waits until all of it is on the screen. */
export interface Progress {
  readonly observer: Observer;
  readonly finish: () => Promise<void>;
}

/** One line a step and a failure: for logs, the journal of systemd, and pipes. */
export function plainProgress(write: (line: string) => void, style: Style): Progress {
  return {
    observer: {
      stepBegins: (step) =>
        write(`${style.strong(plainText(step.nic))}  ${step.requirement}  ${actionsText(step)}`),
      actionEnds: (step, action, failure) => {
        if (failure === null) return;
        const failed = `${style.bad("failed")}: ${failureText(action, failure)}`;
        write(`${plainText(step.nic)}  ${step.requirement}  ${failed}`);
      },
    },
    finish: async () => {},
  };
}

function actionsText({ actions }: Step): string {
  const [first] = actions;
  return first !== undefined && actions.length === 1 ? commandsText(first) : `${actions.length} actions`;
}

function commandsText(action: Action): string {
  return plainText(commandsOf(action).join("; "));
}

function failureText(action: Action, { code, reason }: Failure): string {
  return `${commandsText(action)}: ${code === null ? "" : `${code}: `}${plainText(reason)}`;
}

/**
 * A line for each NIC that changes in place: for terminals. What failed is told in the end.
 * @param paint makes escape sequences of the style's colours
 */
export async function terminalProgress(
  nics: readonly string[],
  style: Style,
  paint: (text: string) => string,
): Promise<Progress> {
  const { Listr } = await import("listr2");
  const ends = new Map(nics.map((nic) => [nic, Promise.withResolvers<boolean>()]));
  const say = new Map<string, (text: string) => void>();
  const list = new Listr(
    nics.map((nic) => ({
      title: plainText(nic),
      task: async (_context: unknown, task: { output: string; title: string }) => {
        say.set(nic, (text) => {
          task.output = paint(text);
        });
        const settled = (await ends.get(nic)?.promise) ?? false;
        if (!settled) throw new Error(`${plainText(nic)}  stopped`);
        task.title = `${plainText(nic)}  settled`;
      },
      rendererOptions: { bottomBar: 1 },
    })),
    // Its own handler of signals ends the process, with code 127 and whatever is under way.
    { concurrent: true, exitOnError: false, collectErrors: false, registerSignalListeners: false },
  );
  const running = list.run();
  const lineOf = (step: Step) => say.get(step.nic) ?? say.values().next().value;
  return {
    observer: {
      // The host's own steps come before its NICs' and after them: each is told on the first line.
      actionBegins: (step, action) => lineOf(step)?.(`${step.requirement}: ${commandsText(action)}`),
      actionEnds: (step, action, failure) => {
        if (failure !== null) lineOf(step)?.(style.bad(`failed: ${failureText(action, failure)}`));
      },
      nicEnds: ({ nic, status }) => ends.get(nic)?.resolve(status === "settled"),
    },
    finish: async () => {
      for (const end of ends.values()) end.resolve(false);
      await running;
    },
  };
}
