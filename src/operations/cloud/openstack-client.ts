import type * as z from "zod";
import { ProgramError, type RunProgram } from "../../host/linux/system/program.ts";
import { type Refusal, refusalOf } from "../../openstack/guests/refusals.ts";

/**
 * The openstack client: python-openstackclient with clouds.yaml. vflag speaks to no service of OpenStack
 * itself.
 */
export interface OpenstackClient {
  /** What is started: `openstack`, or its path. */
  readonly program: string;
  /** The cloud in clouds.yaml; without one, the client's own environment decides (OS_CLOUD, ...). */
  readonly cloud: string | undefined;
  readonly run: RunProgram;
  /** How long one call may take, in seconds. */
  readonly timeout: number;
}

/** The cloud, or the client, did not do it; the message has the reason, `next` what to do. */
export class OpenstackError extends Error {
  override readonly name = "OpenstackError";
  readonly next: readonly string[];

  constructor({ text, next }: Refusal, options?: ErrorOptions) {
    super(text, options);
    this.next = next;
  }
}

/** The argument vector of a call, the program first. */
export function commandOf(
  { program, cloud }: Pick<OpenstackClient, "program" | "cloud">,
  args: readonly string[],
): string[] {
  return [program, ...(cloud === undefined ? [] : ["--os-cloud", cloud]), ...args];
}

/** Starts the client, and reads its answer in JSON. Throws OpenstackError. */
export async function ask<Schema extends z.ZodType>(
  client: OpenstackClient,
  args: readonly string[],
  schema: Schema,
): Promise<z.infer<Schema>> {
  const command = commandOf(client, args);
  const what = args.slice(0, args[0] === "network" && args[1] === "agent" ? 3 : 2).join(" ");
  const { stdout, stderr, code } = await start(client, command, what);
  if (code !== 0)
    throw new OpenstackError(
      refusalOf({ what, profile: args.includes("--binding-profile") }, stderr === "" ? stdout : stderr, code),
    );
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch (error) {
    throw new OpenstackError(
      { text: `openstack ${what}: its answer is no JSON`, next: [`${client.program} --version`] },
      { cause: error },
    );
  }
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map(
    ({ path, message }) => `${path.map(String).join(".") || "all of it"}: ${message}`,
  );
  throw new OpenstackError({
    text: `openstack ${what}: its answer is not as expected: ${where.join("; ")}`,
    next: [`${client.program} --version`],
  });
}

async function start({ run, program, timeout }: OpenstackClient, command: readonly string[], what: string) {
  try {
    return await run(command, { limit: timeout * 1000 });
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    if (error.code === "ENOENT" || error.code === "EACCES")
      throw new OpenstackError(
        {
          text:
            `the openstack client cannot be started: ${program}: ` +
            `${error.code === "ENOENT" ? "no such program" : "not executable"}`,
          next: [
            "apt-get install python3-openstackclient, or pip install python-openstackclient; --client " +
              "PATH names it where it is in a venv",
          ],
        },
        { cause: error },
      );
    if (error.code === "ETIMEDOUT")
      throw new OpenstackError(
        {
          text: `openstack ${what}: no answer after ${timeout} s, so the client was killed`,
          next: what.endsWith("create")
            ? [
                "run the same command again: what was made meanwhile is found by its name, and kept",
                "--timeout SECONDS waits longer",
              ]
            : ["is the service reachable from here? --timeout SECONDS waits longer"],
        },
        { cause: error },
      );
    throw new OpenstackError(
      { text: `openstack ${what}: ${error.message.split("\n")[0]}`, next: [] },
      { cause: error },
    );
  }
}
