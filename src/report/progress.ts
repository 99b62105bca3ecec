import { commandsOf } from "../host/command.ts";
import type { Observer, Step } from "../reconcile/reconcile.ts";
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
        write(
          `${style.strong(step.nic)}  ${step.requirement}  ${step.actions.length === 1 ? commandsOf(step.actions[0] ?? never()).join("; ") : `${step.actions.length} actions`}`,
        ),
      actionEnds: (step, action, failure) => {
        if (failure !== null)
          write(
            `${step.nic}  ${step.requirement}  ${style.bad("failed")}: ${commandsOf(action).join("; ")}: ${failure.code === null ? "" : `${failure.code}: `}${failure.reason}`,
          );
      },
    },
    finish: async () => {},
  };
}

/** A line for each NIC that changes in place: for terminals. What failed is told in the end. */
export async function terminalProgress(nics: readonly string[], style: Style): Promise<Progress> {
  const { Listr } = await import("listr2");
  const ends = new Map(nics.map((nic) => [nic, Promise.withResolvers<boolean>()]));
  const say = new Map<string, (text: string) => void>();
  const list = new Listr(
    nics.map((nic) => ({
      title: nic,
      task: async (_context: unknown, task: { output: string; title: string }) => {
        say.set(nic, (text) => {
          task.output = text;
        });
        const settled = (await ends.get(nic)?.promise) ?? false;
        if (!settled) throw new Error(`${nic}  stopped`);
        task.title = `${nic}  settled`;
      },
      rendererOptions: { bottomBar: 1 },
    })),
    { concurrent: true, exitOnError: false, collectErrors: false },
  );
  const running = list.run();
  const lineOf = (step: Step) => say.get(step.nic) ?? say.values().next().value;
  return {
    observer: {
      // The host's own steps come before its NICs' and after them: each is told on the first line.
      actionBegins: (step, action) => lineOf(step)?.(`${step.requirement}: ${commandsOf(action).join("; ")}`),
      actionEnds: (step, action, failure) => {
        if (failure !== null) lineOf(step)?.(style.bad(`failed: ${commandsOf(action).join("; ")}: ${failure.reason}`));
      },
      nicEnds: ({ nic, status }) => ends.get(nic)?.resolve(status === "settled"),
    },
    finish: async () => {
      for (const end of ends.values()) end.resolve(false);
      await running;
    },
  };
}

function never(): never {
  throw new Error("a step without an action");
}
